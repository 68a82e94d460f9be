"""The contract: how fast this project's conformance executes it, beside Foundry's invariant fuzzing."""

from __future__ import annotations

from functools import partial

from bench.comparison import Comparison, show_seconds, show_whole
from bench.measuring import Say, conforming, coordination, measure_found, measure_wall
from bench.peers.foundry import foundry

DESIGNS = ("0.1.0", "0.2.0")
SECONDS = 20  # of Foundry's campaign
NOTES = (
    "One of conformance's calls is a transition of the specification: the contract's answer, revert data in full, its "
    "logs and its whole storage are compared, and in each state what its views tell. Foundry calls a handler "
    "(bench/peers/foundry), which signs quotes with real keys, calls the contract and keeps books; after each call the "
    "specification's properties, written again in Solidity, are judged. Its seed is fixed.",
)


def compare(say: Say) -> Comparison:
    comparison = Comparison("The contract, instance tiny", NOTES)
    for design in DESIGNS:
        measure = partial(comparison.measure, say, runs=1, needed=True, design=design)
        ours = measure(partial(conforming, "rate", design), how=measure_found, who="conformance")
        whole = partial(coordination, "conform", "contract", "--design", design)
        wall = measure(whole, how=measure_wall, who="coordination conform contract").get("wall")
        comparison.aim_at_least(15_000, f"{design}, transitions/s", ours.get("calls/s"), show_whole)
        comparison.aim_below(60, f"{design}, seconds of the whole command", wall, show_seconds)
    fuzz = partial(foundry, SECONDS)
    row = comparison.measure(say, fuzz, 1, measure_found, design="0.2.0", who="Foundry 1.7.1")
    if row.get("found"):
        comparison.errors.append(f"Foundry finds that the contract breaks {row['found']}")
    elif "claims" in row:
        comparison.facts.append(f"of the claims that Foundry's handler sends, {row['claims']:.0%} are accepted")
    return comparison
