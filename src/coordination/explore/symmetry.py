"""Symmetry among interchangeable values: states that differ only in their names are explored once.

An instance may declare that some values of a sort (accounts with the same part in it) can be renamed into each other.
The search then keeps, of all renamings of a state, the least. That is sound only if nothing tells the values apart:
the initial state, every step and every judged property must be the same under each exchange of neighbours, which
generate all renamings. This is checked before the search, not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import numpy as np

from coordination.explore.kernel import Compiler
from coordination.explore.layout import Layout
from coordination.explore.rows import Columns
from coordination.explore.values import clock_values
from coordination.machine import terms
from coordination.machine.language import Sort
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, SpecificationError, sort_name
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import StepTerms, Unrolled

MOST_VALUES = 6  # 720 renamings, each computed for every state


def is_kind_of(sort: Sort, base: Sort) -> bool:
    """Whether `sort` is `base`, or a NewType over it, or one that `base` is a NewType over: they share values."""

    def above(kind: Sort) -> list[Sort]:
        return [kind, *above(kind.__supertype__)] if hasattr(kind, "__supertype__") else []

    return base in above(sort) or sort in above(base)


@dataclass(frozen=True)
class Renaming:
    """A permutation of some values of a sort, applied to keys, values, arguments and terms."""

    unrolled: Unrolled
    sort: Sort
    new: Mapping[int, int]

    def of(self, sort: Sort, value: int) -> int:
        return self.new.get(value, value) if is_kind_of(sort, self.sort) else value

    def of_all(self, sorts: Sequence[Sort], values: Key) -> Key:
        return tuple(self.of(sort, value) for sort, value in zip(sorts, values, strict=True))

    def moves(self) -> Iterator[tuple[Value, Value]]:
        """Each variable as a leaf, and the term over the old variables that it holds after renaming."""
        back = Renaming(self.unrolled, self.sort, {new: old for old, new in self.new.items()})
        for variable in self.unrolled.variables:
            for (name, key), leaf in self.unrolled.fields.items():
                if name == variable.name:
                    source = self.unrolled.fields[name, back.of_all(variable.index, key)]
                    yield leaf, self._renamed(variable.sort, source)

    def _renamed(self, sort: Sort, value: Value) -> Value:
        if not is_kind_of(sort, self.sort):
            return value
        if not terms.is_term(value):
            return self.of(sort, value)
        result = value
        for old, new in self.new.items():
            result = terms.ite(value == old, new, result)
        return result


class Canonical:
    """The canonical form of states under all renamings of the interchangeable values of an instance."""

    def __init__(self, layout: Layout) -> None:
        sort, values = _declared(layout)
        self._rewrites: list[Callable[[Columns], Columns]] = []
        compiler = Compiler(layout)
        for order in permutations(values):
            if order != values:
                renaming = Renaming(layout.unrolled, sort, dict(zip(values, order, strict=True)))
                updates = {
                    leaf.args[0]: new for leaf, new in renaming.moves() if terms.is_term(leaf) and leaf is not new
                }
                self._rewrites.append(compiler.rewrite(updates))

    @classmethod
    def of(cls, layout: Layout, properties: Sequence[Property]) -> Canonical:
        """Raises SpecificationError if the instance or a property tells the declared values apart."""
        sort, values = _declared(layout)
        for one, other in pairwise(values):
            exchange = Renaming(layout.unrolled, sort, {one: other, other: one})
            _Check(exchange, f"{sort_name(sort)} {_names(layout, sort, one, other)}").run(properties)
        return cls(layout)

    def apply(self, columns: Columns) -> Columns:
        """Each row replaced by the least of its renamings, compared word by word."""
        least = columns
        for rewrite in self._rewrites:
            other = rewrite(columns)
            less: Any = np.zeros(len(columns[0]), np.bool_)
            for mine, theirs in zip(reversed(least), reversed(other), strict=True):
                less = (theirs < mine) | ((theirs == mine) & less)
            least = tuple(np.where(less, theirs, mine) for mine, theirs in zip(least, other, strict=True))
        return least


def _declared(layout: Layout) -> tuple[Sort, tuple[int, ...]]:
    instance = layout.unrolled.instance
    assert instance.interchangeable is not None
    sort, values = instance.interchangeable
    if len(values) > MOST_VALUES:
        raise SpecificationError(
            f"instance {instance.name!r} declares {len(values)} interchangeable values; at most {MOST_VALUES} can be"
        )
    return sort, values


def _names(layout: Layout, sort: Sort, *values: int) -> str:
    return " and ".join(layout.unrolled.instance.show(sort, value) for value in values)


class _Check:
    """That one exchange of two values changes nothing that a step or a property can see."""

    def __init__(self, exchange: Renaming, who: str) -> None:
        self._exchange, self._unrolled, self._who = exchange, exchange.unrolled, who
        self._moved: dict[Term, Value] = {leaf: new for leaf, new in exchange.moves() if terms.is_term(leaf)}
        self._instance = f"instance {self._unrolled.instance.name!r} of {self._unrolled.machine.name}"

    def run(self, properties: Sequence[Property]) -> None:
        for variable in self._unrolled.variables:
            for (name, key), leaf in self._unrolled.fields.items():
                if name == variable.name:
                    self._check_field(variable.index, variable.sort, name, key, leaf)
        for fixed in clock_values(self._unrolled.machine, self._unrolled.instance):
            for prop in properties:
                if prop.kind is not Kind.STEP:
                    fact = self._unrolled.holds(prop, fixed)
                    self._require(self._same(fact, fact), prop.name)
            self._check_steps(fixed, [prop for prop in properties if prop.kind is Kind.STEP])

    def _check_field(self, index: Sequence[Sort], sort: Sort, name: str, key: Key, leaf: Value) -> None:
        twin = self._exchange.of_all(index, key)
        initial, other = (self._unrolled.initial.entry(name, at) for at in (key, twin))
        self._require(self._exchange.of(sort, initial) == other, f"the initial {name}")
        if not terms.is_term(leaf):
            constant = self._unrolled.fields[name, twin]
            self._require(not terms.is_term(constant) and self._exchange.of(sort, leaf) == constant, name)

    def _check_steps(self, fixed: Mapping[str, int], properties: Sequence[Property]) -> None:
        steps = {(step.action, step.arguments): step for step in self._unrolled.steps(fixed)}
        sorts = {action.name: action.sorts() for action in self._unrolled.machine.actions}
        for step in steps.values():
            twin = steps.get((step.action, self._exchange.of_all(sorts[step.action], step.arguments)))
            self._require(twin is not None and self._is_twin(step, twin), step.action)
            assert twin is not None
            for prop in properties:
                mine, its = (self._unrolled.holds(prop, fixed, each) for each in (step, twin))
                self._require(self._same(mine, its), prop.name)

    def _is_twin(self, step: StepTerms, twin: StepTerms) -> bool:
        """Whether `twin` is `step` under other names: the same guards in the same order, and the same effects."""
        if [guard.error for guard in step.guards] != [guard.error for guard in twin.guards]:
            return False
        facts = [terms.conjunction(step.when), *(guard.holds for guard in step.guards)]
        twin_facts = [terms.conjunction(twin.when), *(guard.holds for guard in twin.guards)]
        if not all(map(self._same, facts, twin_facts)):
            return False
        after, twin_after = (self._after(each) for each in (step, twin))
        return all(
            _are_equal(terms.substitute(new, after), terms.substitute(twin_after.get(leaf, leaf), self._moved))
            for leaf, new in self._moved.items()
        )

    def _after(self, step: StepTerms) -> dict[Term, Value]:
        leaves = ((self._unrolled.fields[f.variable, f.key], update) for f, update in step.updates.items())
        return {leaf: update for leaf, update in leaves if terms.is_term(leaf)}

    def _same(self, fact: Value, twin: Value) -> bool:
        """Whether `twin` says of the renamed state what `fact` says of the state."""
        return _are_equal(terms.substitute(twin, self._moved), fact)

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise SpecificationError(
                f"{self._instance} takes {self._who} as interchangeable, but {what} tells them apart; "
                f"leave them out of `interchangeable`, or {what} out of this run"
            )


def _are_equal(one: Value, other: Value) -> bool:
    """Whether two terms agree for all values of their fields: mostly they are the same term; else Z3 decides."""
    fact = terms.eq(one, other)
    if not terms.is_term(fact):
        return bool(fact)
    from coordination.machine.formulas import is_valid  # Z3 takes time to load, and is rarely needed

    return is_valid(fact)
