"""What a child process does: `python -m bench.noding quotes DESIGN` validates and pools made quotes on one core,
`flood DESIGN` a million of them; `latency DESIGN` times a bid through a network on this machine; `simulation DESIGN`
simulates slots. Prints JSON.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.measuring import Row
from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import NOBODY, Claim, Quote, SignedQuote, Status
from coordination.chain.signing import Signing, sign, signing
from coordination.conform.node.run import run
from coordination.node.core.core import Core, Verdict
from coordination.node.core.effects import AskFunds, Chosen, Effect, Remember
from coordination.node.core.memory import Memory
from coordination.node.core.timing import Timing
from coordination.node.core.view import Head
from coordination.node.devnet.network import Plan, devnet
from coordination.node.devnet.processes import NodeProcess
from coordination.node.wire import decode, encode
from coordination_spec import DESIGNS

CHAIN_ID, ROLLUP = 31_337, address_of(development_key("rollup"))
KEYS = 1_000
QUOTES, FLOOD = 20_000, 1_000_000
BIDS, SLOTS = 3, 10_000
AT_ONCE = 10_000  # messages that are signed before they are heard, so that the signing is not measured
TIMING = Timing(genesis_time=0, slot_duration=12, slots_per_epoch=32, claim_slots=16, proof_slots=16)
EPOCH, SLOT = 0, 33  # in whose claim phase the slot lies
HONEST_FEE = 5_000  # of the one quote whose prover can pay: dearer than all the others


def made(quotes: int, rules: Signing) -> Iterator[bytes]:
    """So many messages of a thousand keys, each with fees of its own in no order, all below the honest one."""
    keys = [development_key(str(number)) for number in range(KEYS)]
    fees = Random(1).sample(range(HONEST_FEE), quotes // KEYS)
    for fee in fees:
        for key in keys:
            quote = Quote(address_of(key), EPOCH, fee)
            yield encode(SignedQuote(quote, sign(key, rules.make_digest(quote))))


class Proposer:
    """A node in its own slot, which is told that nobody can pay but for one."""

    def __init__(self, design: str) -> None:
        self.rules = signing(design, CHAIN_ID, ROLLUP)
        self.honest, key = development_key("honest"), development_key("proposer")
        self.core = Core(TIMING, self.rules, Memory(), proposer=key)
        self.core.tick(TIMING.start_of(SLOT))
        nothing = Claim(NOBODY, 0, Status.OPEN, NOBODY, 0)
        self.chosen: Quote | None = None
        self.seconds = 0.0
        self._perform(self.core.see(Head({SLOT: address_of(key)}, {EPOCH: nothing})))

    def hear(self, messages: list[bytes]) -> int:
        """How many of them were kept."""
        started = time.perf_counter()
        heard = [self.core.hear_make(decode(message)) for message in messages]
        for each in heard:
            self._perform(each.effects)
        self.seconds += time.perf_counter() - started
        assert not any(each.verdict is Verdict.REJECT for each in heard)
        return sum(each.verdict is Verdict.ACCEPT for each in heard)

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case AskFunds(slot, provers):
                    answer = {prover: prover == address_of(self.honest) for prover in provers}
                    self._perform(self.core.learn_funds(slot, answer))
                case Remember(Chosen(_, quote)):
                    self.chosen = quote


def hear(design: str, quotes: int) -> tuple[Proposer, Row]:
    """Hear so many quotes, and the honest one when most of them are there."""
    proposer = Proposer(design)
    messages, heard, kept, memory = made(quotes, proposer.rules), 0, 0, 0
    while batch := [message for message, _ in zip(messages, range(AT_ONCE), strict=False)]:
        kept += proposer.hear(batch)
        heard += len(batch)
        memory = memory or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if heard == quotes // AT_ONCE // 2 * AT_ONCE:
            honest = Quote(address_of(proposer.honest), EPOCH, HONEST_FEE)
            signature = sign(proposer.honest, proposer.rules.make_digest(honest))
            kept += proposer.hear([encode(SignedQuote(honest, signature))])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
    rate = {"calls": quotes, "seconds": proposer.seconds, "calls/s": quotes / proposer.seconds}
    return proposer, rate | {"kept": kept, "pooled": len(proposer.core.pool), "grown": grown}


def quotes(design: str) -> Row:
    return hear(design, QUOTES)[1]


def flood(design: str) -> Row:
    proposer, row = hear(design, FLOOD)
    chosen = proposer.chosen
    return row | {"honest": chosen is not None and chosen.prover == address_of(proposer.honest)}


def latency(design: str) -> Row:
    """From a bid at the command line's end to its claim on the way to L1: once in each of a few epochs."""
    plan = Plan(design=design, slot_duration=3, slots_per_epoch=4, claim_slots=2, proof_slots=2)
    taken = []
    with TemporaryDirectory() as folder, devnet(plan, Path(folder)) as network:
        alice = network.nodes["alice"]
        for epoch in range(BIDS):
            start = network.deployment.parameters.timestamp((epoch + 1) * plan.slots_per_epoch)
            time.sleep(max(0.0, start + 1 - time.time()))
            began = time.time()
            alice.client.call("submitEpochProofBid", epoch=epoch, basisPointFee=1_000)
            taken.append(_sent_at(alice, epoch + 1) - began)
    return {"calls": BIDS, "median": statistics.median(taken), "worst": max(taken)}


def simulation(design: str) -> Row:
    ran = run(DESIGNS[design], slots=SLOTS, seed=0)
    if ran.divergence is not None:
        sys.exit(str(ran.divergence))
    return {"calls": ran.slots, "seconds": ran.seconds, "calls/s": ran.slots / ran.seconds}


def _sent_at(node: NodeProcess, claims: int) -> float:
    """When the last of so many claims was sent, in Unix seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        sent = [event for event in node.events("transaction") if event["what"] == "sent" and "claim" in event["key"]]
        if len(sent) >= claims:
            return datetime.fromisoformat(sent[claims - 1]["timestamp"]).timestamp()
        time.sleep(0.02)
    sys.exit(f"claim {claims} was not sent within 20 s")


if __name__ == "__main__":
    measured = {each.__name__: each for each in (quotes, flood, latency, simulation)}[sys.argv[1]]
    print(json.dumps(measured(sys.argv[2])))
