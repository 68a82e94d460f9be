"""Judging a machine's properties for all sizes: proofs where there are any, and for the rest what shows why not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError
from coordination.machine.verdict import Status, Verdict
from coordination.prove.deciding.conditions import ALL_SIZES, RANGES, START, Conditions
from coordination.prove.deciding.induction import Induction, Prover, Report, Result
from coordination.prove.explaining.classification import Classification, Undecided, classify
from coordination.prove.explaining.counterexample import Counterexample, Scratch, SolverGaveUp
from coordination.prove.explaining.explored import Explored

PROVED, BOUNDED, UNPROVED = "proved", "bounded", "unproved"
STEPS = 12  # of the runs that are looked at where there is no proof

if TYPE_CHECKING:  # at run time only where it is used: it loads Z3, which takes longer than proofs that are remembered
    from coordination.prove.bmc.bounded import Bounded


@dataclass(frozen=True)
class Proved:
    """A verdict for each property, in the machine's order, and for the ranges that all rests on; and how it came.

    A property that was proved, or that might have been, has conditions in `induction`; one that is expected to be
    violated, and is, has none. `against` are counterexamples to induction, with what exploration says of them.
    """

    machine: Machine
    verdicts: tuple[Verdict, ...]
    induction: Induction
    against: tuple[tuple[Counterexample, Classification], ...]

    def results(self, name: str) -> list[Result]:
        """The conditions behind the verdict on this property: its own, and those of all lemmas that it uses."""
        prop = self._named(name)
        return (
            []
            if prop is None
            else [r for each in (prop, *self.induction.support(prop)) for r in self.induction.of(each)]
        )

    @cached_property
    def assumptions(self) -> Mapping[str, list[str]]:
        """What each proof rests on, a sentence each, by property; but for the ranges, which have their own verdict."""
        return {v.property: self._assumed(v.property) if v.method == PROVED else [] for v in self.verdicts}

    def _assumed(self, name: str) -> list[str]:
        read = frozenset[str]().union(*(result.condition.reads(result.core) for result in self.results(name)))
        scope = self.induction.conditions.sizes.scope
        used = [
            premise.sentence for premise in scope.premises if any(f"s.{variable}" in read for variable in premise.about)
        ]
        return [*(inspect.getdoc(fact) or fact.__name__ for fact in scope.assumptions), *used]

    def _named(self, name: str) -> Property | None:
        return next((prop for prop in self.induction.conditions.properties if prop.name == name), None)


def prove(machine: Machine, properties: Sequence[Property], prover: Prover, report: Report) -> Proved:
    """Judge `properties`. Raises SpecificationError where the machine cannot be read for all sizes."""
    return _Judge(machine, prover, report).judge(properties)


class _Judge:
    def __init__(self, machine: Machine, prover: Prover, report: Report) -> None:
        self._machine, self._prover, self._report = machine, prover, report
        self._searches: dict[tuple[Property, ...], Scratch] = {}

    def judge(self, properties: Sequence[Property]) -> Proved:
        """For those that are expected to be violated, and are, no proof is looked for."""
        runs = self._look([prop for prop in properties if prop.name in self._machine.expected])
        asked = [prop for prop in properties if prop.name not in runs or runs[prop.name].trace is None]
        conditions = Conditions(self._machine, asked)
        induction = self._prover.prove(conditions, self._refute, self._report)
        runs |= self._look([prop for prop in asked if prop.name not in runs and not induction.holds(prop)])
        verdicts = [self._verdict(prop, induction, runs.get(prop.name)) for prop in (*properties, RANGES)]
        return Proved(self._machine, tuple(verdicts), induction, tuple(self._explained(induction)))

    @property
    def _scratch(self) -> Instance:
        assert self._machine.unbounded is not None
        return self._machine.instance(self._machine.unbounded.scratch)

    def _look(self, properties: Sequence[Property]) -> dict[str, Bounded]:
        """What runs of growing length in the scratch instance show."""
        if not properties:
            return {}
        from coordination.prove.bmc.bounded import shortest_violations

        told = partial(self._tell_length, "runs")
        budget = self._prover.seconds
        return dict(
            shortest_violations(self._machine, self._scratch, properties, steps=STEPS, seconds=budget, report=told)
        )

    def _tell_length(self, what: str, length: int, seconds: float) -> None:
        self._report(f"{what} of {length} steps in {self._scratch.name}")

    def _refute(self, prop: Property, step: str, lemmas: Sequence[Property]) -> Counterexample | None:
        if prop is RANGES or step == START:
            return None
        assumed = tuple(dict.fromkeys([*lemmas, prop] if prop.kind is Kind.INVARIANT else lemmas))
        self._report(f"looking for a state in which {step} breaks {prop.name}")
        if assumed not in self._searches:
            self._searches[assumed] = Scratch(self._machine, self._scratch, assumed)
        try:
            return self._searches[assumed].find(step, prop)
        except SolverGaveUp:
            return None

    def _explained(self, induction: Induction) -> Iterator[tuple[Counterexample, Classification]]:
        found = [r.counterexample for r in induction.results.values() if r.counterexample is not None]
        if found:
            self._report(f"exploring {self._scratch.name}")
            try:
                explored = Explored(self._machine, self._scratch)
            except SpecificationError:  # what breaks the property may as well leave the instance
                beyond = Undecided(0, "a step that leaves the domains of the instance")
                yield from ((each, beyond) for each in found)
                return
            yield from ((each, classify(each, explored)) for each in found)

    def _verdict(self, prop: Property, induction: Induction, runs: Bounded | None) -> Verdict:
        known = self._machine.expected.get(prop.name)
        results = induction.of(prop)
        verdict = Verdict(
            machine=self._machine.name,
            design=self._machine.design,
            instance=ALL_SIZES,
            property=prop.name,
            method=PROVED,
            status=Status.HOLDS,
            expected=known is None,
            states=0,
            transitions=0,
            depth=0,
            seconds=sum(result.seconds for result in results),
            reason=f"expected to be violated ({known.why}), but is not" if known else "",
        )
        if results and induction.holds(prop):
            return verdict
        verdict = replace(verdict, instance=self._scratch.name)
        if runs is not None and runs.trace is not None:
            why = known.why if known else ""
            return replace(
                verdict, method=BOUNDED, status=Status.VIOLATED, expected=bool(known), trace=runs.trace, reason=why
            )
        reason = _why(prop, induction)
        k = self._least_k(prop, induction)
        if k is not None:
            reason = f"{reason}; in {self._scratch.name} alone it holds, for it is {k}-inductive there"
        return replace(verdict, method=UNPROVED, status=Status.UNKNOWN, expected=False, reason=reason)

    def _least_k(self, prop: Property, induction: Induction) -> int | None:
        """Of the instance only; and if no run is known to leave its domains, as nothing is known of what follows."""
        if prop is RANGES:
            return None
        from coordination.prove.bmc.bounded import k_induction

        told = partial(self._tell_length, f"{prop.name}: paths")
        found = k_induction(
            self._machine, self._scratch, prop, induction.lemmas, steps=STEPS, seconds=self._prover.seconds, report=told
        )
        return None if found.strays is not None else found.k


def _why(prop: Property, induction: Induction) -> str:
    missing = induction.unproved(prop)
    if not missing:
        return f"it rests on {RANGES.name}, which is not proved"
    result = missing[0]
    return f"{result.condition.step}: {result.reason or 'there is a counterexample to induction'}"
