"""The three readings of one definition agree: plain integers, compiled kernels, Z3 formulas.

Everywhere that the shipped small instances get; in states that no run reaches; on rules that nobody would write. And
what would make them disagree, a bug in a translator, is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import z3
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from coordination.explore import kernel, layout, printer, values
from coordination.explore.layout import Layout
from coordination.explore.values import narrowed
from coordination.machine import Instance, Machine, Property, formulas, state, terms
from coordination.machine.formulas import Formulas, is_valid, named, transition
from coordination.machine.oracle import Oracle
from coordination.machine.terms import Term
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import Unrolled
from coordination_spec import DESIGNS
from tests.abacus import ABACUS, INSTANCE, program
from tests.agreement import (
    ACCEPTED,
    IMPOSSIBLE,
    REFUSED,
    Batch,
    Disagreement,
    Readings,
    at_random,
    disturbed,
    explored,
    reachable,
    roomy,
    side_by_side,
)
from tests.two_phase_commit import (
    TWO_PHASE_COMMIT,
    consistent,
    everybody_committed,
    managers,
    nobody_aborts_alone,
)

TWO_PHASE_PROPERTIES = (consistent, nobody_aborts_alone, everybody_committed)
SEEDS = (1, 2)


def protocol(design: str) -> tuple[Machine, Instance, tuple[Property, ...]]:
    """A design in its smallest instance, with its properties and the routes by which they are known to break."""
    machine = DESIGNS[design]
    routes = [route for known in machine.expected.values() for route in known.routes]
    return machine, machine.instance("tiny"), (*machine.properties, *routes)


@cache
def everywhere(design: str) -> Batch:
    machine, instance, _ = protocol(design)
    return explored(machine, instance)


@cache
def some_of_the_abacus() -> Batch:
    return side_by_side(ABACUS, INSTANCE, reachable(ABACUS, INSTANCE, most=1_000))


def layouts(machine: Machine, instance: Instance) -> Iterator[Layout]:
    """The packings of an instance: as few words as possible, several words, and with a table."""
    for tables in (0, None, 1):
        yield Layout(narrowed(machine, instance), tables)


# Everywhere


@pytest.mark.parametrize("chunk", [1, 288])
def test_kernels_do_what_the_oracle_does_in_every_state_of_two_phase_commit(chunk: int) -> None:
    machine, instance = TWO_PHASE_COMMIT, managers(3)
    batch = side_by_side(machine, instance, reachable(machine, instance))
    for packing in layouts(machine, instance):
        Readings(machine, instance, TWO_PHASE_PROPERTIES, packing).check_kernels(batch, chunk)
    assert len(batch) == 288


def test_formulas_say_what_the_oracle_does_in_every_state_of_two_phase_commit() -> None:
    machine, instance = TWO_PHASE_COMMIT, managers(3)
    batch = side_by_side(machine, instance, reachable(machine, instance))
    Readings(machine, instance, TWO_PHASE_PROPERTIES).check_formulas(batch)


@pytest.mark.parametrize("design", DESIGNS)
def test_kernels_do_what_the_oracle_does_in_every_state_of_the_protocol(design: str) -> None:
    machine, instance, properties = protocol(design)
    for packing in layouts(machine, instance):
        readings = Readings(machine, instance, properties, packing)
        readings.check_kernels(everywhere(design))
        assert not readings.unclear


@pytest.mark.parametrize("design", DESIGNS)
def test_kernels_reject_one_state_at_a_time_as_they_reject_many(design: str) -> None:
    batch = everywhere(design)
    some = batch.take(np.random.default_rng(0).permutation(batch.rows)[:200])
    Readings(*protocol(design)).check_kernels(some, chunk=1)


@pytest.mark.parametrize("design", DESIGNS)
def test_formulas_say_what_the_oracle_does_in_every_state_of_the_protocol(design: str) -> None:
    Readings(*protocol(design)).check_formulas(everywhere(design))


@pytest.mark.parametrize("design", DESIGNS)
def test_watching_the_oracle_does_not_change_its_answers(design: str) -> None:
    machine, instance, properties = protocol(design)
    batch = everywhere(design)
    some = batch.take(np.random.default_rng(0).permutation(batch.rows)[:300])
    readings, oracle = Readings(machine, instance, properties), Oracle(machine, instance)
    for call, taken in zip(readings.calls, readings.taken(some), strict=True):
        for row in some.rows:
            step = oracle.run(some.state(row), *call)
            assert taken.answers[row] == (IMPOSSIBLE if step is None else step.error or ACCEPTED)
            assert taken.after.state(row) == (some.state(row) if step is None else step.state)


@pytest.mark.parametrize("design", DESIGNS)
def test_unpacking_a_packed_state_gives_it_back(design: str) -> None:
    machine, instance, _ = protocol(design)
    batch = everywhere(design)
    for packing in layouts(machine, instance):
        for row in batch.rows[:: len(batch) // 3_000]:
            packed = packing.pack(batch.state(row))
            assert packing.unpack(packing.clock_of(batch.state(row)), packed) == batch.state(row)
def test_a_transition_is_a_formula_that_is_true_of_a_step_and_of_nothing_else() -> None:
    machine, instance = TWO_PHASE_COMMIT, managers(3)
    unrolled, oracle = Unrolled(machine, instance), Oracle(machine, instance)
    states = reachable(machine, instance)[::20]
    before, after = Formulas(named()), Formulas(named("'"))

    def is_true(formula: Any, now: Valuation, then: Valuation) -> bool:
        values = [
            (side(leaf), z3.BoolVal(bool(number)) if leaf.boolean else z3.IntVal(number))
            for side, valuation in ((before, now), (after, then))
            for place, leaf in unrolled.fields.items()
            for number in [valuation.entry(*place)]
        ]
        return z3.is_true(z3.simplify(z3.substitute(formula, *values)))

    for step in unrolled.steps({}):
        formula = transition(unrolled, step, before, after)
        (action,) = (action for action in machine.actions if action.name == step.action)
        for now in states:
            taken = oracle.run(now, action, step.arguments)
            possible = [then for then in states if is_true(formula, now, then)]
            assert possible == [then for then in states if taken is not None and taken.state == then]
            assert taken is None or is_true(formula, now, taken.state)


def test_a_fact_is_valid_if_it_is_true_of_all_that_its_fields_can_hold() -> None:
    leaf = Unrolled(ABACUS, INSTANCE).fields["debt", ()]
    assert is_valid(leaf * leaf + 1 > leaf)
    assert is_valid(leaf * leaf <= 4)
    assert not is_valid(leaf * leaf <= 3)
    assert is_valid(True)
    assert not is_valid(False)


# Beyond


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_readings_agree_on_random_states_near_the_protocols_runs(design: str, seed: int) -> None:
    machine, instance, properties = protocol(design)
    random = np.random.default_rng(seed)
    reached = everywhere(design)
    some = reached.take(random.permutation(reached.rows)[:500])
    batch = disturbed(some, at_random(machine, instance, len(some), random), places=3, random=random)
    assert check_anywhere(machine, instance, properties, batch) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_readings_agree_on_random_states_of_the_protocol(design: str, seed: int) -> None:
    machine, instance, properties = protocol(design)
    batch = at_random(machine, instance, 100, np.random.default_rng(seed))
    assert check_anywhere(machine, instance, properties, batch) > 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_the_readings_agree_on_random_states_of_the_abacus(seed: int) -> None:
    batch = at_random(ABACUS, INSTANCE, 1_000, np.random.default_rng(seed))
    assert check_anywhere(ABACUS, INSTANCE, ABACUS.properties, batch) > 0.8


def check_anywhere(machine: Machine, instance: Instance, properties: tuple[Property, ...], batch: Batch) -> float:
    """Check states that no run need reach; return in which part of them no step contradicts the specification.

    Where the oracle finds that a step takes a value out of its domain, the kernel must find so too.
    """
    readings = Readings(machine, instance, properties, roomy(machine, instance))
    contradictions = readings.contradictions(batch)
    sound = np.flatnonzero(contradictions == "")
    readings.check_kernels(batch.take(sound))
    readings.check_refusals(batch.take(np.flatnonzero(contradictions == REFUSED)[:50]))
    readings.check_formulas(batch)
    return len(sound) / len(batch)


# On rules that nobody would write


def numbers(depth: int) -> st.SearchStrategy[str]:
    """The text of a number over the state of the abacus."""
    leaves = st.one_of(
        st.integers(-3, 21).map(str),
        st.sampled_from(["s.debt", "s.coin", "s.bead[0]", "s.bead[1]", "s.hour", "w.change[s.bead[1]]"]),
    )
    if not depth:
        return leaves
    inner, fact = numbers(depth - 1), facts(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["//", "%"]), st.integers(1, 7)),
        st.builds("({} {} (1 + s.bead[0]))".format, inner, st.sampled_from(["//", "%"])),
        st.builds("ite({}, {}, {})".format, fact, inner, inner),
        st.builds("least({}, {})".format, inner, inner),
        st.builds("{}[{}]".format, st.sampled_from(["s.bead", "w.change"]), inner),
        st.builds("total(Rod, lambda rod: s.bead[rod] * {})".format, inner),
    )


def facts(depth: int) -> st.SearchStrategy[str]:
    """The text of a truth over the state of the abacus."""
    leaves = st.sampled_from(["s.lit", "s.held[0]", "s.held[1]", "s.debt < 0", "s.coin >= 5", "s.bead[1] == 2"])
    if not depth:
        return leaves
    number, inner = numbers(depth - 1), facts(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, number, st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]), number),
        st.builds("negate({})".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["all_of", "any_of", "implies", "same"]), inner, inner),
        st.builds("all_of({}, {}, {})".format, inner, inner, inner),
        st.builds("any_of({}, {}, {})".format, inner, inner, inner),
        st.builds("ite({}, {}, {})".format, inner, inner, inner),
        st.builds("s.held[{}]".format, number),
        st.builds(
            "{}(Rod, lambda rod: {}(s.bead[rod] > {}, {}))".format,
            st.sampled_from(["forall", "exists"]),
            st.sampled_from(["all_of", "any_of"]),
            number,
            inner,
        ),
    )


NUMBERS, FACTS = numbers(3), facts(3)
EFFECTS = st.one_of(
    st.builds("s.debt = {} % 5 - 2".format, NUMBERS),
    st.builds("s.coin = w.change[{}]".format, NUMBERS),
    st.builds("s.coin = ite({}, s.coin, 20)".format, FACTS),
    st.builds("s.bead[{} % 2] = {} % 4".format, NUMBERS, NUMBERS),
    st.builds("s.bead[0], s.bead[1] = s.bead[1], {} % 3".format, NUMBERS),
    st.builds("s.bead.reset(where=lambda rod: any_of(s.bead[rod] == 3, {}))".format, FACTS),
    st.builds("s.held[{} % 2] = {}".format, NUMBERS, FACTS),
    st.builds("s.lit = {}".format, FACTS),
    st.builds("s.far[{} % 2] = ite({}, s.far[0], {} % 1_000 + 2**39)".format, NUMBERS, FACTS, NUMBERS),
)

PROGRAM = '''
@action
def act(s, w):
    when({})
    require("R1", {}, "One")
    require("R2", {}, "Two")
    {}

@action
def tick(s, w):
    when(s.hour < 2)
    s.hour = s.hour + 1
    {}

@invariant()
def claim(s, w):
    accepted, after = attempt(act, s, w)
    return any_of({}, all_of(accepted, after.debt <= s.debt))

@step_property()
def change(before, after, w):
    return any_of({}, {})
'''


def of(state: str) -> Callable[[str], str]:
    return lambda text: text.replace("s.", f"{state}.")


PROGRAMS = st.builds(
    PROGRAM.format,
    FACTS,
    FACTS,
    FACTS,
    st.lists(EFFECTS, min_size=1, max_size=3).map("\n    ".join),
    EFFECTS,
    FACTS,
    FACTS.map(of("before")),
    FACTS.map(of("after")),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(text=PROGRAMS, seed=st.integers(0, 99))
def test_whatever_rule_can_be_written_is_read_alike(text: str, seed: int) -> None:
    note(text)
    machine = program(text)
    states = at_random(machine, INSTANCE, 60, np.random.default_rng(seed))
    assert check_anywhere(machine, INSTANCE, machine.properties, states) == 1
    runs = side_by_side(machine, INSTANCE, reachable(machine, INSTANCE, most=40))
    for packing in layouts(machine, INSTANCE):
        Readings(machine, INSTANCE, machine.properties, packing).check_kernels(runs)
