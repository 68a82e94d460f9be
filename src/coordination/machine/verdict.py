"""What a verdict is, and what an exit code means. Everything that judges a property imports this file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from coordination.machine.trace import Trace


class Status(StrEnum):
    HOLDS = "HOLDS"
    VIOLATED = "VIOLATED"
    UNKNOWN = "UNKNOWN"  # a budget ran out before the search did


class Exit(IntEnum):
    AS_EXPECTED = 0
    VIOLATION = 1  # a violation that nobody expected, an expected one that is gone, or drift from a pinned size
    WRONG_USAGE = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Verdict:
    """One property of one machine in one instance.

    `method` says how it was reached ("exhaustive": every state of the instance was visited; "truncated": a budget ran
    out). `states`, `transitions`
    and `depth` are the size of the search when it ended. `reason` is why a violation is expected, or which budget ran
    out. `routes` are the shortest traces of the ways in which an expected violation happens, by name; a route that was
    not found has no trace.
    """

    machine: str
    design: str
    instance: str
    property: str
    method: str
    status: Status
    expected: bool
    states: int
    transitions: int
    depth: int
    seconds: float
    trace: Trace | None = None
    reason: str = ""
    routes: tuple[tuple[str, Trace | None], ...] = ()


def exit_code(verdicts: Iterable[Verdict]) -> Exit:
    """The worst of the verdicts: a violation outweighs an unknown."""
    worst = Exit.AS_EXPECTED
    for verdict in verdicts:
        if verdict.status is Status.UNKNOWN:
            worst = max(worst, Exit.UNKNOWN, key=_SEVERITY.__getitem__)
        elif not verdict.expected:
            worst = Exit.VIOLATION
    return worst


_SEVERITY = {Exit.AS_EXPECTED: 0, Exit.UNKNOWN: 1, Exit.VIOLATION: 2, Exit.WRONG_USAGE: 3}
