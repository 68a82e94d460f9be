"""Gray and Lamport's two-phase commit: this project's explorer beside Spin and two explorers in Python."""

from __future__ import annotations

from functools import partial

from bench.comparison import GIB, Comparison, memory, rate
from bench.measuring import Say, child
from bench.peers import PEERS

RUNS = {5: 5, 7: 5, 8: 3, 9: 1}  # managers: how often each is measured
PEER_RUNS = {5: 3, 7: 3, 8: 1}  # what a peer finishes in about a minute


def compare(say: Say) -> Comparison:
    comparison = Comparison("Two-phase commit")
    for managers, runs in RUNS.items():
        instance = ("two-phase-commit", str(managers), "all")
        measure = partial(comparison.measure, say, managers=managers)
        measure(lambda: child("explore", *instance), runs=runs, needed=True, who="this project")
        measure(lambda: child("recount", *instance), runs=runs, who="Spin")
        for peer in PEERS:
            if managers in PEER_RUNS:
                measure(partial(peer.count, managers), runs=PEER_RUNS[managers], who=str(peer))
            else:
                comparison.rows.append({"managers": managers, "who": str(peer), "why": "left out: takes too long"})
    comparison.require_agreement(["managers"], ["states", "steps", "found"])
