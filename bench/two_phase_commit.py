"""Gray and Lamport's two-phase commit: this project's explorer beside Spin and two explorers in Python."""

from __future__ import annotations

from bench.comparison import Comparison, count, memory, rate
from bench.measuring import Command, Failed, Row, Say, child, measure
from bench.peers import PEERS, Peer

RUNS = {5: 5, 7: 5, 8: 3, 9: 1}  # managers: how often each is measured
PEER_RUNS = {5: 3, 7: 3, 8: 1}  # no more than a peer ends in about a minute
PEER_LIMIT = "more than about a minute"


def compare(say: Say) -> Comparison:
    comparison = Comparison("Two-phase commit, one core each")
    for managers, runs in RUNS.items():
        ours = {"who": "this project", "managers": managers}
        say(f"two-phase commit, {managers} managers: this project")
        comparison.rows.append(ours | measure(child("explore", "two-phase-commit", str(managers), "all"), runs=runs))
