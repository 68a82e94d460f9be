"""Rebuilding shortest runs from the levels of a search.

The search keeps states, not where they came from. Which of them lie on a shortest run to what was found is computed
backwards, level by level, for all such runs at once; then the oracle walks forwards on plain integers and takes, at
each state, the first step that stays on one. So a trace depends on nothing but the machine and the instance: of all
shortest runs it is the first in the order of actions, as the machine lists them, and of arguments, as the instance
does; steps that change nothing are in none. A run that the oracle does not confirm is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coordination.explore import rows
from coordination.explore.kernel import Tally
from coordination.explore.rows import Column, Columns
from coordination.explore.search import Exploration, Level, Search, chunks
from coordination.machine import terms
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.trace import Step, Trace, Valuation


class ReadingsDisagree(AssertionError):
    """Another reading found what the oracle does not: a bug of the checker, never of the specification."""


States = dict[int, tuple[Column, Columns]]  # some of the states of a level, by clock; with their keys
Mask = NDArray[np.bool_]


def shortest_trace(search: Search, exploration: Exploration, prop: Property) -> Trace | None:
    """The first of the shortest runs that break `prop`, or reach a situation; None if none was found."""
    last = exploration.found.get(prop.name)
    if last is None:
        return None
    path = [_choose(exploration.levels[last], partial(_shows, search, prop))]
    for level in reversed(exploration.levels[:last]):
        path.append(_choose(level, partial(_leads_into, search, path[-1])))
    oracle = Oracle(search.machine, search.instance)
    return confirmed(oracle, prop, _walk(search, oracle, prop, path[::-1]))


def confirmed(oracle: Oracle, prop: Property, steps: Sequence[Step]) -> Trace:
    """The trace of a run that breaks `prop`, or reaches a situation. Raises ReadingsDisagree if it does not."""
    machine = oracle.machine
    trace = Trace(machine.name, machine.design, oracle.instance.name, prop.name, oracle.initial(), tuple(steps))
    oracle.replay(trace)
    states = trace.states()[-2:] if prop.kind is Kind.STEP else trace.states()[-1:]
    if oracle.holds(prop, *states) is not (prop.kind is Kind.SITUATION):
        raise ReadingsDisagree(f"the oracle does not confirm what was found of {prop.name}")
    return trace


def _choose(level: Level, chosen_at: Callable[[int], Callable[[Columns], Mask]]) -> States:
    """The states of a level that are chosen, by what `chosen_at` their clock says of the rows of a chunk.

    Raises ReadingsDisagree if there is none, though the search came through one.
    """
    states: States = {}
    for clock, columns in level.items():
        is_chosen = chosen_at(clock)
        kept = rows.compress(np.concatenate([is_chosen(chunk) for _, chunk in chunks(columns)]), columns)
        if rows.size(kept):
            states[clock] = rows.keys_of(kept), kept
    if not states:
        raise ReadingsDisagree("no state of a level leads to what the search found")
    return states


def _shows(search: Search, prop: Property, clock: int) -> Callable[[Columns], Mask]:
    """Which rows break `prop`, or have a step that does, or are like the situation."""
    unrolled, fixed = search.layout.unrolled, search.fixed(clock)
    if prop.kind is Kind.STEP:
        moving = ((step, unrolled.moves(step, fixed)) for step in unrolled.steps(fixed))
        shown = terms.disjunction(
            terms.conjunction((moves, unrolled.sought(prop, fixed, step))) for step, moves in moving
        )
    else:
        shown = unrolled.sought(prop, fixed)
    values = search.values([shown])

    def shows(chunk: Columns) -> Mask:
        with np.errstate(divide="ignore"):  # a step may divide by zero where it is not accepted
            (shown_here,) = values(chunk)
        return shown_here.astype(np.bool_)

    return shows


def _leads_into(search: Search, goal: States, clock: int) -> Callable[[Columns], Mask]:
    """Which rows have a step into `goal`."""

    def leads(chunk: Columns) -> Mask:
        found = np.zeros(rows.size(chunk), np.bool_)

        def put(after: int, sources: NDArray[np.int64], made: Columns) -> None:
            if after in goal and len(sources):
                made = search.canonical.apply(made) if search.canonical else made
                found[sources[rows.contains(*goal[after], rows.keys_of(made), made)]] = True

        if clock <= max(goal):
            search.kernel(clock).expand(chunk, put, Tally(), lambda name, hits: None)
        return found

    return leads


def _walk(search: Search, oracle: Oracle, prop: Property, path: Sequence[States]) -> list[Step]:
    """The oracle's run that stays on `path`, taking the first step that does."""
    state, steps = oracle.initial(), list[Step]()
    for goal in path[1:]:
        steps.append(_first(oracle, state, partial(_is_among, search, goal)))
        state = steps[-1].state
    if prop.kind is Kind.STEP:
        steps.append(_first(oracle, state, lambda after: not oracle.holds(prop, state, after)))
    return steps


def _first(oracle: Oracle, state: Valuation, is_wanted: Callable[[Valuation], bool]) -> Step:
    for step in oracle.steps(state):
        if step.error is None and step.state != state and is_wanted(step.state):
            return step
    raise ReadingsDisagree("the oracle makes no step where the search made one")


def _is_among(search: Search, goal: States, state: Valuation) -> bool:
    clock = search.layout.clock_of(state)
    if clock not in goal:
        return False
    columns = tuple(np.array([word], np.int64) for word in search.layout.pack(state))
    columns = search.canonical.apply(columns) if search.canonical else columns
    return bool(rows.contains(*goal[clock], rows.keys_of(columns), columns)[0])
