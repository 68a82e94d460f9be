"""Gray and Lamport's two-phase commit: this project's explorer beside Spin and two explorers in Python."""

from __future__ import annotations

from functools import partial

from bench.comparison import COMMON_NOTES, GIB, Comparison, show_memory, show_rate
from bench.measuring import Row, Say, child
from bench.peers import PEERS

RUNS = {5: 5, 7: 5, 8: 3, 9: 1}  # managers: how often each is measured
PEER_RUNS = {5: 3, 7: 3, 8: 1}  # no more managers than a peer finishes in about a minute
NOTES = (
    *COMMON_NOTES,
    "All judge one invariant, and all but Spin, which searches depth first, keep what rebuilds a shortest trace.",
)


def compare(say: Say) -> Comparison:
    comparison = Comparison("Two-phase commit", NOTES)
    ours: dict[int, Row] = {}
    peers = [*PEERS]
    for managers, runs in RUNS.items():
        arguments = ("two-phase-commit", str(managers), "all")
        measure = partial(comparison.measure, say, managers=managers)
        ours[managers] = measure(partial(child, "explore", *arguments), runs, needed=True, who="this project")
        measure(partial(child, "recount", *arguments), runs, who="Spin")
        for peer in [*peers]:
            if managers not in PEER_RUNS:
                why = f"not asked for more than {max(PEER_RUNS)} managers, to save time"
                comparison.rows.append({"managers": managers, "who": str(peer), "why": why})
            elif "why" in measure(partial(peer.count, managers), PEER_RUNS[managers], who=str(peer)):
                peers.remove(peer)  # once is enough
    comparison.require_agreement("states", "steps", "found")
    comparison.aim_at_least(1e6, "distinct states/s at 7 managers", ours[7].get("rate"), show_rate)
    comparison.aim_below(8 * GIB, "peak memory at 9 managers", ours[9].get("memory"), show_memory)
    return comparison
