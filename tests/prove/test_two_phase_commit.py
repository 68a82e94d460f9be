"""Two-phase commit for any number of managers: a proof that needs nothing of the protocol that ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from coordination.explore.check import check
from coordination.machine import Property, action, any_of, forall, implies, invariant, negate, when
from coordination.machine.verdict import Status, Verdict
from coordination.prove.check import BOUNDED, PROVED, Proved, prove
from coordination.prove.deciding.conditions import ALL_SIZES, RANGES
from coordination.prove.deciding.induction import Prover
from coordination.prove.deciding.solvers import Z3, Cvc5
from coordination.prove.explaining.classification import Unreachable
from tests.two_phase_commit import (
    ANY_NUMBER,
    LEMMAS,
    TWO_PHASE_COMMIT,
    Manager,
    Nothing,
    Phase,
    TwoPhase,
    consistent,
    nobody_aborts_alone,
)

SOLVERS = {"z3": Z3, "cvc5": Cvc5}


@cache
def judged(solver: str = "z3", lemmas: Sequence[Property] = LEMMAS) -> Proved:
    machine = replace(TWO_PHASE_COMMIT, unbounded=replace(ANY_NUMBER, lemmas=lemmas))
    return prove(machine, [consistent, nobody_aborts_alone], Prover(SOLVERS[solver]()), lambda _: None)


def verdict(proved: Proved, prop: Property) -> Verdict:
    return next(each for each in proved.verdicts if each.property == prop.name)


@pytest.mark.parametrize("solver", SOLVERS)
def test_it_is_consistent_with_any_number_of_managers(solver: str) -> None:
    for prop in (consistent, RANGES):
        found = verdict(judged(solver), prop)
        assert (found.status, found.method, found.instance) == (Status.HOLDS, PROVED, ALL_SIZES)
        assert (found.design, found.expected) == ("", True)


def test_both_solvers_agree_on_every_condition() -> None:
    first, second = (
        {place: result.standing for place, result in judged(solver).induction.results.items()} for solver in SOLVERS
    )
    assert first == second
    assert len(first) > 50


def test_the_proof_assumes_nothing() -> None:
    assert judged().induction.support(consistent) == list(LEMMAS)
    assert judged().assumptions[consistent.name] == []


@pytest.mark.parametrize("solver", SOLVERS)
def test_that_nobody_aborts_alone_is_refuted_by_a_shortest_run(solver: str) -> None:
    found = verdict(judged(solver), nobody_aborts_alone)
    assert (found.status, found.method, found.instance) == (Status.VIOLATED, BOUNDED, "3")
    assert not found.expected
    (explored,) = check(TWO_PHASE_COMMIT, TWO_PHASE_COMMIT.instance("3"), [nobody_aborts_alone]).verdicts
    assert found.trace is not None
    assert found.trace == explored.trace
    assert [step.action for step in found.trace.steps] == ["choose_to_abort"]


@pytest.mark.parametrize("lemma", LEMMAS, ids=lambda lemma: lemma.name)
def test_without_a_lemma_there_is_no_proof_but_a_state_that_shows_why(lemma: Property) -> None:
    found = judged(lemmas=tuple(each for each in LEMMAS if each is not lemma))
    assert not found.induction.holds(consistent)
    assert verdict(found, consistent).instance != ALL_SIZES
    against = [(told, meaning) for told, meaning in found.against if told.prop is consistent]
    assert against
    for told, meaning in against:
        assert lemma not in told.hypotheses
        assert isinstance(meaning, Unreachable)  # the rules are right: something was left unsaid


def test_the_lemmas_hold_where_everything_is_explored() -> None:
    checked = check(TWO_PHASE_COMMIT, TWO_PHASE_COMMIT.instance("5"), LEMMAS)
    assert [each.status for each in checked.verdicts] == [Status.HOLDS] * len(LEMMAS)
    assert checked.drift is None


MANY = 1_000_000


@action
def prepare(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """Only the first managers ever prepare: if there are more of them, nobody can commit."""
    when(rm < MANY)
    when(s.manager[rm] == Phase.WORKING)
    s.manager[rm] = Phase.PREPARED
    s.said_prepared[rm] = True


@invariant()
def the_rest_is_silent(s: TwoPhase, w: Nothing) -> bool:
    """Nothing is heard of the managers that never prepare."""
    return forall(Manager, lambda rm: implies(rm >= MANY, negate(any_of(s.said_prepared[rm], s.heard[rm]))))


@invariant()
def nobody_commits(s: TwoPhase, w: Nothing) -> bool:
    """True of more than MANY managers, and false of three."""
    return negate(s.said_commit)


def test_what_is_true_of_many_managers_only_is_not_proved_of_any_number() -> None:
    scope = replace(ANY_NUMBER, lemmas=(the_rest_is_silent,))
    crowd = replace(scope, counted=())  # there are all managers that there can be
    machine = TWO_PHASE_COMMIT.replacing(prepare)
    for unbounded, expected in [(crowd, Status.HOLDS), (scope, Status.VIOLATED)]:
        proved = prove(replace(machine, unbounded=unbounded), [nobody_commits], Prover(Z3()), lambda _: None)
        assert verdict(proved, nobody_commits).status is expected
