"""What is unknown in a proof: numbers, facts and functions, each with a name and the values that it can have."""

from __future__ import annotations

from collections.abc import Sequence
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


def witnessed(fact: Value) -> Value:
    """`fact` with what exists named: true of some values of the new symbols if and only if `fact` is true."""
    return _witnessed(fact, positive=True)


def _witnessed(fact: Value, positive: bool) -> Value:
    if not terms.is_term(fact):
        return fact
    if fact.op == "not":
        return terms.negation(_witnessed(fact.args[0], not positive))
    if fact.op in ("and", "or"):
        return terms.CONSTRUCTORS[fact.op](*(_witnessed(part, positive) for part in fact.args))
    if fact.op == ("exists" if positive else "forall"):
        bound: Symbol = fact.args[0].args[0]
        witness = Symbol(f"some{bound.name}", (), bound.values, bound.boolean)
        return _witnessed(terms.substitute(fact.args[1], {fact.args[0]: witness.term}), positive)
    return fact
