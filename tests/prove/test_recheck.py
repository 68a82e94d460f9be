"""Two solvers: a proof that the second one disputes is an error, whoever of the two is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coordination.cli import app
from coordination.machine.verdict import Exit
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Induction, Prover
from coordination.prove.deciding.recheck import recheck
from coordination.prove.deciding.solvers import Z3, Answer, Cvc5, Outcome
from tests.spec.worlds import HARDENED


class Liar:
    """A solver that is right, but for texts that contain `about`: of those it says the opposite."""

    def __init__(self, honest: Z3 | Cvc5, about: str) -> None:
        self.name, self._honest, self._about = f"{honest.name}, lying", honest, about

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        answer = self._honest.decide(text, seconds, seed)
        if self._about not in text:
            return answer
        if answer.outcome is Outcome.UNSAT:
            return Answer(Outcome.SAT, answer.seconds)
        return Answer(Outcome.UNSAT, answer.seconds, frozenset(["the step", "the claim fails"]))


class Weary:
    """A solver that gives up at once."""

    name = "weary"

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        return Answer(Outcome.UNKNOWN, 0.0, reason="weary")


def quietly(text: str) -> None:
    pass


def induction(solver: Z3 | Liar, without: str = "") -> Induction:
    machine = HARDENED.without(without) if without else HARDENED
    conditions = Conditions(machine, machine.properties)
    return Prover(solver, seconds=1.0).prove(conditions, lambda prop, step, lemmas: None, quietly)


@pytest.fixture(scope="module")
def proved() -> Induction:
    return induction(Z3())


def test_cvc5_confirms_every_proof(proved: Induction) -> None:
    rechecked = recheck(proved, Prover(Cvc5(), seconds=60), quietly)
    assert len(rechecked.answers) == 53
    assert {answer.outcome for answer in rechecked.answers.values()} == {Outcome.UNSAT}


def test_a_wrong_proof_of_the_first_solver_is_not_confirmed_by_the_second() -> None:
    """Without F2 a late proof is taken: the liar calls that proved. The second finds a way out, or gives up."""
    wrong = induction(Liar(Z3(), "submit_epoch_proof keeps PROOF_TIMING"), without="F2")
    assert wrong.holds(next(prop for prop in HARDENED.properties if prop.name == "PROOF_TIMING"))
    rechecked = recheck(wrong, Prover(Z3(), seconds=2), quietly)
    assert [
        (result.condition.property, result.condition.step) for result in rechecked.disputed + rechecked.undecided
    ] == [("PROOF_TIMING", "submit_epoch_proof")]


def test_a_wrong_answer_of_the_second_solver_is_a_disagreement_too(proved: Induction) -> None:
    rechecked = recheck(proved, Prover(Liar(Cvc5(), "prune keeps FINALITY"), seconds=60), quietly)
    assert [result.condition.step for result in rechecked.disputed] == ["prune"]


def test_what_the_second_solver_gives_up_on_is_not_confirmed(proved: Induction) -> None:
    rechecked = recheck(proved, Prover(Weary()), quietly)
    assert len(rechecked.undecided) == len(rechecked.answers) == 53


def test_a_disagreement_is_told_and_ends_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("coordination.cli.prove.Cvc5", lambda: Liar(Cvc5(), "prune keeps FINALITY"))
    file = tmp_path / "proofs.json"
    arguments = ["prove", "--design", "0.2.0", "--recheck", "cvc5", "--no-cache", "--json", str(file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == Exit.VIOLATION
    assert "lying finds that prune does not keep FINALITY, which was proved; one of the two is wrong" in result.stderr
    (finality,) = (verdict for verdict in json.loads(file.read_text()) if verdict["property"] == "FINALITY")
    assert [c["recheck"] for c in finality["conditions"] if c["property"] == "FINALITY" and c["step"] == "prune"] == [
        "sat"
    ]
