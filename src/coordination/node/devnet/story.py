"""The whole story, as it happens: two bids, the cheaper one taken, the claim with its bond, the proof, the payout."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from coordination.chain.accounts import address_of, development_key
from coordination.node.devnet.network import GUEST, Network, Plan, devnet
from coordination.node.devnet.processes import NodeError
from coordination.node.devnet.telling import Teller, tst

PATIENCE = 90.0  # seconds until a story must have ended
FEES = {"alice": 1_000, "bob": 1_500}

Say = Callable[[str], None]


def tell_story(plan: Plan, folder: Path, say: Say) -> None:
    """Start a network, let both provers bid, and tell what follows, up to where the bond is back.

    Raises NodeError if it does not come to that.
    """
    started = time.time()

    def tell(text: str, at: float | None = None) -> None:
        say(f"{(at or time.time()) - started:5.1f} s  {text}")

    tell("starting a chain, the contracts, and a node for each of " + ", ".join((*plan.provers, *plan.proposers)))
    with devnet(plan, folder) as network:
        introduce(network, tell)
        before = balances(network)
        epoch = _bid(network, tell)
        _follow(network, epoch, started, tell)
        claim = network.rollup.claim_of(epoch)
        tell(f"epoch {epoch} is {claim.status.name}")
        for name, after in balances(network).items():
            gained = after - before[name]
            if gained:
                tell(f"{name} has {tst(after)}: {tst(gained)} more than before")
        tell("and the bond is back where it came from")


def introduce(network: Network, tell: Callable[[str], None]) -> None:
    chain, deployed = network.chain, network.deployment
    given = deployed.parameters
    tell(f"L1 is {chain.client} at {chain.url}, the rollup of design {deployed.version} at {deployed.rollup}")
    tell(
        f"a slot has {given.slot_duration} s; an epoch {given.slots_per_epoch} slots, a claim phase "
        f"{given.claim_slots}, a proof phase {given.proof_slots}; a bond is {tst(given.bond)}, a reward "
        f"{tst(given.reward_per_epoch)}"
    )


def invitation(network: Network) -> str:
    """The command by which another node joins, in a terminal of its own."""
    return (
        f"PROVER_PUBLISHER_PRIVATE_KEY={development_key(GUEST).to_hex()} coordination node --data {GUEST} "
        f"--l1-url {network.chain.url} --rollup {network.rollup.address} --development-proofs --api-port 0 "
        f"--peer {network.address}"
    )


def balances(network: Network) -> dict[str, int]:
    """TST of everybody who has a node."""
    return {name: network.balance(address_of(development_key(name))) for name in network.nodes}


def _bid(network: Network, tell: Callable[[str], None]) -> int:
    """Let the provers bid for the epoch that has just begun, or will soon; which one."""
    epoch = network.slot() // network.deployment.parameters.slots_per_epoch
    for name, fee in FEES.items():
        tell(f"$ aztec prover-coordination submit-epoch-proof-bid --epoch {epoch} --basis-point-fee {fee}")
        network.nodes[name].client.call("submitEpochProofBid", epoch=epoch, basisPointFee=fee)
    return epoch


def _follow(network: Network, epoch: int, started: float, tell: Callable[[str, float | None], None]) -> None:
    """Tell what the nodes do until the epoch is over."""
    teller, deadline = Teller(network), started + PATIENCE
    paid = f"proof:{epoch}:"  # how the intent is called whose transaction ends the story
    while not any(
        event["what"] == "mined" and event["key"].startswith(paid)
        for node in network.nodes.values()
        for event in node.events("transaction")
    ):
        _tell_news(teller, started, tell)
        if time.time() > deadline:
            raise NodeError(f"epoch {epoch} was not proven within {PATIENCE:.0f} s")
        network.check()
        time.sleep(0.1)
    _tell_news(teller, started, tell)


def _tell_news(teller: Teller, started: float, tell: Callable[[str, float | None], None]) -> None:
    for line in teller.news():
        if line.time >= started:
            tell(line.text, line.time)
