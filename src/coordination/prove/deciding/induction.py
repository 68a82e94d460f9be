"""Proofs by induction: which properties every run has, of whatever size.

A condition is tried for a moment first: what can be proved mostly is within that. If it is not, a counterexample in a
small instance settles it; only where there is none the solver is given all its time.

The lemmas are proved together: each may use that all of them held a step before. One that some step does not keep
cannot be used, so it is given up, and what was shown with it is asked again, until those that are left keep each other
(Flanagan and Leino's Houdini, 2001). The properties stand on those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from coordination.machine.property import Property
from coordination.prove.deciding.cache import Cache
from coordination.prove.deciding.conditions import RANGES, Condition, Conditions, digest
from coordination.prove.deciding.solvers import Answer, Outcome, Solver
from coordination.prove.explaining.counterexample import Counterexample

SECONDS = 10.0  # what one condition may take, unless somebody says otherwise
Report = Callable[[str], None]
Results = dict[tuple[str, str], "Result"]
# A counterexample to a step keeping a property, where these lemmas hold before it; None if none is found.
Refute = Callable[[Property, str, Sequence[Property]], Counterexample | None]


MOMENT = 1.0


class Standing(StrEnum):
    PROVED = "proved"
    UNCHANGED = "unchanged"  # the step writes nothing that the property reads, so there was nothing to ask
    REFUTED = "refuted"  # by a counterexample to induction
    UNKNOWN = "unknown"

    @property
    def is_good(self) -> bool:
        return self in (Standing.PROVED, Standing.UNCHANGED)


@dataclass(frozen=True)
class Result:
    """One condition and how it came out.

    `core` are the facts that are enough for the proof, `using` the invariants among them: lemmas, and the property
    itself. `reason` is why a condition is unknown: the solver's own, after so many `seconds`.
    """

    condition: Condition
    standing: Standing
    core: frozenset[str] = frozenset()
    using: frozenset[str] = frozenset()
    seconds: float = 0.0
    reason: str = ""
    counterexample: Counterexample | None = None

    @cached_property
    def text(self) -> str:
        """What the solver was asked, if it was: with the facts that it used, if proved."""
        return "" if self.standing is Standing.UNCHANGED else self.condition.text(self.core or None)

    @property
    def digest(self) -> str:
        return digest(self.text) if self.text else ""


@dataclass(frozen=True)
class Induction:
    """Every condition's result, by property and step; and the `lemmas` that keep each other."""

    conditions: Conditions
    results: Mapping[tuple[str, str], Result]
    lemmas: tuple[Property, ...]
    solver: str

    def of(self, prop: Property) -> list[Result]:
        return [result for (name, _), result in self.results.items() if name == prop.name]

    def unproved(self, prop: Property) -> list[Result]:
        return [result for result in self.of(prop) if not result.standing.is_good]

    def holds(self, prop: Property) -> bool:
        """`prop` is proved; so are the lemmas that it uses, and that no step leaves the ranges that all rests on."""
        return not self.unproved(prop) and not self.unproved(RANGES)

    def support(self, prop: Property) -> list[Property]:
        """The lemmas that the proof of `prop` uses, and those that their proofs use, in their order."""
        used: dict[str, set[str]] = {}
        for (name, _), result in self.results.items():
            used.setdefault(name, set()).update(result.using)
        found, pending = set[str](), [prop.name]
        while pending:
            more = used[pending.pop()] - found
            pending += more
            found |= more
        return [each for each in self.conditions.properties if each.name in found - {prop.name}]


