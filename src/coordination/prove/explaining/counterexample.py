"""Counterexamples to induction: steps that break a property from a state in which all that is assumed holds.

A proof by induction asks of each action that it keeps each property, from every state in which the properties hold,
reachable or not. Where it does not, a small instance mostly shows why: a state and a step of plain numbers, with as
little in it as possible. What it means is for exploration to say (see `classification`): the state can be reached, and
the rules are wrong; or it cannot, and nobody has said why not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coordination.explore.retrace import ReadingsDisagree
from coordination.explore.values import Place, narrowed
from coordination.machine import terms
from coordination.machine.formulas import Formula, Formulas, named, within_domains
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key
from coordination.machine.terms import Term, Value
from coordination.machine.trace import Step, Valuation
from coordination.machine.unrolled import StepTerms, Unrolled

MOST_EFFORT = 20_000_000  # in Z3's units, for one question: seconds, rarely a minute, and the same on every machine


class SolverGaveUp(Exception):
    """Z3 did not answer within MOST_EFFORT."""


@dataclass(frozen=True)
class Counterexample:
    """The `hypotheses` hold in `before`, and `step` is accepted there and breaks `prop`: run by the oracle.

    `relevant` are the fields that make it so: the step is accepted and breaks `prop` in every state that agrees with
    `before` on them.
    """

    machine: Machine
    instance: Instance
    prop: Property
    hypotheses: tuple[Property, ...]
    before: Valuation
    step: Step
    relevant: tuple[Place, ...]


class Scratch:
    """An instance in which counterexamples to induction are looked for, with what is assumed of the state before.

    The state need not be reachable, but it is one of this instance: what never changes in it is as it is at the start,
    and the clock has not run backwards. A step that leaves the instance's domains is not looked for: it says something
    of the instance's small numbers, not of those that a proof is about.
    """

    def __init__(self, machine: Machine, instance: Instance, hypotheses: Sequence[Property]) -> None:
        """`hypotheses` are invariants; the property to be kept is one of them, unless it is to follow from the rest."""
        import z3

        assert all(prop.kind is Kind.INVARIANT for prop in hypotheses), "a step property says nothing of one state"
        self.machine, self.instance, self.hypotheses = machine, instance, tuple(hypotheses)
        self._oracle = Oracle(machine, instance)
        self._unrolled = Unrolled(machine, instance)
        self._unrolled.narrow(_settled(machine, instance))
        self._steps = self._unrolled.steps({})
        self._leaves: list[Term] = [leaf for leaf in self._unrolled.fields.values() if terms.is_term(leaf)]
        self._formula = Formulas(named())
        self._domains = within_domains(self._leaves, self._formula)
        self._solver = z3.Solver()
        self._solver.set("rlimit", MOST_EFFORT)
        self._solver.add(*self._domains, *(self._formula(self._unrolled.holds(prop, {})) for prop in hypotheses))

    def find(self, action: str, prop: Property) -> Counterexample | None:
        """The counterexample to `action` keeping `prop` in which the fewest fields differ from the initial state.

        Of several, that with the first arguments, then that in which the first fields differ, then that with the
        smallest values. Raises ReadingsDisagree where the oracle does not confirm it, SpecificationError where a rule
        divides by zero in it, and SolverGaveUp.
        """
        steps = [step for step in self._steps if step.action == self.machine.action(action).name]
        broken = [(step, self._formula(breaks(self._unrolled, prop, step))) for step in steps]
        ways = [(step, formula) for step, formula in broken if self._is_possible(formula)]
        for most in range(len(self._leaves) + 1 if ways else 0):
            few = self._differ_at_most(most)
            for step, formula in ways:
                if self._is_possible(formula, few):
                    return self._confirmed(prop, step, self._smallest(formula, few))
        return None

    def _is_possible(self, *facts: Formula) -> bool:
        import z3

        answer = self._solver.check(*facts)
        if answer == z3.unknown:
            raise SolverGaveUp(f"Z3 gave up on a question about {self.machine.name}: {self._solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def _differ_at_most(self, most: int) -> Formula:
        import z3

        return z3.AtMost(*(z3.Not(self._is_initial(leaf)) for leaf in self._leaves), most)

    def _is_initial(self, leaf: Term) -> Formula:
        return self._is(leaf, self._unrolled.initial.entry(*_place(leaf)))

    def _is(self, leaf: Term, value: int) -> Formula:
        return self._formula(terms.eq(leaf, bool(value) if leaf.boolean else value))

    def _smallest(self, *facts: Formula) -> dict[Place, int]:
        """What the fields hold in one state of which `facts` are true: not in one that Z3 happens to pick."""
        import z3

        found = {place: int(leaf) for place, leaf in self._unrolled.fields.items() if not terms.is_term(leaf)}
        known = list(facts)
        for leaf in reversed(self._leaves):  # what comes last stays as it was if it can
            is_initial = self._is_initial(leaf)
            known.append(is_initial if self._is_possible(*known, is_initial) else z3.Not(is_initial))
        for leaf in self._leaves:
            values = leaf.args[0].values
            number = bisect_left(values, True, key=lambda most: self._is_possible(*known, self._is_below(leaf, most)))
            found[_place(leaf)] = values[number]
            known.append(self._is(leaf, values[number]))
        return found

    def _is_below(self, leaf: Term, most: int) -> Formula:
        """`leaf` holds no more than `most`."""
        fact = terms.disjunction((terms.negation(leaf), most > 0)) if leaf.boolean else terms.le(leaf, most)
        return self._formula(fact)

    def _confirmed(self, prop: Property, step: StepTerms, values: Mapping[Place, int]) -> Counterexample:
        before = _valuation(self._unrolled, values)
        for hypothesis in self.hypotheses:
            if not self._oracle.holds(hypothesis, before):
                raise ReadingsDisagree(f"the oracle does not find {hypothesis.name} true where Z3 does")
        made = self._oracle.run(before, self.machine.action(step.action), step.arguments)
        if made is None or made.error is not None:
            raise ReadingsDisagree(f"the oracle does not make the step of {step.action} that Z3 finds")
        if not is_broken_by(self._oracle, prop, before, made):
            raise ReadingsDisagree(f"the oracle does not confirm that {step.action} breaks {prop.name}")
        relevant = tuple(self._relevant(breaks(self._unrolled, prop, step), values))
        return Counterexample(self.machine, self.instance, prop, self.hypotheses, before, made, relevant)

    def _relevant(self, broken: Value, values: Mapping[Place, int]) -> Iterator[Place]:
        """The fields that make `broken` true whatever all others hold: none of them can be missed."""
        import z3

        solver = z3.Solver()
        solver.set("rlimit", MOST_EFFORT)
        solver.add(*self._domains, z3.Not(self._formula(broken)))
        kept = {leaf: self._is(leaf, values[_place(leaf)]) for leaf in self._leaves}
        for leaf in reversed(self._leaves):
            fact = kept.pop(leaf)
            if solver.check(*kept.values()) != z3.unsat:
                kept[leaf] = fact
        return (_place(leaf) for leaf in self._leaves if leaf in kept)


def breaks(unrolled: Unrolled, prop: Property, step: StepTerms) -> Value:
    """Where `step`, read with nothing fixed, is accepted, stays within the domains, and breaks `prop`."""
    after = {unrolled.fields[field.variable, field.key]: new for field, new in step.updates.items()}
    if prop.kind is Kind.STEP:
        moves = terms.disjunction(terms.negation(terms.eq(old, new)) for old, new in after.items())
        broken = terms.conjunction((moves, terms.negation(unrolled.holds(prop, {}, step))))
    else:
        broken = terms.negation(terms.substitute(unrolled.holds(prop, {}), after))
    return terms.conjunction((step.accepted(), step.stays(), broken))


def is_broken_by(oracle: Oracle, prop: Property, before: Valuation, step: Step) -> bool:
    """Whether an accepted step breaks `prop`, on integers."""
    if prop.kind is Kind.STEP:
        return step.state != before and not oracle.holds(prop, before, step.state)
    return not oracle.holds(prop, step.state)


def _settled(machine: Machine, instance: Instance) -> dict[Place, Sequence[int]]:
    """What no run changes in the instance, with its value; and the clock, with the times from the start on."""
    found: dict[Place, Sequence[int]] = {}
    for (name, key), leaf in narrowed(machine, instance).unrolled.fields.items():
        if not terms.is_term(leaf):
            found[name, key] = (int(leaf),)
        elif name == machine.clock:
            found[name, key] = leaf.args[0].values
    return found


def _place(leaf: Term) -> Place:
    return leaf.args[0].variable, leaf.args[0].key


def _valuation(unrolled: Unrolled, values: Mapping[Place, int]) -> Valuation:
    entries: dict[str, dict[Key, int]] = {variable.name: {} for variable in unrolled.variables}
    for (name, key), value in values.items():
        entries[name][key] = value
    return Valuation({v.name: entries[v.name] if v.index else entries[v.name][()] for v in unrolled.variables})
