"""Proofs by induction: which properties every run has, of whatever size.

The lemmas are proved together: each may use that all of them held a step before. One that some step does not keep
cannot be used, so it is given up, and what was shown with it is asked again, until those that are left keep each other
(Flanagan and Leino's Houdini, 2001). The properties stand on those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from coordination.machine import terms
from coordination.machine.property import Property
from coordination.prove.cache import Cache
from coordination.prove.conditions import RANGES, Condition, Conditions, digest
from coordination.prove.solvers import Answer, Outcome, Solver

SECONDS = 10.0  # what one condition may take, unless somebody says otherwise
Report = Callable[[str], None]


class Standing(StrEnum):
    PROVED = "proved"
    UNCHANGED = "unchanged"  # the step writes nothing that the property reads, so there was nothing to ask
    UNPROVED = "unproved"


@dataclass(frozen=True)
class Result:
    """One condition and how it came out. `text` is what the solver was asked: with the facts that it used, if proved.

    `using` are the lemmas, and the property itself, that were used of the state before. `reason` is the solver's, for
    a condition that is not proved.
    """

    condition: Condition
    standing: Standing
    text: str = ""
    using: frozenset[str] = frozenset()
    seconds: float = 0.0
    reason: str = ""

    @property
    def digest(self) -> str:
        return digest(self.text) if self.text else ""


@dataclass(frozen=True)
class Induction:
    """Every condition's result, by property and step; and the `lemmas` that keep each other."""

    conditions: Conditions
    results: Mapping[tuple[str, str], Result]
    lemmas: frozenset[str]
    solver: str

    def of(self, prop: Property) -> list[Result]:
        return [result for (name, _), result in self.results.items() if name == prop.name]

    def unproved(self, prop: Property) -> list[Result]:
        return [result for result in self.of(prop) if result.standing is Standing.UNPROVED]

    def holds(self, prop: Property) -> bool:
        """`prop` is proved; so are the lemmas that it uses, and that no step leaves the ranges that all rests on."""
        return not self.unproved(prop) and not self.unproved(RANGES)

    def support(self, prop: Property) -> list[Property]:
        """What the proof of `prop` uses: lemmas, what these use, and the ranges; in their order."""
        found, pending = {RANGES.name}, [prop.name, RANGES.name]
        while pending:
            name = pending.pop()
            used = {lemma for result in self.results.values() if result.condition.property == name for lemma in result.using}
            pending += used - found - {prop.name}
            found |= used
        return [each for each in self.conditions.properties if each.name in found - {prop.name}]


class Prover:
    """Asks one solver, and remembers what it said. Running out of `seconds` for a condition leaves it unproved."""

    def __init__(self, solver: Solver, cache: Cache | None = None, *, seconds: float = SECONDS, seed: int = 0) -> None:
        self._solver, self._cache, self._seconds, self._seed = solver, cache, seconds, seed

    def prove(self, conditions: Conditions, report: Report) -> Induction:
        lemmas = frozenset(lemma.name for lemma in conditions.lemmas)
        results: dict[tuple[str, str], Result] = {}
        while True:
            for condition in _all(conditions, lemmas):
                place = (condition.property, condition.step)
                known = results.get(place)
                if known is None or (known.standing is not Standing.UNPROVED and not known.using <= lemmas | {place[0]}):
                    report(f"{condition.step}, {condition.property}")
                    results[place] = self._result(condition)
            failed = {name for (name, _), result in results.items() if result.standing is Standing.UNPROVED}
            if not failed & lemmas:
                return Induction(conditions, results, lemmas, self._solver.name)
            lemmas -= failed

    def ask(self, text: str) -> Answer:
        """What the solver says of a text, now or before."""
        question = digest(f"{self._solver.name}, {self._seconds} s, seed {self._seed}\n{text}")
        answer = self._cache.get(question) if self._cache else None
        if answer is None:
            answer = self._solver.decide(text, self._seconds, self._seed)
            if self._cache:
                self._cache.put(question, answer)
        return answer

    def _result(self, condition: Condition) -> Result:
        if condition.claim is True:
            return Result(condition, Standing.UNCHANGED)
        text = condition.text()
        answer = self.ask(text)
        if answer.outcome is not Outcome.UNSAT:
            reason = answer.reason or "the claim does not follow"
            return Result(condition, Standing.UNPROVED, text, seconds=answer.seconds, reason=reason)
        using = answer.core & {prop.name for prop in ()}
        return Result(condition, Standing.PROVED, condition.text(answer.core), using, answer.seconds)


def _all(conditions: Conditions, lemmas: frozenset[str]) -> Iterator[Condition]:
    for prop in conditions.properties:
        for step in conditions.steps:
            condition = conditions.condition(prop, step, lemmas)
            if condition is not None:
                yield condition
