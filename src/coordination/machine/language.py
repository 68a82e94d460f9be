"""The words a rule is written in.

Each works on plain integers and on terms alike, so that one function is read three ways. They are typed as if values
were always plain: a specification type-checks as the Python that the oracle runs.

`when`, `require` and `emit` report to the reading that is running the rule, as `forall`, `exists` and `total` ask it
how far a sort reaches; and `implies` asks it too, so that somebody can ask whether a premise matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product
from typing import Any, Protocol, TypeVar

from coordination.machine import terms

T = TypeVar("T")
Sort = Any  # a `NewType` over `int`, an `IntEnum` class, or `bool`


class Reading(Protocol):
    """Who runs a rule, and what becomes of what the rule says. `dropped` rules are not checked."""

    dropped: frozenset[str]

    def action(self, name: str) -> Any:
        """The machine's own action of that name."""

    def when(self, condition: bool, rule: str) -> None: ...

    def require(self, rule: str, condition: bool, error: str) -> None: ...

    def bound(self, condition: bool) -> None:
        """A step that is taken where `condition` fails writes to a place that is not there."""

    def emit(self, event: str, fields: dict[str, Any]) -> None: ...

    def implies(self, premise: bool, conclusion: bool) -> bool: ...

    def forall(self, sorts: Sequence[Sort], fact: Callable[..., bool]) -> bool: ...

    def exists(self, sorts: Sequence[Sort], fact: Callable[..., bool]) -> bool: ...

    def total(self, sorts: Sequence[Sort], amount: Callable[..., int]) -> int: ...


class Finite:
    """A reading in an instance, where every sort has finitely many values: what ranges over sorts is written out."""

    def __init__(self, domain: Callable[[Sort], Sequence[int]]) -> None:
        """`domain` gives the values of a sort, ascending."""
        self.domain = domain

    def implies(self, premise: bool, conclusion: bool) -> bool:
        return terms.implication(premise, conclusion)  # type: ignore[no-any-return]

    def forall(self, sorts: Sequence[Sort], fact: Callable[..., bool]) -> bool:
        return terms.conjunction(fact(*case) for case in self._cases(sorts))  # type: ignore[no-any-return]

    def exists(self, sorts: Sequence[Sort], fact: Callable[..., bool]) -> bool:
        return terms.disjunction(fact(*case) for case in self._cases(sorts))  # type: ignore[no-any-return]

    def total(self, sorts: Sequence[Sort], amount: Callable[..., int]) -> int:
        return sum(amount(*case) for case in self._cases(sorts))

    def _cases(self, sorts: Sequence[Sort]) -> Iterator[tuple[int, ...]]:
        return product(*map(self.domain, sorts))


_reading: ContextVar[Reading] = ContextVar("reading")


def current() -> Reading:
    """The reading that runs the present rule."""
    return _reading.get()


@contextmanager
def reading(reader: Reading) -> Iterator[None]:
    """Run rules for `reader` inside this block."""
    token = _reading.set(reader)
    try:
        yield
    finally:
        _reading.reset(token)


def when(condition: bool, rule: str = "") -> None:
    """The step exists only where `condition` holds: what the world allows, or what an honest account does by `rule`."""
    _reading.get().when(condition, rule)


def require(rule: str, condition: bool, error: str) -> None:
    """The callee checks `condition`; where it fails the step is a rejection named `error`, and nothing changes."""
    _reading.get().require(rule, condition, error)


def emit(event: str, **fields: Any) -> None:
    """Announce `event` to the outside, as a contract's log does."""
    _reading.get().emit(event, fields)


def all_of(*facts: bool) -> bool:
    return terms.conjunction(facts)  # type: ignore[no-any-return]


def any_of(*facts: bool) -> bool:
    return terms.disjunction(facts)  # type: ignore[no-any-return]


def negate(fact: bool) -> bool:
    return terms.negation(fact)  # type: ignore[no-any-return]


def implies(premise: bool, conclusion: bool) -> bool:
    return _reading.get().implies(premise, conclusion)


def same(a: bool, b: bool) -> bool:
    """Both hold or neither does."""
    return terms.eq(a, b)  # type: ignore[no-any-return]


def ite(condition: bool, then: T, other: T) -> T:
    """`then` where `condition` holds, `other` elsewhere; both sides are computed."""
    return terms.ite(condition, then, other)  # type: ignore[no-any-return]


def least(a: T, b: T) -> T:
    return ite(a <= b, a, b)  # type: ignore[operator]


def _several(sorts: Sort | tuple[Sort, ...]) -> tuple[Sort, ...]:
    return sorts if isinstance(sorts, tuple) else (sorts,)


def forall(sorts: Sort | tuple[Sort, ...], fact: Callable[..., bool]) -> bool:
    """`fact` holds of every value of the sort, or of every tuple of values of the sorts."""
    return _reading.get().forall(_several(sorts), fact)


def exists(sorts: Sort | tuple[Sort, ...], fact: Callable[..., bool]) -> bool:
    """`fact` holds of some value of the sort, or of some tuple of values of the sorts."""
    return _reading.get().exists(_several(sorts), fact)


def total(sorts: Sort | tuple[Sort, ...], amount: Callable[..., int]) -> int:
    """The sum of `amount` over every value of the sort, or every tuple of values of the sorts."""
    return _reading.get().total(_several(sorts), amount)
