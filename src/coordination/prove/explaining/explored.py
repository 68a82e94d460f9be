"""An instance explored once, to be asked which facts are true of its reachable states.

Facts are terms over the fields of `unrolled`, with nothing fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.explore.retrace import shortest_trace
from coordination.explore.rows import Columns
from coordination.explore.search import Budget, Search, chunks
from coordination.machine import terms
from coordination.machine.language import all_of
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import State
from coordination.machine.terms import Value
from coordination.machine.trace import Trace, Valuation
from coordination.machine.unrolled import Unrolled

Truth = NDArray[np.bool_]  # one row for each fact, one column for each state


class Explored:
    """The reachable states of an instance, interchangeable values told apart; all, unless a budget was `exhausted`."""

    def __init__(self, machine: Machine, instance: Instance, budget: Budget | None = None) -> None:
        """Explores. Raises SpecificationError where the specification is not sound."""
        self._search = Search(machine, replace(instance, interchangeable=None), [])
        self._found = self._search.run(budget)
        self.unrolled = self._search.layout.unrolled
        self.states, self.exhausted = self._found.states, self._found.exhausted

    def first(self, fact: Value) -> Valuation | None:
        """A state of which `fact` is true, with as short a run to it as any has."""
        for _, clock, chunk, truth in self._judged([fact]):
            for number in np.flatnonzero(truth[0])[:1].tolist():
                return self._search.layout.unpack(clock, tuple(int(column[number]) for column in chunk))
        return None

    def is_invariant(self, fact: Value) -> bool:
        """Whether `fact` is true of all states that were found."""
        return all(truth.all() for *_, truth in self._judged([fact]))

    def combinations(self, facts: Sequence[Value]) -> Truth:
        """Which of `facts` are true together: a column for each combination that some state has."""
        found = np.zeros((len(facts), 0), np.bool_)
        for *_, truth in self._judged(facts):
            found = np.unique(np.concatenate((found, truth), axis=1), axis=1)
        return found

    def run_to(self, state: Valuation) -> Trace:
        """A shortest run to one of the states, confirmed by the oracle."""
        there = _is_exactly(state, self.unrolled)
        levels = (level for level, *_, truth in self._judged([self.unrolled.holds(there, {})]) if truth.any())
        trace = shortest_trace(self._search, replace(self._found, found={there.name: next(levels)}), there)
        assert trace is not None, "the state is one of those that were found"
        return trace

    def _judged(self, facts: Sequence[Value]) -> Iterator[tuple[int, int, Columns, Truth]]:
        """Level, clock, some of the states there, and what is true of them."""
        compiled: dict[int, Callable[[Columns], list[NDArray[np.int64]]]] = {}
        time: Value = self.unrolled.fields.get((self._search.machine.clock, ()))
        for level, states in enumerate(self._found.levels):
            for clock, columns in states.items():
                if clock not in compiled:
                    now = {time: clock} if terms.is_term(time) else {}
                    compiled[clock] = self._search.values([terms.substitute(fact, now) for fact in facts])
                for _, chunk in chunks(columns):
                    with np.errstate(divide="ignore"):  # a step may divide by zero where it is not accepted
                        truth = np.stack(compiled[clock](chunk)).astype(np.bool_)
                    yield level, clock, chunk, truth


def _is_exactly(state: Valuation, unrolled: Unrolled) -> Property:
    """The situation of being in `state`."""
    booleans = {variable.name for variable in unrolled.variables if variable.boolean}

    def holds(s: State, w: Any) -> bool:
        facts = []
        for name, key in unrolled.fields:
            is_now, then = getattr(s, name), state.entry(name, key)
            facts.append((is_now[key] if key else is_now) == (bool(then) if name in booleans else then))
        return all_of(*facts)

    return Property("the state is reached", Kind.SITUATION, holds, "")
