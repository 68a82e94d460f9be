"""The node: quotes a second on one core, a flood of a million, a bid's way through a network, and simulated slots."""

from __future__ import annotations

from functools import partial

from bench.comparison import Comparison, show_memory, show_seconds, show_whole
from bench.measuring import Say, measure_found, noding

DESIGNS = ("0.1.0", "0.2.0")
NOTES = (
    "Quotes are distinct, of a thousand keys; each is decoded, its signature recovered, and it is kept or not. In the "
    "flood all of them are cheaper than the one honest quote, but nobody can pay for them; it comes in the middle.",
    "A bid's way: over JSON-RPC to alice's node, by libp2p to the proposer's, which asks anvil for her funds, writes "
    "its choice to disk and publishes the take; to alice's again, which sends the claim. All share this core.",
)


def compare(say: Say) -> Comparison:
    comparison = Comparison("The node", NOTES)
    for design in DESIGNS:
        row = comparison.measure(
            say, partial(noding, "quotes", design), 1, measure_found, needed=True, design=design, who="made quotes"
        )
        comparison.aim_at_least(2_000, f"{design}, quotes/s", row.get("calls/s"), show_whole)
    flood = comparison.measure(
        say, partial(noding, "flood", "0.2.0"), 1, measure_found, needed=True, design="0.2.0", who="flood"
    )
    comparison.aim_below(16 * 2**20, "growth of memory in the flood", flood.get("grown"), show_memory)
    if flood.get("honest") is False:
        comparison.errors.append("in the flood, the honest quote is not taken in its slot")
    for design in DESIGNS:
        row = comparison.measure(
            say,
            partial(noding, "latency", design),
            1,
            measure_found,
            needed=True,
            design=design,
            who="bids on a network",
        )
        row.pop("cpu", None)  # it waits for slots to begin, which is not to be taken for a core that is shared
        comparison.aim_below(1, f"{design}, seconds from bid to claim sent, the worst", row.get("worst"), show_seconds)
    for design in DESIGNS:
        row = comparison.measure(
            say, partial(noding, "simulation", design), 1, measure_found, needed=True, design=design, who="slots"
        )
        comparison.aim_below(60, f"{design}, seconds of all simulated slots", row.get("seconds"), show_seconds)
    return comparison
