"""Rebuilding a shortest run from the levels of a search.

The search keeps states, not where they came from. A run to a state is rebuilt backwards, level by level, by looking
for a state of the level before that has it as a successor; then the oracle walks the run forwards on plain integers.
A run that the oracle does not confirm is never shown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coordination.explore.kernel import Tally
from coordination.explore.layout import Row
from coordination.explore.rows import Columns, size
from coordination.explore.search import Exploration, Search, chunks
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.trace import Step, Trace, Valuation


class ReadingsDisagree(AssertionError):
    """The compiled reading found what the oracle does not: a bug of the checker, never of the specification."""


def shortest_trace(search: Search, exploration: Exploration, prop: Property) -> Trace | None:
    """A shortest run that breaks `prop`, or reaches a situation, confirmed by the oracle; None if none was found."""
    place = exploration.found.get(prop.name)
    if place is None:
        return None
    oracle = Oracle(search.machine, search.instance)
    steps = _walk(search, oracle, _path(search, exploration, place))
    last = steps[-1].state if steps else oracle.initial()
    if prop.kind is Kind.STEP:
        steps.append(_breaking_step(oracle, prop, last))
    elif oracle.holds(prop, last) is not (prop.kind is Kind.SITUATION):
        raise ReadingsDisagree(f"the oracle does not confirm what was found of {prop.name}")
    machine = search.machine
    trace = Trace(machine.name, machine.design, search.instance.name, prop.name, oracle.initial(), tuple(steps))
    oracle.replay(trace)
    return trace


def _path(search: Search, exploration: Exploration, place: tuple[int, int, Row]) -> list[tuple[int, Row]]:
    """The (clock, packed state) of each state of a shortest run to `place`."""
    level, clock, row = place
    path = [(clock, row)]
    for before in reversed(exploration.levels[:level]):
        path.append(_predecessor(search, before, *path[-1]))
    return path[::-1]


def _predecessor(search: Search, level: dict[int, Columns], clock: int, row: Row) -> tuple[int, Row]:
    """The first state of `level`, by clock and then in order, that has a step to `row` at `clock`."""
    for before, columns in level.items():
        for start, chunk in chunks(columns):
            hits: list[int] = []

            def put(after: int, sources: NDArray[np.int64], made: Columns, hits: list[int] = hits) -> None:
                if after == clock and size(made):
                    made = search.canonical.apply(made) if search.canonical else made
                    same = np.logical_and.reduce([column == word for column, word in zip(made, row, strict=True)])
                    hits.extend(sources[same].tolist())

            search.kernel(before).expand(chunk, put, Tally(), lambda name, found: None)
            if hits:
                return before, tuple(int(column[start + min(hits)]) for column in columns)
    raise ReadingsDisagree("a state of the search has no predecessor in the level before it")


def _walk(search: Search, oracle: Oracle, path: list[tuple[int, Row]]) -> list[Step]:
    """The oracle's run along `path`; the first step that leads to each state, in the order of actions."""
    state, steps = oracle.initial(), []
    for clock, row in path[1:]:
        for step in oracle.steps(state):
            if step.error is None and step.state != state and _packed(search, step.state) == (clock, row):
                break
        else:
            raise ReadingsDisagree("the oracle makes no step between two states of the search")
        steps.append(step)
        state = step.state
    return steps


def _packed(search: Search, state: Valuation) -> tuple[int, Row]:
    row = search.layout.pack(state)
    if search.canonical:
        columns = search.canonical.apply(tuple(np.array([word], np.int64) for word in row))
        row = tuple(int(column[0]) for column in columns)
    return search.layout.clock_of(state), row


def _breaking_step(oracle: Oracle, prop: Property, state: Valuation) -> Step:
    for step in oracle.steps(state):
        if step.state != state and not oracle.holds(prop, state, step.state):
            return step
    raise ReadingsDisagree(f"the oracle finds no step that breaks {prop.name} where the search did")
