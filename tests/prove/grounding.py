"""The reading for all sizes, held against the reading in an instance: its terms, grounded there, are the same values.

An instance is one of all sizes: what it has no place for is zero there. So a term of the unbounded reading becomes one
over the instance's fields once its maps are the instance's, and what ranges over a sort is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any
from unittest.mock import patch

from coordination.machine import Instance, Machine, Property, terms
from coordination.machine.formulas import is_valid
from coordination.machine.language import Finite
from coordination.machine.property import Kind
from coordination.machine.state import read_at, sort_name
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import StepTerms, Unrolled
from coordination.prove.explaining.explored import Explored
from coordination.prove.reading import unbounded
from coordination.prove.reading.symbols import Symbol, within
from coordination.prove.reading.unbounded import AllSizes, Move

ANYTHING = 77  # what a proof knows of an entry that does not exist


class Disagreement(AssertionError):
    """Two readings of one rule are not the same."""


def told_apart(machine: Machine) -> Machine:
    """`machine` with a range of its own for each sort, a little longer each: so a range tells its sort."""
    scope = machine.unbounded
    assert scope is not None
    domains = {sort: range(r.start, r.stop + number) for number, (sort, r) in enumerate(scope.domains.items())}
    assert len(set(domains.values())) == len(domains)
    return replace(machine, unbounded=replace(scope, domains=domains))


class Grounding:
    """Terms of `sizes` as terms over the fields of `unrolled`; `arguments` are what parameters stand for."""

    def __init__(self, sizes: AllSizes, unrolled: Unrolled, arguments: Mapping[Symbol, int] | None = None) -> None:
        self._unrolled, self._arguments = unrolled, arguments or {}
        self._instance = unrolled.instance
        self._sorts = {values: sort for sort, values in sizes.scope.domains.items()}
        self._variables = {variable.name: variable for variable in sizes.variables}
        self._numbers = {f"number of {sort_name(s)}": len(self._instance.domain(s)) for s in sizes.scope.counted}
        self._known: dict[tuple[Any, ...], Value] = {}

    def __call__(self, value: Value, bound: Mapping[Term, Value] | None = None) -> Value:
        if not terms.is_term(value):
            return value
        here = {leaf: number for leaf, number in (bound or {}).items() if leaf in terms.leaves(value)}
        key = (value, *sorted((leaf.uid, number) for leaf, number in here.items()))
        if key not in self._known:
            self._known[key] = self._ground(value, here)
        return self._known[key]

    def _ground(self, term: Term, bound: Mapping[Term, Value]) -> Value:
        if term in bound:
            return bound[term]
        if term.op in ("field", "entry"):
            symbol, *key = term.args
            return self._unknown(symbol, tuple(self(part, bound) for part in key))
        if term.op in terms.BINDERS:
            variable, body = term.args
            cases = [self(body, {**bound, variable: number}) for number in self._values(variable.args[0])]
            return {"forall": terms.conjunction, "exists": terms.disjunction, "sum": _add_up}[term.op](cases)
        return terms.CONSTRUCTORS[term.op](*(self(part, bound) for part in term.args))

    def _values(self, symbol: Symbol) -> Iterator[Value]:
        domain = self._instance.domain(self._sorts[symbol.values]) if symbol.values in self._sorts else symbol.values
        return map(bool, domain) if symbol.boolean else iter(domain)

    def _unknown(self, symbol: Symbol, key: tuple[Value, ...]) -> Value:
        if symbol in self._arguments:
            return self._arguments[symbol]
        if symbol.name in self._numbers:
            return self._numbers[symbol.name]
        kind, name = symbol.name.split(".")
        if kind == "w":
            constant = getattr(self._instance.constants, name)
            return constant[key] if key else constant
        variable = self._variables[name]
        domains = [self._instance.domain(sort) for sort in variable.index]
        held = read_at(partial(self._unrolled.entry, variable), key, domains, variable.default)
        exists = terms.conjunction(within(part, values) for part, values in zip(key, symbol.index, strict=True))
        return terms.ite(exists, held, True if variable.boolean else ANYTHING)


def _add_up(cases: list[Value]) -> Value:
    return reduce(terms.add, cases, 0)


@dataclass(frozen=True)
class Agreement:
    """`fact` says that two readings agree about something; `about` says about what."""

    about: str
    fact: Value


class Readings:
    """A machine in an instance, read both ways."""

    def __init__(self, machine: Machine, instance: Instance, claims: Sequence[Property]) -> None:
        """`claims` are properties of which nothing is sought: invariants and properties of steps."""
        apart = told_apart(machine)
        self.machine, self.claims = apart, claims
        self.sizes, self.unrolled = AllSizes(apart), Unrolled(apart, instance)
        self._moves = {action.name: self.sizes.move(action) for action in apart.actions}
        self._steps = {(step.action, step.arguments): step for step in self.unrolled.steps({})}

    def of_states(self) -> Iterator[Agreement]:
        """What is said of a state alone: invariants, and where runs start."""
        ground = Grounding(self.sizes, self.unrolled)
        starts = Property("the start", Kind.INVARIANT, self.sizes.scope.initial, "")
        for prop in (starts, *self.claims):
            if prop.kind is Kind.INVARIANT:
                read = self.sizes.holds(prop, self.sizes.before)
                yield Agreement(prop.name, terms.eq(ground(read), self.unrolled.holds(prop, {})))

    def of_steps(self) -> Iterator[Agreement]:
        """What is said of each step: where it exists, which check rejects it, what it writes, what is true after it."""
        for about, move, step, ground in self._calls():
            exists = ground(terms.conjunction(move.when))
            if step is None:
                yield Agreement(f"{about} never exists", terms.negation(exists))
                continue
            yield Agreement(f"{about} exists", terms.eq(exists, terms.conjunction(step.when)))
            for name, fact in _rejections(move, step, ground):
                yield Agreement(f"{about}: {name}", terms.disjunction((terms.negation(exists), fact)))
            for name, fact in self._effects(move, step, ground):
                yield Agreement(f"{about}: {name}", terms.disjunction((terms.negation(_is_taken(step)), fact)))

    def of_sums(self) -> Iterator[Agreement]:
        """What is said of sums: of the state after each step, by differences where it writes, and by adding up."""
        with_sums = [prop for prop in self.claims if self._has_sums(prop)]
        for about, move, step, ground in self._calls():
            for prop in with_sums if step else ():
                with _totals(unbounded._Reading) as by_differences:
                    self.sizes.holds(prop, move.after)
                with _totals(Finite) as added_up:
                    self.unrolled.holds(after(prop), {}, step)
                for mine, theirs in zip(by_differences, added_up, strict=True):
                    same = terms.eq(ground(mine), theirs)
                    fact = terms.disjunction((terms.negation(_is_taken(step)), same))
                    yield Agreement(f"{about}: the sums of {prop.name}", fact)

    def _has_sums(self, prop: Property) -> bool:
        with _totals(unbounded._Reading) as found:
            self.sizes.holds(prop, self.sizes.before)
        return bool(found)

    def _calls(self) -> Iterator[tuple[str, Move, StepTerms | None, Grounding]]:
        """Every move with all the arguments that the instance considers; without a step where no state allows it."""
        for action in self.machine.actions:
            move = self._moves[action.name]
            for arguments in self.unrolled.instance.arguments(action):
                given = [bool(one) if p.boolean else one for p, one in zip(move.parameters, arguments, strict=True)]
                ground = Grounding(self.sizes, self.unrolled, dict(zip(move.parameters, given, strict=True)))
                yield f"{action.name}{arguments}", move, self._steps.get((action.name, arguments)), ground

    def _effects(self, move: Move, step: StepTerms, ground: Grounding) -> Iterator[tuple[str, Value]]:
        yield "stays in range", ground(terms.conjunction(move.stays))
        for (name, key), before in self.unrolled.fields.items():
            is_now = getattr(move.after, name)
            new = step.updates.get(before.args[0], before)
            yield str(before), terms.eq(ground(is_now[key] if key else is_now), new)
        for prop in self.claims:
            read = ground(self.sizes.holds(prop, move.after))
            yield prop.name, terms.eq(read, self.unrolled.holds(after(prop), {}, step))


@contextmanager
def _totals(reader: type) -> Iterator[list[Value]]:
    """The sums that `reader` is asked for in this block."""
    total, found = vars(reader)["total"], list[Value]()

    def noted(self: Any, *asked: Any) -> Value:
        found.append(total(self, *asked))
        return found[-1]

    with patch.object(reader, "total", noted):
        yield found


def check_on_every_state(agreements: Sequence[Agreement], readings: Readings, explored: Explored) -> None:
    """Raises Disagreement with the first of `agreements` that is not so in all states that were found."""
    places = {leaf: explored.unrolled.fields[place] for place, leaf in readings.unrolled.fields.items()}
    facts = {terms.substitute(each.fact, places): each.about for each in agreements}
    if not explored.is_invariant(terms.conjunction(facts)):
        wrong = next(about for fact, about in facts.items() if not explored.is_invariant(fact))
        raise Disagreement(f"two readings differ: {wrong}")


def check_everywhere(agreements: Sequence[Agreement]) -> None:
    """Raises Disagreement with the first of `agreements` that is not so in all states, whether reached or not."""
    for each in agreements:
        if not is_valid(each.fact):
            raise Disagreement(f"two readings differ: {each.about}")


def _is_taken(step: StepTerms) -> Value:
    """The step is accepted and writes to what the instance has: beyond that, all sizes have more than an instance."""
    return terms.conjunction((step.accepted(), step.in_bounds))


def after(prop: Property) -> Property:
    """`prop` of a step; or, if it is of a state, of the state after one."""
    if prop.kind is Kind.STEP:
        return prop
    return replace(prop, kind=Kind.STEP, holds=lambda before, after, w: prop.holds(after, w))


def _rejections(move: Move, step: StepTerms, ground: Callable[[Value], Value]) -> Iterator[tuple[str, Value]]:
    """For each rule and error: it is the first to fail in one reading where it is in the other."""
    mine = _first_to_fail([(check.rule, check.error, ground(check.holds)) for check in move.checks])
    theirs = _first_to_fail([(guard.rule, guard.error, guard.holds) for guard in step.guards])
    for rule, error in mine.keys() | theirs.keys():
        yield f"{rule} {error}", terms.eq(mine.get((rule, error), False), theirs.get((rule, error), False))


def _first_to_fail(checks: list[tuple[str, str, Value]]) -> dict[tuple[str, str], Value]:
    found: dict[tuple[str, str], Value] = {}
    passed: Value = True
    for rule, error, holds in checks:
        fails = terms.conjunction((passed, terms.negation(holds)))
        found[rule, error] = terms.disjunction((found.get((rule, error), False), fails))
        passed = terms.conjunction((passed, holds))
    return found
