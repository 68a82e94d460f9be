"""What is unknown in a proof: numbers, facts and functions, each with a name and the values that it can have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from coordination.machine import terms
from coordination.machine.terms import Term, Value


@dataclass(frozen=True)
class Symbol:
    """A number or a fact, or (with an `index`) a function of so many numbers. `values` has no gaps."""

    name: str
    index: tuple[range, ...]
    values: range
    boolean: bool

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return hash(self.name)

    @cached_property
    def term(self) -> Term:
        assert not self.index, f"{self.name} is a function"
        return terms.field(self, self.boolean)


def within(value: Value, domain: Sequence[int]) -> Value:
    """`value` is one of `domain`, which has no gaps."""
    return terms.conjunction((terms.le(domain[0], value), terms.le(value, domain[-1])))


def witnessed(fact: Value, whose: str) -> Value:
    """`fact` with what exists named: true of some values of the new symbols if and only if `fact` is true.

    Facts that are to be true together name their witnesses apart, by `whose` they are.

    A variable that several terms bind, each a copy of one with another key in it, would name what exists for one key
    and what exists for another alike, so it stays bound.
    """
    binders = Counter(term.args[0] for term in set(_existing(fact, positive=True)))
    return _witnessed(fact, True, whose, {variable for variable, times in binders.items() if times == 1})


def _existing(fact: Value, positive: bool) -> Iterator[Term]:
    """The terms that say of something that it exists, as they stand in `fact`."""
    if not terms.is_term(fact):
        return
    if fact.op == "not":
        yield from _existing(fact.args[0], not positive)
    elif fact.op in ("and", "or"):
        for part in fact.args:
            yield from _existing(part, positive)
    elif fact.op == ("exists" if positive else "forall"):
        yield fact
        yield from _existing(fact.args[1], positive)


def _witnessed(fact: Value, positive: bool, whose: str, named: Collection[Term]) -> Value:
    if not terms.is_term(fact):
        return fact
    if fact.op == "not":
        return terms.negation(_witnessed(fact.args[0], not positive, whose, named))
    if fact.op in ("and", "or"):
        return terms.CONSTRUCTORS[fact.op](*(_witnessed(part, positive, whose, named) for part in fact.args))
    if fact.op == ("exists" if positive else "forall") and fact.args[0] in named:
        bound: Symbol = fact.args[0].args[0]
        witness = Symbol(f"{whose}{bound.name}", (), bound.values, bound.boolean)
        return _witnessed(terms.substitute(fact.args[1], {fact.args[0]: witness.term}), positive, whose, named)
    return fact
