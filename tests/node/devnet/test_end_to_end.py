"""Four nodes in processes of their own, libp2p on loopback, anvil, SQLite: whole epochs, and what goes wrong in them.

Each epoch of one network is a test of its own; they run in this order, and each takes about as long as an epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import Status
from coordination.chain.rollup import Rollup
from coordination.node.api.errors import NodeRefuses
from coordination.node.devnet.chain import live_chain
from coordination.node.devnet.network import BOND, REWARD, WEALTH, Network, Plan, deploy, plan_nodes
from coordination.node.devnet.processes import stop
from tests.node.devnet.outage import Door, door

PLAN = Plan(lazy=frozenset({"bob"}), slot_duration=2, slots_per_epoch=4, claim_slots=2, proof_slots=2)
PATIENCE = 45.0  # seconds for anything: several epochs
ALICE, BOB, CAROL, DAVE = (address_of(development_key(name)) for name in ("alice", "bob", "carol", "dave"))


class World:
    def __init__(self, network: Network, l1: Door) -> None:
        self.network, self.l1, self.rollup = network, l1, network.rollup

    @property
    def epoch(self) -> int:
        return self.network.slot() // PLAN.slots_per_epoch

    def bid(self, name: str, epoch: int, fee: int) -> None:
        self.network.nodes[name].client.call("submitEpochProofBid", epoch=epoch, basisPointFee=fee)

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            self.network.check()
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
            time.sleep(0.05)

    def wait_for_status(self, epoch: int, status: Status) -> None:
        self.wait_for(f"epoch {epoch} is {status.name}", lambda: self.rollup.claim_of(epoch).status is status)

    def balances(self) -> dict[str, int]:
        return {name: self.network.balance(address_of(development_key(name))) for name in self.network.nodes}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        chain = stack.enter_context(live_chain())
        l1 = stack.enter_context(door(chain.url))
        deployment = deploy(PLAN, chain)
        nodes = plan_nodes(PLAN, l1.url, deployment, tmp_path_factory.mktemp("network"))
        for node in nodes.values():
            stack.callback(node.kill)
            node.start()
        for node in nodes.values():
            node.wait()
        network = Network(chain, deployment, Rollup(chain.web3, deployment.rollup), nodes)
        yield World(network, l1)


def test_the_cheapest_bid_is_taken_claimed_proven_and_paid(world: World) -> None:
    world.wait_for("there is time for two bids", lambda: world.network.slot() % PLAN.slots_per_epoch < 3)
    epoch = world.epoch
    world.bid("bob", epoch, 1_500)
    world.bid("alice", epoch, 1_000)
    world.wait_for_status(epoch, Status.PROVEN)
    claim, after = world.rollup.claim_of(epoch), world.balances()
    assert (claim.prover, claim.basis_point_fee) == (ALICE, 1_000)
    assert claim.proposer in (CAROL, DAVE)
    assert after["alice"] == WEALTH + REWARD // 10
    assert after["carol"] + after["dave"] == REWARD - REWARD // 10


def test_a_prover_that_hands_in_no_proof_loses_its_bond(world: World) -> None:
    epoch, before, pool = world.epoch, world.balances(), world.rollup.reward_pool()
    world.bid("bob", epoch, 1_500)
    world.wait_for_status(epoch, Status.CLAIMED)
    assert world.balances()["bob"] == before["bob"] - BOND
    deadline = world.rollup.claim_of(epoch).slot + PLAN.proof_slots
    world.wait_for("the proof phase is over", lambda: world.network.slot() >= deadline)
    bob = world.network.nodes["bob"]
    world.wait_for("bob's node tells", lambda: any(bob.events("proof missed, bond lost")))
    anybody = development_key("funder")
    world.network.chain.send(anybody, world.rollup.address, bytes(world.rollup.prune(epoch)["data"]))
    assert world.rollup.claim_of(epoch).status is Status.PRUNED
    assert world.balances()["bob"] == before["bob"] - BOND
    assert world.rollup.reward_pool() == pool + BOND


def test_proposers_that_are_killed_come_back_and_never_take_two_quotes_in_a_slot(world: World) -> None:
    epoch = world.epoch
    world.bid("alice", epoch, 1_200)
    proposers = [world.network.nodes[name] for name in ("carol", "dave")]
    world.wait_for("the claim phase begins", lambda: world.epoch > epoch)
    for node in proposers:
        node.kill()
        node.start()
    for node in proposers:
        node.wait()
    again = world.epoch
    world.bid("alice", again, 1_100)
    world.wait_for_status(again, Status.PROVEN)
    assert len(list(proposers[0].events("ready"))) == 2
    for node in proposers:
        taken = {
            (event["slot"], event["epoch"], event["prover"], event["basis_point_fee"])
            for event in node.events("remembered")
            if event["fact"] == "Chosen"
        }
        assert len({slot for slot, *_ in taken}) == len(taken)


def test_while_l1_is_gone_nothing_is_lost(world: World) -> None:
    epoch = world.epoch
    world.bid("alice", epoch, 900)
    world.l1.shut()
    nodes = world.network.nodes.values()
    world.wait_for("all notice", lambda: all(any(node.events("L1 does not answer")) for node in nodes))
    with pytest.raises(NodeRefuses, match="L1Unreachable"):
        world.network.nodes["alice"].client.call("getClaim", epoch=epoch)
    world.bid("alice", epoch + 1, 800)
    world.l1.open()
    world.wait_for("all are back", lambda: all(any(node.events("L1 answers again")) for node in nodes))
    world.wait_for_status(epoch + 1, Status.PROVEN)
    assert world.rollup.claim_of(epoch + 1).prover == ALICE


def test_nodes_end_cleanly_and_no_key_is_in_any_log(world: World) -> None:
    nodes = list(world.network.nodes.values())
    stop(nodes)
    for node in nodes:
        said = node.log.read_text()
        assert "Traceback" not in said
        assert not any(key.removeprefix("0x") in said.lower() for key in node.keys.values())
