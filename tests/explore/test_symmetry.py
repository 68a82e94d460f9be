"""Symmetry: as many states as there are orbits, and refused where something tells the values apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from coordination.explore.check import check
from coordination.explore.retrace import shortest_trace
from coordination.explore.search import Search
from coordination.machine import (
    Instance,
    Machine,
    Map,
    Property,
    SpecificationError,
    action,
    all_of,
    forall,
    implies,
    invariant,
    when,
)
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Trace, Valuation
from coordination.machine.verdict import Status
from coordination_spec import DESIGNS
from tests.two_phase_commit import (
    TWO_PHASE_COMMIT,
    Manager,
    Nothing,
    Phase,
    TwoPhase,
    consistent,
    managers,
    nobody_aborts_alone,
)


def _reachable(n: int) -> set[Valuation]:
    oracle = Oracle(TWO_PHASE_COMMIT, managers(n))
    seen = frontier = {oracle.initial()}
    while frontier:
        frontier = {step.state for state in frontier for step in oracle.steps(state)} - seen
        seen = seen | frontier
    return seen


def _orbit(state: Valuation, n: int) -> frozenset[Valuation]:
    """`state` under all renamings of the managers."""
    return frozenset(
        Valuation(
            {
                name: {(order[key[0]],): entry for key, entry in value.items()} if isinstance(value, dict) else value
                for name, value in state.items()
            }
        )
        for order in permutations(range(n))
    )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_symmetric_search_visits_each_orbit_once(n: int) -> None:
    orbits = {_orbit(state, n) for state in _reachable(n)}
    assert Search(TWO_PHASE_COMMIT, managers(n, interchangeable=True), [consistent]).run().states == len(orbits)


def test_five_managers_have_the_314_orbits_that_stateright_reports() -> None:
    assert Search(TWO_PHASE_COMMIT, managers(5, interchangeable=True), [consistent]).run().states == 314


def test_a_symmetric_search_reaches_the_same_verdicts_by_real_traces() -> None:
    properties = [consistent, nobody_aborts_alone]
    machine = TWO_PHASE_COMMIT
    whole = check(machine, managers(4), properties).verdicts
    reduced = check(machine, managers(4, interchangeable=True), properties).verdicts
    assert [verdict.status for verdict in reduced] == [verdict.status for verdict in whole]
    assert reduced[1].trace is not None
    assert whole[1].trace is not None
    assert reduced[1].trace.steps == whole[1].trace.steps


def test_a_symmetric_search_shows_the_very_traces_that_a_whole_one_does() -> None:
    machine = DESIGNS["0.1.0"]
    twins = machine.instance("twins")
    routes = [route for known in machine.expected.values() for route in known.routes]
    whole, reduced = (_traces(machine, instance, routes) for instance in (replace(twins, interchangeable=None), twins))
    assert whole == reduced
    assert max(len(trace.steps) for trace in whole) == 9


def _traces(machine: Machine, instance: Instance, sought: Sequence[Property]) -> list[Trace]:
    search = Search(machine, instance, sought)
    exploration = search.run(until_decided=True)
    traces = [shortest_trace(search, exploration, prop) for prop in sought]
    return [trace for trace in traces if trace is not None]


@invariant()
def the_first_never_prepares(s: TwoPhase, w: Nothing) -> bool:
    """Speaks of one manager by its number."""
    return s.manager[Manager(0)] != Phase.PREPARED


@invariant()
def managers_prepare_in_order(s: TwoPhase, w: Nothing) -> bool:
    """Compares managers by their numbers."""
    return forall(
        (Manager, Manager),
        lambda one, other: implies(all_of(one < other, s.said_prepared[other]), s.said_prepared[one]),
    )


@pytest.mark.parametrize("prop", [the_first_never_prepares, managers_prepare_in_order])
def test_a_property_that_tells_the_values_apart_is_refused(prop: object) -> None:
    with pytest.raises(SpecificationError, match=r"tells them apart"):
        Search(TWO_PHASE_COMMIT, managers(3, interchangeable=True), [prop])  # type: ignore[list-item]


def test_a_step_that_tells_the_values_apart_is_refused() -> None:
    @action
    def prepare(s: TwoPhase, w: Nothing, rm: Manager) -> None:
        when(s.manager[rm] == Phase.WORKING)
        when(rm != 1)
        s.manager[rm] = Phase.PREPARED

    with pytest.raises(SpecificationError, match="prepare tells them apart"):
        Search(TWO_PHASE_COMMIT.replacing(prepare), managers(3, interchangeable=True), [consistent])


def test_an_initial_state_that_tells_the_values_apart_is_refused() -> None:
    instance = replace(managers(3, interchangeable=True), initial={"manager": {1: Phase.PREPARED}})
    with pytest.raises(SpecificationError, match="the initial manager tells them apart"):
        Search(TWO_PHASE_COMMIT, instance, [consistent])


class Voting(TwoPhase):
    vote: Map[Manager, Manager]


@action
def vote_for(s: Voting, w: Nothing, rm: Manager, other: Manager) -> None:
    s.vote[rm] = other


def test_values_of_the_sort_inside_of_maps_are_renamed_too() -> None:
    machine = replace(TWO_PHASE_COMMIT, state=Voting, actions=(vote_for,), properties=(), pins={})
    instance = replace(managers(3, interchangeable=True), initial={"vote": {rm: rm for rm in range(3)}})
    plain = Search(machine, replace(instance, interchangeable=None), []).run().states
    assert plain == 27
    assert Search(machine, instance, []).run().states == 7, "the maps from a set of 3 to itself, up to renaming"


def test_more_than_six_interchangeable_values_are_refused() -> None:
    with pytest.raises(SpecificationError, match="at most 6"):
        Search(TWO_PHASE_COMMIT, managers(7, interchangeable=True), [consistent])


def test_a_symmetric_check_holds_for_what_holds() -> None:
    (verdict,) = check(TWO_PHASE_COMMIT, managers(4, interchangeable=True), [consistent]).verdicts
    assert verdict.status is Status.HOLDS
