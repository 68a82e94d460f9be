"""Solvers answer, give up in time, and say clearly what they do not understand; a core is enough, for both of them."""

from __future__ import annotations

import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError

import pytest
import z3

from coordination.machine import SpecificationError
from coordination.prove.deciding import solvers
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Prover, Standing
from coordination.prove.deciding.solvers import Z3, Cvc5, Outcome, Solver
from coordination_spec import DESIGNS

BOTH = [Z3(), Cvc5()]
both = pytest.mark.parametrize("solver", BOTH, ids=["z3", "cvc5"])
HARD = """(set-logic UFNIA)
(declare-fun x () Int) (declare-fun y () Int) (declare-fun z () Int)
(assert (! (and (< 2 x) (< 2 y) (< 2 z) (= (+ (* x x x x x) (* y y y y y)) (* z z z z z))) :named |a sum of powers|))
(check-sat)
"""


@both
def test_a_solver_tells_what_can_be_true_from_what_cannot(solver: Solver) -> None:
    text = "(set-logic UFNIA)(declare-fun x () Int)(assert (! (< x 0) :named low))(assert (! (< {} x) :named high))"
    assert solver.decide(text.format(-9) + "(check-sat)", 5, 0).outcome is Outcome.SAT
    assert solver.decide(text.format(3) + "(check-sat)", 5, 0).outcome is Outcome.UNSAT


@both
def test_a_solver_gives_up_in_time_and_says_so(solver: Solver) -> None:
    started = time.perf_counter()
    answer = solver.decide(HARD, 0.5, 0)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.reason
    assert time.perf_counter() - started < 10


@both
@pytest.mark.parametrize("text", ["(assert", "", "(assert (< x 1))(check-sat)", "nonsense", "(check-sat)(check-sat)"])
def test_what_a_solver_does_not_understand_is_one_clear_error(solver: Solver, text: str) -> None:
    with pytest.raises(SpecificationError, match="does not understand a condition"):
        solver.decide(text, 5, 0)


def test_a_core_names_the_facts_that_are_enough() -> None:
    text = """(declare-fun x () Int)(assert (! (< x 0) :named |is low|))(assert (! (< 3 x) :named HIGH))
    (assert (! (< x 9) :named |to no purpose|))(check-sat)"""
    assert Z3().decide(text, 5, 0).core == {"is low", "HIGH"}


@pytest.mark.parametrize("text", ["(declare-fun x () Int)(assert (< x 0))(check-sat)", "nonsense"])
def test_what_one_question_may_take_is_not_what_others_may(text: str) -> None:
    names = ("timeout", "smt.random_seed")
    before = [z3.get_param(name) for name in names]
    with suppress(SpecificationError):
        Z3().decide(text, 0.25, 7)
    assert [z3.get_param(name) for name in names] == before


def test_a_missing_cvc5_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(solvers, "version", missing)
    with pytest.raises(SpecificationError, match="cvc5 is not installed"):
        Cvc5()


@pytest.mark.parametrize("design", DESIGNS)
def test_for_both_solvers_what_was_used_is_enough(design: str) -> None:
    machine = DESIGNS[design]
    conditions = Conditions(machine, [prop for prop in machine.properties if prop.name not in machine.expected])
    results = Prover(Z3()).prove(conditions, lambda *_: None, lambda _: None).results.values()
    proved = [result for result in results if result.standing is Standing.PROVED]
    assert len(proved) == {"0.1.0": 47, "0.2.0": 53}[design]
    for result in proved:
        assert [solver.decide(result.text, 10, 0).outcome for solver in BOTH] == [Outcome.UNSAT] * 2


def test_what_is_proved_by_a_solver_that_names_no_core_is_enough_too() -> None:
    """All facts are kept then, that the claim fails among them."""
    machine = DESIGNS["0.2.0"]
    proved = Prover(Cvc5()).prove(Conditions(machine, machine.properties), lambda *_: None, lambda _: None)
    result = next(each for each in proved.results.values() if each.standing is Standing.PROVED)
    assert {"the step", "the claim fails"} <= result.core
    assert Z3().decide(result.text, 10, 0).outcome is Outcome.UNSAT