class Prover:
    """Asks one solver, and remembers what it said. Running out of `seconds` leaves a condition unknown."""

    def __init__(self, solver: Solver, cache: Cache | None = None, *, seconds: float = SECONDS, seed: int = 0) -> None:
        self._solver, self._cache, self.seconds, self.seed = solver, cache, seconds, seed

    @property
    def solver(self) -> str:
        return self._solver.name

    def prove(self, conditions: Conditions, refute: Refute, report: Report) -> Induction:
        lemmas = conditions.lemmas
        results: Results = {}
        while True:
            for prop in conditions.properties:
                for condition in _open_conditions(conditions, prop, lemmas, results):
                    report(f"{len(results)} conditions decided, at {condition.step}, {prop.name}")
                    results[prop.name, condition.step] = self._result(condition, prop, lemmas, refute)
                self._be_patient(conditions, results, prop, lemmas)
            lost = {name for (name, _), result in results.items() if not result.standing.is_good}
            kept = tuple(lemma for lemma in lemmas if lemma.name not in lost)
            if kept == lemmas:
                return Induction(conditions, results, lemmas, self._solver.name)
            lemmas = kept

    def _result(self, condition: Condition, prop: Property, lemmas: Sequence[Property], refute: Refute) -> Result:
        """What a moment, or a counterexample, says of a condition."""
        if condition.claim is True:
            return Result(condition, Standing.UNCHANGED)
        result = self._asked(condition, prop, lemmas, min(MOMENT, self.seconds))
        if result.standing is Standing.UNKNOWN:
            counterexample = refute(prop, condition.step, lemmas)
            if counterexample is not None:
                return Result(condition, Standing.REFUTED, counterexample=counterexample)
        return result

    def _be_patient(self, conditions: Conditions, results: Results, prop: Property, lemmas: Sequence[Property]) -> None:
        """Give what is unknown all its time; but no more once the property is lost, by that or by a counterexample."""
        mine = {place: result for place, result in results.items() if place[0] == prop.name}
        if any(result.standing is Standing.REFUTED for result in mine.values()):
            return
        before = _names(lemmas, prop)
        for place, result in mine.items():
            condition = conditions.condition(prop, place[1], before)
            if result.standing is Standing.UNKNOWN and result.seconds < self.seconds and condition is not None:
                results[place] = self._asked(condition, prop, lemmas, self.seconds)
            if not results[place].standing.is_good:
                return

    def _asked(self, condition: Condition, prop: Property, lemmas: Sequence[Property], seconds: float) -> Result:
        answer = self.ask(condition.text(), seconds)
        if answer.outcome is not Outcome.UNSAT:
            return Result(condition, Standing.UNKNOWN, seconds=answer.seconds, reason=_why(answer, seconds))
        core = answer.core or frozenset(condition.facts)  # where the solver names none, it may have used them all
        using = core & _names(lemmas, prop)
        return Result(condition, Standing.PROVED, core, using, answer.seconds)

    def ask(self, text: str, seconds: float) -> Answer:
        """What the solver says of a text, now or before."""
        question = digest(f"{self._solver.name}, {seconds} s, seed {self.seed}\n{text}")
        answer = self._cache.get(question) if self._cache else None
        if answer is None:
            answer = self._solver.decide(text, seconds, self.seed)
            if self._cache and answer.outcome is not Outcome.UNKNOWN:  # another time there may be more time
                self._cache.put(question, answer)
        return answer


def _open_conditions(
    conditions: Conditions, prop: Property, lemmas: Sequence[Property], results: Results
) -> Iterator[Condition]:
    """Those that were never decided, or were proved with a lemma that is lost."""
    before = _names(lemmas, prop)
    for step in conditions.steps:
        known = results.get((prop.name, step))
        if known is None or (known.standing.is_good and not known.using <= before):
            condition = conditions.condition(prop, step, before)
            if condition is not None:
                yield condition


def _names(lemmas: Sequence[Property], prop: Property) -> frozenset[str]:
    """What is known before a step: the lemmas that are left, and the property itself."""
    return frozenset(each.name for each in (*lemmas, prop))


def _why(answer: Answer, budget: float) -> str:
    if answer.outcome is Outcome.SAT:
        return "the solver finds a way out, though no instance shows one"
    return f"the solver gave up: {answer.reason}" if answer.seconds < budget else f"{budget:g} s were not enough"
