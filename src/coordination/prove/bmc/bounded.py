"""Bounded model checking: the shortest run that breaks a property, by a SAT solver; and k-induction.

Runs of growing length are formulas (see `relation`). Where one of them breaks a property, the selectors are minimised
one after the other, so that the trace is the one that exploration shows: of all shortest runs the first, in the order
of actions and arguments. The oracle runs it on integers before it is shown; its states must be those of the formula.

What a search of so many steps did not find may lie further on: that is no verdict, unless k-induction makes it one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import z3

from coordination.explore.retrace import ReadingsDisagree, confirmed
from coordination.machine.formulas import Formula
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.trace import Step, Trace
from coordination.prove.bmc.relation import Relation
from coordination.prove.bmc.runs import Exhausted, Patience, ReportLength, Runs


@dataclass(frozen=True)
class Bounded:
    """What is known of one property after runs of up to so many steps were looked at.

    `trace` is the first of the shortest runs that break it, or reach the situation. No run of at most `steps` steps
    does, -1 if none was looked at. If there is a `k`, the property is k-inductive, and no run at all breaks it.
    Where there is neither, `exhausted` names the budget that ran out.

    All this is said of runs within the domains of the instance: a step that leaves them is not taken, and nothing is
    known of what would follow. `strays` is the number of steps after which there first is one, if it was come upon.
    """

    steps: int
    trace: Trace | None = None
    k: int | None = None
    exhausted: str = ""
    strays: int | None = None


def shortest_violations(
    machine: Machine,
    instance: Instance,
    properties: Sequence[Property],
    *,
    steps: int,
    seconds: float | None = None,
    report: ReportLength | None = None,
) -> Mapping[str, Bounded]:
    """What runs of at most `steps` steps show of each property, by name; looked for in at most so many `seconds`.

    A violation that was found in time is reported, though it takes longer to make its trace the first of all.
    Raises ReadingsDisagree where the oracle does not confirm a trace, and SpecificationError where the specification is
    not sound.
    """
    patience = Patience(seconds, report)
    search = _Search(Relation(machine, instance, properties), Oracle(machine, instance), properties, patience)
    exhausted = f"runs of {steps} steps"
    try:
        while search.look() and search.runs.length < steps:
            search.runs.extend()
    except Exhausted as budget:
        exhausted = str(budget)
    return {prop.name: search.known(prop, exhausted) for prop in properties}


def k_induction(
    machine: Machine,
    instance: Instance,
    prop: Property,
    lemmas: Sequence[Property] = (),
    *,
    steps: int,
    seconds: float | None = None,
    report: ReportLength | None = None,
) -> Bounded:
    """The least k, at most `steps`, for which `prop` is k-inductive in `instance`; or the trace that breaks it.

    It is if no run of less than k steps breaks it, and no path of k steps does for the first time with the last one,
    from whatever state, through states that all differ and in which `lemmas` are true. The last k steps of a shortest
    run that breaks it would be such a path. That `lemmas` are true of all reachable states is for others to show.
    Raises ReadingsDisagree and SpecificationError, as `shortest_violations` does.
    """
    patience = Patience(seconds, report)
    lemmas = [lemma for lemma in lemmas if lemma.name != prop.name]  # what is to be shown is not assumed
    relation = Relation(machine, instance, [prop, *lemmas])
    search = _Search(relation, Oracle(machine, instance), [prop], patience)
    paths = Runs(relation, relation.within_domains, patience)
    try:
        _assume_at_the_end(paths, lemmas)
        while search.look() and paths.length < steps:
            _assume_at_the_end(paths, [prop])
            for place in range(paths.length):
                paths.require(relation.differ(place, paths.length))
            paths.extend()
            _assume_at_the_end(paths, lemmas)
            if paths.find(_sought_at_the_end(paths, prop)) is None:
                return replace(search.known(prop, ""), k=paths.length)
            search.runs.extend()
    except Exhausted as budget:
        return search.known(prop, str(budget))
    return search.known(prop, f"paths of {steps} steps")


def _sought_at_the_end(runs: Runs, prop: Property) -> Formula:
    """Of runs of one length: their last state, or their last step, shows what is sought of `prop`."""
    place = runs.length - (prop.kind is Kind.STEP)
    return runs.relation.at(runs.relation.sought[prop.name], place) if place >= 0 else z3.BoolVal(False)


def _assume_at_the_end(runs: Runs, properties: Sequence[Property]) -> None:
    for prop in properties:
        runs.require(z3.Not(_sought_at_the_end(runs, prop)))


class _Search:
    """The search for violations among the runs from the initial state, one length after the other."""

    def __init__(self, relation: Relation, oracle: Oracle, properties: Sequence[Property], patience: Patience) -> None:
        self.runs = Runs(relation, relation.initial, patience)
        self._relation, self._oracle = relation, oracle
        self._open = list(properties)
        self._traces: dict[str, Trace] = {}
        self._strays: int | None = None
        self._looked = -1

    def look(self) -> bool:
        """Look among the runs at hand; True if something is left to look for. Raises Exhausted."""
        sought = {prop.name: _sought_at_the_end(self.runs, prop) for prop in self._open}
        if self.runs.find(z3.Or(list(sought.values()))) is not None:
            for prop in self._open:
                model = self.runs.find(sought[prop.name])
                if model is not None:
                    self._traces[prop.name] = self._replay(prop, self._minimise(model, sought[prop.name]))
            self._open = [prop for prop in self._open if prop.name not in self._traces]
        self._looked = self.runs.length
        if self._open and self._strays is None:
            strays = self._relation.at(self._relation.strays, self._looked)
            self._strays = self._looked if self.runs.find(strays) is not None else None
        return bool(self._open)

    def known(self, prop: Property, exhausted: str) -> Bounded:
        trace = self._traces.get(prop.name)
        if trace is not None:
            return Bounded(len(trace.steps) - 1, trace, strays=self._strays)
        return Bounded(self._looked, exhausted=exhausted, strays=self._strays)

    def _minimise(self, model: Formula, *facts: Formula) -> Formula:
        """The run of which `facts` are true, as `model` is one, with the least selectors, the first counting most."""
        for place in range(self.runs.length):
            selector = self._relation.selector(f"@{place}")
            low, high = 0, self._relation.number(model, place)
            while low < high:
                middle = (low + high) // 2
                better = self.runs.find(*facts, z3.ULE(selector, middle), forever=True)
                if better is None:
                    low = middle + 1
                else:
                    model, high = better, self._relation.number(better, place)
            facts = (*facts, selector == low)
        return model

    def _replay(self, prop: Property, model: Formula) -> Trace:
        """The run that is `model`, made by the oracle."""
        state, steps = self._oracle.initial(), list[Step]()
        for place in range(self.runs.length):
            taken = self._relation.taken(model, place)
            step = self._oracle.run(state, self._oracle.machine.action(taken.action), taken.arguments)
            if step is None or step.error is not None or step.state != self._relation.state(model, place + 1):
                raise ReadingsDisagree(f"the oracle does not do as a formula does: {taken.action}{taken.arguments}")
            steps.append(step)
            state = step.state
        return confirmed(self._oracle, prop, steps)
