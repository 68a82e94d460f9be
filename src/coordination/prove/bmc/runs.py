"""Runs of growing length, as facts of one SAT solver that is asked whether one of them is as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from coordination.machine.formulas import Formula
from coordination.prove.bmc.relation import Relation

ReportLength = Callable[[int, float], None]  # (how many steps the runs at hand have, seconds so far)


class Exhausted(Exception):
    """A budget ran out; the message names it."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for all answers together; None is for ever. `report` hears of each new length."""

    seconds: float | None
    report: ReportLength | None
    started: float = field(default_factory=time.perf_counter)

    def tell(self, length: int) -> None:
        if self.report:
            self.report(length, time.perf_counter() - self.started)

    def left(self) -> int:
        """Milliseconds until patience ends. Raises Exhausted once it has."""
        if self.seconds is None:
            return FOR_EVER
        left = self.seconds - (time.perf_counter() - self.started)
        if left <= 0:
            raise self.exhausted()
        return min(max(1, int(left * 1000)), FOR_EVER)

    def exhausted(self) -> Exhausted:
        return Exhausted(f"more than {self.seconds:g} seconds")


FOR_EVER = (1 << 32) - 1  # Z3's word for no timeout


class Runs:
    """All runs of `length` steps from a state of which `start` is true."""

    def __init__(self, relation: Relation, start: Formula, patience: Patience) -> None:
        self.relation, self.length, self._patience = relation, 0, patience
        self._solver = z3.SolverFor("QF_FD")  # finite domains: bits, and clauses over them
        self._solver.set("random_seed", 0)
        self.require(relation.at(start, 0))

    def extend(self) -> None:
        """To runs of one step more."""
        self.require(self.relation.at(self.relation.transition, self.length))
        self.length += 1
        self._patience.tell(self.length)

    def require(self, fact: Formula) -> None:
        """Leave only the runs of which `fact` is true."""
        self._solver.add(fact)

    def find(self, *facts: Formula, forever: bool = False) -> Formula | None:
        """The model of a run of which all of `facts` are true; None if there is none. Raises Exhausted."""
        self._solver.set("timeout", FOR_EVER if forever else self._patience.left())
        self._solver.push()
        try:
            self._solver.add(*facts)
            answer = self._solver.check()
            if answer == z3.unknown:
                raise self._gave_up(self._solver.reason_unknown())
            return self._solver.model() if answer == z3.sat else None
        finally:
            self._solver.pop()

    def _gave_up(self, reason: str) -> BaseException:
        if reason == "interrupted from keyboard":
            return KeyboardInterrupt()
        return self._patience.exhausted() if reason in ("timeout", "canceled") else Exhausted(f"Z3 said {reason!r}")
