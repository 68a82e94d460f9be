"""A machine in an instance as one formula: which step is taken in a state, and what the state is afterwards.

The formula speaks of two copies of the fields, before and after, and of a selector: the number of the step instance
that is taken, in the order of the machine's actions and of the instance's arguments. It is made once; `at` makes it
speak of any place in a run. A step is one that is accepted and changes something.

A step that gives a field a value outside of its domain, or writes to an entry that no map has, leads to no state of the
instance: it is not taken. `strays` says where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import z3

from coordination.explore.values import narrowed
from coordination.machine import terms
from coordination.machine.formulas import Formula
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.terms import Term, Value
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import Field, StepTerms
from coordination.prove.bmc.bitvectors import BitVectors, unknown, value_in, width_of


class Relation:
    """`transition` relates a state to the next; `initial` is of the first state of a run.

    `sought` has a formula for each property that was asked for: of a state, or (a step property) of the step from it.
    """

    def __init__(self, machine: Machine, instance: Instance, properties: Sequence[Property]) -> None:
        self._unrolled = narrowed(machine, instance).unrolled
        self._fields: list[Term] = [leaf for leaf in self._unrolled.fields.values() if terms.is_term(leaf)]
        self.steps = self._unrolled.steps({})
        moves = [terms.conjunction((self._unrolled.moves(step, {}), step.stays())) for step in self.steps]
        strays = [terms.conjunction((step.accepted(), terms.negation(step.stays()))) for step in self.steps]
        sought = {prop.name: self._sought(prop) for prop in properties}
        updates = [update for step in self.steps for update in step.updates.values()]
        width = width_of([*self._fields, *moves, *strays, *updates, *chain.from_iterable(sought.values())])
        self._before = BitVectors(self._fields, "", width)
        self._after = BitVectors(self._fields, "'", width)
        self._selector = self.selector("")
        self._names_at: dict[int, list[tuple[Formula, Formula]]] = {}
        self.initial = z3.And([self._before(leaf) == self._before(self._start(leaf)) for leaf in self._fields])
        self.within_domains = self._before.within_domains()
        self.transition = z3.And(
            z3.Or([self._takes(number) for number in range(len(self.steps))]),
            *(z3.Implies(self._takes(number), self._before(fact)) for number, fact in enumerate(moves)),
            *(self._after(leaf) == self._next(leaf) for leaf in self._fields),
            self._after.within_domains(),
        )
        self.strays = z3.Or([self._before(fact) for fact in strays])
        self.sought = {prop.name: self._of_step_or_state(prop, sought[prop.name]) for prop in properties}

    def selector(self, mark: str) -> Formula:
        return z3.BitVec(f"step taken{mark}", max(1, len(self.steps).bit_length()))

    def at(self, formula: Formula, place: int) -> Formula:
        """`formula`, of the state after so many steps of a run, the step taken there, and the state after that."""
        return z3.substitute(formula, *self._names(place))

    def differ(self, one: int, other: int) -> Formula:
        """The states at two places of a run are not the same."""
        return z3.Or([unknown(leaf, f"@{one}") != unknown(leaf, f"@{other}") for leaf in self._fields])

    def number(self, model: Formula, place: int) -> int:
        """Which step is taken at a place of the run that is `model`."""
        return int(model.eval(self.selector(f"@{place}"), model_completion=True).as_long())

    def taken(self, model: Formula, place: int) -> StepTerms:
        return self.steps[self.number(model, place)]

    def state(self, model: Formula, place: int) -> Valuation:
        """The state at a place of the run that is `model`."""
        values: dict[str, Any] = {variable.name: {} for variable in self._unrolled.variables if variable.index}
        for (name, key), leaf in self._unrolled.fields.items():
            value = value_in(model, leaf, unknown(leaf, f"@{place}")) if terms.is_term(leaf) else int(leaf)
            if key:
                values[name][key] = value
            else:
                values[name] = value
        return Valuation(values)

    def _names(self, place: int) -> list[tuple[Formula, Formula]]:
        """What the variables of the formula are called at a place of a run."""
        if place not in self._names_at:
            names = [(self._selector, self.selector(f"@{place}"))]
            for field in self._fields:
                names.append((self._before.variables[field], unknown(field, f"@{place}")))
                names.append((self._after.variables[field], unknown(field, f"@{place + 1}")))
            self._names_at[place] = names
        return self._names_at[place]

    def _start(self, leaf: Term) -> Value:
        field: Field = leaf.args[0]
        value = self._unrolled.initial.entry(field.variable, field.key)
        return bool(value) if leaf.boolean else value

    def _takes(self, number: int) -> Formula:
        return self._selector == number

    def _next(self, leaf: Term) -> Formula:
        """What a field holds after the step that is taken: its update, or what it held."""
        value = self._before(leaf)
        for number, step in enumerate(self.steps):
            if leaf.args[0] in step.updates:
                value = z3.If(self._takes(number), self._before(step.updates[leaf.args[0]]), value)
        return value

    def _sought(self, prop: Property) -> list[Value]:
        """Where a state shows what is sought of `prop`; or, one term a step, where that step does."""
        if prop.kind is Kind.STEP:
            return [self._unrolled.sought(prop, {}, step) for step in self.steps]
        return [self._unrolled.sought(prop, {})]

    def _of_step_or_state(self, prop: Property, facts: Sequence[Value]) -> Formula:
        if prop.kind is Kind.STEP:
            return z3.Or([z3.And(self._takes(number), self._before(fact)) for number, fact in enumerate(facts)])
        return self._before(facts[0])
