"""A rollup on a development chain, and a node for each of a few accounts, all connected to each other."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_utils.crypto import keccak
from hexbytes import HexBytes

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import Deployment, Parameters, deploy_development
from coordination.chain.quote import Address
from coordination.chain.rollup import Rollup
from coordination.node.devnet.chain import LiveChain, live_chain
from coordination.node.devnet.processes import NodeProcess, stop

ETHER = 10**18  # wei that each account can pay gas with
TST = 10**18  # the smallest units of a whole one
BOND, REWARD = 1_000 * TST, 100 * TST
WEALTH = 10 * BOND  # TST of each prover, and of whoever funds the rewards
UNLIMITED = 2**256 - 1
GUEST = "erin"  # a prover with tokens and without a node: for whoever joins by hand


@dataclass(frozen=True)
class Plan:
    """Who takes part, and how fast time passes: slots of so many seconds, E, C and P slots."""

    design: str = "0.2.0"
    provers: tuple[str, ...] = ("alice", "bob")
    lazy: frozenset[str] = frozenset()  # provers that never compute a proof
    proposers: tuple[str, ...] = ("carol", "dave")
    slot_duration: int = 2
    slots_per_epoch: int = 6
    claim_slots: int = 3
    proof_slots: int = 3


@dataclass
class Network:
    """A chain, a rollup, and nodes by the names of their accounts."""

    chain: LiveChain
    deployment: Deployment
    rollup: Rollup
    nodes: dict[str, NodeProcess]

    @property
    def address(self) -> str:
        """Where another node can join: the multiaddr of one that is here."""
        return str(next(iter(next(iter(self.nodes.values())).events("ready")))["gossip"])

    def balance(self, address: Address) -> int:
        """TST of an account."""
        question = shipped("TestToken").call("balanceOf", address)
        answer = self.chain.web3.eth.call({"to": self.deployment.token, "data": HexBytes(question)})
        return int.from_bytes(answer, "big")

    def slot(self) -> int:
        """By this machine's clock, which is the chain's."""
        given = self.deployment.parameters
        return max(0, int((time.time() - given.genesis_time) // given.slot_duration))

    def check(self) -> None:
        """Raises NodeError if a node has ended by itself."""
        for node in self.nodes.values():
            node.check()


@contextmanager
def devnet(plan: Plan, folder: Path) -> Iterator[Network]:
    """Start everything, each node's files in a folder of its own under `folder`; all ends with the block."""
    with ExitStack() as stack:
        chain = stack.enter_context(live_chain())
        deployment = deploy(plan, chain)
        nodes = plan_nodes(plan, chain.url, deployment, folder)
        stack.callback(stop, nodes.values())
        for node in nodes.values():
            node.start()
        for node in nodes.values():
            node.wait()
        yield Network(chain, deployment, Rollup(chain.web3, deployment.rollup), nodes)


def deploy(plan: Plan, chain: LiveChain) -> Deployment:
    """The contracts; the provers have TST and let the rollup take their bonds, and the reward pool is filled."""
    provers = [development_key(name) for name in (*plan.provers, GUEST)]
    funder = development_key("funder")
    rich = [address_of(key) for key in (*provers, funder)]
    proposers = [address_of(development_key(name)) for name in plan.proposers]
    parameters = Parameters(
        genesis_time=int(time.time()) + 1,
        slot_duration=plan.slot_duration,
        slots_per_epoch=plan.slots_per_epoch,
        claim_slots=plan.claim_slots,
        proof_slots=plan.proof_slots,
        bond=BOND,
        reward_per_epoch=REWARD,
    )
    deployment = deploy_development(
        chain.deploy,
        version=plan.design,
        chain_id=chain.chain_id,
        parameters=parameters,
        token=shipped("TestToken").creation(rich, [WEALTH] * len(rich)),
        schedule=shipped("ValidatorSet").creation(keccak(text="development"), proposers),
    )
    approval = shipped("TestToken").call("approve", deployment.rollup, UNLIMITED)
    for key in (*provers, funder):
        chain.fund(address_of(key), ETHER)
        chain.send(key, deployment.token, approval)
    chain.send(funder, deployment.rollup, shipped("HardenedProverCoordination").call("fundRewards", WEALTH // 2))
    chain.settle()
    return deployment


def plan_nodes(plan: Plan, l1_url: str, deployment: Deployment, folder: Path) -> dict[str, NodeProcess]:
    """A process for each account, not started: each knows where all others will listen."""
    from coordination.node.gossip.identity import peer_id

    names = sorted({*plan.provers, *plan.proposers})
    ports = free_ports(2 * len(names))
    gossip, api = ports[: len(names)], ports[len(names) :]
    identities = [keccak(text=f"{deployment.rollup} {name}") for name in names]
    places = [f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_id(seed)}" for port, seed in zip(gossip, identities, strict=True)]
    nodes = {}
    for number, name in enumerate(names):
        home = folder / name
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "peer.key").touch(mode=0o600)
        (home / "peer.key").write_bytes(identities[number])
        key = development_key(name).to_hex()
        keys = {"PROVER_PUBLISHER_PRIVATE_KEY": key} if name in plan.provers else {}
        keys |= {"VALIDATOR_PRIVATE_KEY": key} if name in plan.proposers else {}
        arguments = ["--l1-url", l1_url, "--rollup", deployment.rollup, "--data", str(home)]
        arguments += ["--listen", f"/ip4/127.0.0.1/tcp/{gossip[number]}", "--api-port", str(api[number])]
        arguments += [part for at, place in enumerate(places) if at != number for part in ("--peer", place)]
        if name in plan.provers and name not in plan.lazy:
            arguments.append("--development-proofs")
        nodes[name] = NodeProcess(name, tuple(arguments), keys, api[number], folder / f"{name}.log")
    return nodes


def free_ports(count: int) -> Sequence[int]:
    """Ports that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
