"""Proofs asked again, of a second solver: nothing is believed from one mouth."""

from __future__ import annotations

from dataclasses import dataclass, field

from coordination.prove.deciding.induction import Induction, Prover, Report, Result, Standing
from coordination.prove.deciding.solvers import Answer, Outcome


@dataclass(frozen=True)
class Rechecked:
    """What a second solver said of the conditions that the first had proved, by their digest.

    `disputed` are those that it finds a way out of: one of the two is wrong. `undecided` are those that it gave up on.
    """

    solver: str
    answers: dict[str, Answer] = field(default_factory=dict)
    disputed: list[Result] = field(default_factory=list)
    undecided: list[Result] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(answer.seconds for answer in self.answers.values())


def recheck(induction: Induction, second: Prover, report: Report) -> Rechecked:
    """Ask `second` about every condition that is proved."""
    rechecked = Rechecked(second.solver)
    proved = [result for result in induction.results.values() if result.standing is Standing.PROVED]
    for number, result in enumerate(proved):
        report(f"{number} of {len(proved)} conditions, at {result.condition.step}, {result.condition.property}")
        answer = rechecked.answers[result.digest] = second.ask(result.text, second.seconds)
        if answer.outcome is Outcome.SAT:
            rechecked.disputed.append(result)
        elif answer.outcome is Outcome.UNKNOWN:
            rechecked.undecided.append(result)
    return rechecked
