"""Bounded model checking: the traces that exploration shows, budgets that say what ran out, and k-induction."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NewType

import pytest

from coordination.explore.retrace import ReadingsDisagree, shortest_trace
from coordination.explore.search import Budget, Search
from coordination.machine import (
    Instance,
    Machine,
    Property,
    SpecificationError,
    State,
    action,
    any_of,
    implies,
    invariant,
    ite,
    least,
    negate,
    step_property,
    when,
)
from coordination.machine.formulas import Formula
from coordination.machine.oracle import Oracle
from coordination.machine.terms import Term
from coordination.machine.trace import Trace, Valuation
from coordination.machine.unrolled import StepTerms, Unrolled
from coordination.prove.bmc.bounded import Bounded, k_induction, shortest_violations
from coordination.prove.bmc.relation import Relation
from coordination_spec.lemmas import LEMMAS
from coordination_spec.properties import no_equivocation, signature_binding, single_usable_take
from tests.abacus import ABACUS, INSTANCE
from tests.spec.worlds import HARDENED, SEED, in_debt
from tests.two_phase_commit import (
    TWO_PHASE_COMMIT,
    Phase,
    consistent,
    everybody_committed,
    managers,
    nobody_aborts_alone,
)

TINY = HARDENED.instance("tiny")
PHASES = [consistent, nobody_aborts_alone, everybody_committed]


def explored(
    machine: Machine, instance: Instance, properties: Sequence[Property], budget: Budget | None = None
) -> Mapping[str, Trace]:
    """The traces that exploration shows."""
    search = Search(machine, instance, properties)
    exploration = search.run(budget)
    traces = {prop.name: shortest_trace(search, exploration, prop) for prop in properties}
    return {name: trace for name, trace in traces.items() if trace is not None}


def traces(found: Mapping[str, Bounded]) -> Mapping[str, Trace]:
    return {name: bounded.trace for name, bounded in found.items() if bounded.trace is not None}


# The traces are those of exploration


@pytest.mark.parametrize("rule", ["C2", "C3", "C4", "C5", "C6", "F2", "X1"])
def test_without_a_rule_the_traces_are_those_that_exploration_shows(rule: str) -> None:
    machine = HARDENED.without(rule)
    found = shortest_violations(machine, TINY, machine.properties, steps=7)
    assert traces(found) == explored(machine, TINY, machine.properties) != {}
    assert {bounded.strays for bounded in found.values()} == {None}


def test_without_f1_the_traces_are_those_that_exploration_shows_before_it_gives_up() -> None:
    machine, instance = HARDENED.without("F1"), in_debt(TINY)
    found = shortest_violations(machine, instance, machine.properties, steps=6)
    assert traces(found) == explored(machine, instance, machine.properties, Budget(states=100_000))
    assert traces(found).keys() == {"BOND_CONSERVATION", "BOND_EXIT"}


def test_the_expected_violations_and_their_routes_are_those_that_exploration_shows() -> None:
    instance = SEED.instance("tiny")
    routes = [route for known in SEED.expected.values() for route in known.routes]
    sought = [signature_binding, single_usable_take, *routes]
    found = traces(shortest_violations(SEED, instance, sought, steps=9))
    assert found == explored(SEED, instance, sought)
    assert found.keys() == {prop.name for prop in sought}


def test_the_traces_of_two_phase_commit_are_those_that_exploration_shows() -> None:
    found = traces(shortest_violations(TWO_PHASE_COMMIT, managers(3), PHASES, steps=12))
    assert found == explored(TWO_PHASE_COMMIT, managers(3), PHASES)
    assert found.keys() == {"NOBODY_ABORTS_ALONE", "everybody committed"}


def test_numbers_of_all_kinds_give_the_traces_that_exploration_shows() -> None:
    found = traces(shortest_violations(ABACUS, INSTANCE, ABACUS.properties, steps=3))
    shown = explored(ABACUS, INSTANCE, ABACUS.properties)
    assert found == {name: trace for name, trace in shown.items() if len(trace.steps) <= 3}
    assert len(found) == 4


def test_two_searches_find_the_same() -> None:
    machine = HARDENED.without("X1")
    first, second = (shortest_violations(machine, TINY, machine.properties, steps=6) for _ in range(2))
    assert first == second


# What was not found, and why


def test_where_every_rule_is_in_place_nothing_breaks_within_the_steps_that_were_asked_for() -> None:
    found = shortest_violations(HARDENED, TINY, HARDENED.properties, steps=8)
    assert set(found.values()) == {Bounded(steps=8, exhausted="runs of 8 steps")}
    assert found.keys() == {prop.name for prop in HARDENED.properties}


def test_a_violation_that_lies_beyond_the_steps_is_not_found() -> None:
    found = shortest_violations(TWO_PHASE_COMMIT, managers(3), [everybody_committed], steps=9)
    assert found["everybody committed"] == Bounded(steps=9, exhausted="runs of 9 steps")


def test_a_budget_of_seconds_that_runs_out_is_named() -> None:
    lengths: list[int] = []
    found = shortest_violations(
        TWO_PHASE_COMMIT,
        managers(9),
        [consistent],
        steps=100,
        seconds=1.0,
        report=lambda length, seconds: lengths.append(length),
    )
    assert found["CONSISTENT"].exhausted == "more than 1 seconds"
    assert found["CONSISTENT"].trace is None
    assert found["CONSISTENT"].steps == lengths[-1] - 1
    assert lengths == list(range(1, len(lengths) + 1))


def test_without_any_time_nothing_is_looked_at() -> None:
    found = shortest_violations(TWO_PHASE_COMMIT, managers(3), PHASES, steps=9, seconds=0.0)
    assert set(found.values()) == {Bounded(steps=-1, exhausted="more than 0 seconds")}


def test_an_interrupt_ends_the_search() -> None:
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            shortest_violations(TWO_PHASE_COMMIT, managers(9), [consistent], steps=100, seconds=30.0)
    finally:
        timer.cancel()


def test_a_step_that_leaves_the_domains_is_not_taken_and_told_of() -> None:
    machine = HARDENED.without("F1")
    found = shortest_violations(machine, TINY, machine.properties, steps=7)
    assert {bounded.strays for bounded in found.values()} == {5}
    assert {name: len(trace.steps) for name, trace in traces(found).items()} == {"BOND_CONSERVATION": 7, "BOND_EXIT": 7}
    with pytest.raises(SpecificationError, match="outside"):
        explored(machine, TINY, machine.properties)


def test_the_oracle_leaves_the_domains_just_where_it_is_told() -> None:
    machine = HARDENED.without("C7")
    (found,) = shortest_violations(machine, TINY, [no_equivocation], steps=5).values()
    oracle = Oracle(machine, TINY)
    level = {oracle.initial()}
    for _ in range(4):
        level = {step.state for state in level for step in oracle.steps(state)}
    with pytest.raises(SpecificationError, match="outside of the domain"):
        [list(oracle.steps(state)) for state in level]
    assert found.strays == 4


# A formula that is wrong is found out by the oracle


def test_an_update_that_was_tampered_with_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Unrolled.steps

    def tampered(unrolled: Unrolled, fixed: Mapping[str, int]) -> list[StepTerms]:
        return [_aborting(step) if step.action == "prepare" else step for step in steps(unrolled, fixed)]

    monkeypatch.setattr(Unrolled, "steps", tampered)
    with pytest.raises(ReadingsDisagree, match="prepare"):
        _search()


def _aborting(step: StepTerms) -> StepTerms:
    """`prepare`, but the manager aborts."""
    return replace(
        step,
        updates={place: Phase.ABORTED if place.variable == "manager" else new for place, new in step.updates.items()},
    )


def test_a_field_that_changes_freely_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    follows = Relation._next

    def next_of(relation: Relation, field: Term) -> Formula:
        return relation._after(field) if str(field) == "manager[0]" else follows(relation, field)

    monkeypatch.setattr(Relation, "_next", next_of)
    with pytest.raises(ReadingsDisagree):
        _search()


def test_a_selector_that_names_another_step_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relation, "taken", lambda self, model, place: self.steps[self.number(model, place) - 1])
    with pytest.raises(ReadingsDisagree):
        _search()


def test_a_guard_that_was_lost_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StepTerms, "accepted", lambda self: True)
    with pytest.raises(ReadingsDisagree, match="hear_commit"):
        _search(everybody_committed)


def test_a_property_that_was_turned_round_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sought = Unrolled.sought
    monkeypatch.setattr(Unrolled, "sought", lambda *given: negate(sought(*given)))
    with pytest.raises(ReadingsDisagree, match="NOBODY_ABORTS_ALONE"):
        _search()


def _search(prop: Property = nobody_aborts_alone) -> None:
    shortest_violations(TWO_PHASE_COMMIT, managers(2), [prop], steps=3)


# k-induction

Place = NewType("Place", int)


class Ladder(State):
    place: Place


@action
def rise(s: Ladder, w: None) -> None:
    """0, 1, 2, 3, and again; above, where no run comes to: 4, 5, 6, 7, 8."""
    s.place = Place(ite(s.place == 3, 0, least(s.place + 1, 8)))


@action
def slip(s: Ladder, w: None) -> None:
    """Between 5 and 4 there is a way back."""
    when(s.place == 5)
    s.place = Place(4)


@invariant()
def never_on_top(s: Ladder, w: None) -> bool:
    """Nothing ever stands on 8."""
    return s.place != 8


@invariant()
def stays_below(s: Ladder, w: None) -> bool:
    """The lemma that says it all."""
    return s.place <= 3


@invariant()
def never_on_five(s: Ladder, w: None) -> bool:
    """Another, that leaves out where the way back begins."""
    return s.place != 5


@step_property()
def never_reaches_the_top(before: Ladder, after: Ladder, w: None) -> bool:
    """No step leads to 8."""
    return after.place != 8


@step_property()
def falls_to_the_ground_only(before: Ladder, after: Ladder, w: None) -> bool:
    """What falls falls to 0: the step back to 4 may close a circle."""
    return implies(after.place < before.place, after.place == 0)


@step_property()
def takes_small_steps(before: Ladder, after: Ladder, w: None) -> bool:
    """Up by one, or down."""
    return any_of(after.place == before.place + 1, after.place < before.place)


@invariant()
def never_on_three(s: Ladder, w: None) -> bool:
    """Broken after three steps."""
    return s.place != 3


LADDER = Machine("ladder", Ladder, (rise, slip), (), {})
RUNGS = Instance("rungs", "nine places", None, {Place: range(9)})


@pytest.mark.parametrize(
    ("prop", "k"),
    [
        (never_on_top, 5),  # 4, 5, 6, 7, 8 is the longest way there through different places, and has four steps
        (never_reaches_the_top, 5),
        (falls_to_the_ground_only, 3),  # 4, 5, 4 comes back to where it was, and is the longest all the same
        (takes_small_steps, 1),
        (stays_below, 1),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_the_least_k_is_found(prop: Property, k: int) -> None:
    assert k_induction(LADDER, RUNGS, prop, steps=9) == Bounded(steps=k - 1, k=k)
    assert k_induction(LADDER, RUNGS, prop, steps=k - 1).exhausted == f"paths of {k - 1} steps"


@pytest.mark.parametrize(
    ("prop", "lemma"),
    [
        (never_on_top, stays_below),
        (never_reaches_the_top, stays_below),
        (falls_to_the_ground_only, stays_below),
        (falls_to_the_ground_only, never_on_five),  # of the state before, that is: the state after is 4
        (never_on_top, never_reaches_the_top),
    ],
    ids=lambda prop: prop.name,
)
def test_a_lemma_shortens_the_induction(prop: Property, lemma: Property) -> None:
    assert k_induction(LADDER, RUNGS, prop, [lemma], steps=9).k == 1


def test_a_property_is_no_lemma_of_itself() -> None:
    assert k_induction(LADDER, RUNGS, never_on_top, [never_on_top], steps=9).k == 5


def test_induction_shows_the_trace_of_what_is_violated() -> None:
    found = k_induction(LADDER, RUNGS, never_on_three, steps=9)
    assert found.k is None
    assert found.trace == shortest_violations(LADDER, RUNGS, [never_on_three], steps=9)["NEVER_ON_THREE"].trace
    assert found.trace is not None
    assert found.trace.states()[-1] == Valuation({"place": 3})


def test_an_induction_that_runs_out_of_time_says_so() -> None:
    found = k_induction(TWO_PHASE_COMMIT, managers(5), consistent, steps=100, seconds=1.0)
    assert (found.k, found.trace, found.exhausted) == (None, None, "more than 1 seconds")


def test_two_phase_commit_is_consistent_by_induction() -> None:
    assert k_induction(TWO_PHASE_COMMIT, managers(2), consistent, steps=20).k == 14


@pytest.mark.parametrize("prop", [signature_binding, no_equivocation, single_usable_take], ids=lambda prop: prop.name)
def test_the_lemmas_make_inductive_what_is_not(prop: Property) -> None:
    assert k_induction(HARDENED, TINY, prop, steps=3).exhausted == "paths of 3 steps"
    assert k_induction(HARDENED, TINY, prop, LEMMAS, steps=3) == Bounded(steps=0, k=1)


@pytest.mark.parametrize(("prop", "rule"), [(signature_binding, "C3"), (no_equivocation, "N4")])
def test_without_a_rule_induction_ends_in_the_trace_that_exploration_shows(prop: Property, rule: str) -> None:
    machine = HARDENED.without(rule)
    found = k_induction(machine, TINY, prop, steps=8)
    assert (found.k, found.trace) == (None, explored(machine, TINY, [prop])[prop.name])
