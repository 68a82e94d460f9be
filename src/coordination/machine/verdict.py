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
    out). `states`, `transitions` and `depth` are the size of the search when it ended. `reason` is why a violation is
    expected, or which budget ran out. `routes` are the shortest traces of the ways in which an expected violation
    happens, by name; a route that was not found has no trace.
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


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that says it all: wrong usage outweighs a violation, and that an unknown."""
    order = (Exit.AS_EXPECTED, Exit.UNKNOWN, Exit.VIOLATION, Exit.WRONG_USAGE)
    return max(codes, key=order.index, default=Exit.AS_EXPECTED)


def exit_code(verdicts: Iterable[Verdict]) -> Exit:
    """What a run with these verdicts ends with."""
    return worst(_code(verdict) for verdict in verdicts)


def _code(verdict: Verdict) -> Exit:
    if verdict.status is Status.UNKNOWN:
        return Exit.UNKNOWN
    return Exit.AS_EXPECTED if verdict.expected else Exit.VIOLATION
