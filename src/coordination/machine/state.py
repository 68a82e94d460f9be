"""What a machine's state is made of: annotated variables, and maps from domain values to domain values.

A machine declares its state as a class of bare annotations,

    class Light(State):
        colour: Colour                   # an IntEnum
        pressed: Map[Button, bool]       # Button is a NewType over int

and the readings fill an instance of that class with numbers or with terms. The annotations are the schema: the sorts
that they name get their values from the instance under study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from itertools import product
from typing import Any, Generic, NoReturn, Self, TypeVar, get_args, get_origin, get_type_hints

from coordination.machine import terms
from coordination.machine.language import Sort, current
from coordination.machine.terms import NotReadable, Term, Value

K = TypeVar("K")
V = TypeVar("V")
Key = tuple[int, ...]


class State:
    """Base of every machine's state; subclasses only annotate."""

    def __copy__(self) -> Self:
        twin = self.__new__(type(self))
        for name, value in self.__dict__.items():
            setattr(twin, name, copy(value) if isinstance(value, Map) else value)
        return twin


class SpecificationError(Exception):
    """A machine, an instance or a property file contradicts itself; the message says where and what would be right."""


@dataclass(frozen=True)
class Variable:
    """One annotated variable: a scalar has no `index`; `sort` is what its values are."""

    name: str
    index: tuple[Sort, ...]
    sort: Sort

    @property
    def boolean(self) -> bool:
        return self.sort is bool

    @cached_property
    def default(self) -> int | bool:
        return False if self.boolean else 0


@cache
def flat_sorts(sort: Sort) -> tuple[Sort, ...]:
    """A sort as it stands in a key: a NamedTuple or a tuple counts as its fields, in order."""
    origin: Any = get_origin(sort)
    if origin is tuple:
        return tuple(part for arg in get_args(sort) for part in flat_sorts(arg))
    if isinstance(sort, type) and issubclass(sort, tuple):
        return tuple(part for hint in get_type_hints(sort).values() for part in flat_sorts(hint))
    return (sort,)


def variables(state: type[State]) -> tuple[Variable, ...]:
    """The variables that `state` annotates, in order."""
    key: Any = state
    return _variables(key)


@cache
def _variables(state: Any) -> tuple[Variable, ...]:
    found = []
    for name, hint in get_type_hints(state).items():
        if get_origin(hint) is Map:
            index, sort = get_args(hint)
            found.append(Variable(name, flat_sorts(index), sort))
        else:
            found.append(Variable(name, (), hint))
    return tuple(found)


def sort_name(sort: Sort) -> str:
    return str(getattr(sort, "__name__", sort))


def enumerated(sort: Sort) -> Sequence[int] | None:
    """The values of a sort that is finite by itself: `bool` or an IntEnum."""
    if sort is bool:
        return (0, 1)
    if isinstance(sort, type) and issubclass(sort, IntEnum):
        return tuple(sorted(int(member) for member in sort))
    return None


def flat_key(key: Any) -> tuple[Value, ...]:
    """A key as its parts, in order: records and tuples inside of it count as what they hold."""
    if not isinstance(key, tuple):
        return (key,)
    parts: list[Value] = []
    for item in key:
        if isinstance(item, tuple):
            parts.extend(flat_key(item))
        else:
            parts.append(item)
    return tuple(parts)


def read_at(
    entry: Callable[[Key], Value], index: tuple[Value, ...], domains: Sequence[Sequence[int]], default: Value
) -> Value:
    """`entry(index)`, where positions of `index` that are terms are resolved by cases over their domain.

    `entry` gives the default of the sort for a key outside of the domains, and so does an index term that leaves them.
    """
    for position, part in enumerate(index):
        if type(part) is Term:
            result = default
            for candidate in reversed(domains[position]):
                value = read_at(entry, (*index[:position], candidate, *index[position + 1 :]), domains, default)
                result = terms.ite(part == candidate, value, result)
            return result
    return entry(index)


class Map(Generic[K, V]):
    """A total map of the state. `m[key]`, `m[key] = value`, and `m.reset(where=...)` for many entries at once."""

    def __init__(
        self,
        variable: Variable,
        domains: Sequence[Sequence[int]] | None,
        missing: Callable[[Key], Value],
        entries: dict[Key, Value],
    ) -> None:
        """`domains` bound each position of a key (None: any integer); `missing` gives what was never written."""
        self._variable, self._domains, self._missing, self.entries = variable, domains, missing, entries

    def __getitem__(self, key: K) -> V:
        return read_at(self._entry, flat_key(key), self._domains or (), self._variable.default)  # type: ignore[no-any-return]

    def __setitem__(self, key: K, value: V) -> None:
        index = flat_key(key)
        if not any(terms.is_term(part) for part in index):
            self._write(tuple(int(part) for part in index), value)
            return
        places = [
            (case, terms.conjunction(part == at for part, at in zip(index, case, strict=True)))
            for case in self._matching(index)
        ]
        current().bound(terms.disjunction(here for _, here in places))
        for case, here in places:
            self._write(case, terms.ite(here, value, self._entry(case)))

    def __eq__(self, other: object) -> NoReturn:
        raise NotReadable("a rule compares whole maps; compare their entries with forall")

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Map[K, V]:
        return Map(self._variable, self._domains, self._missing, dict(self.entries))

    def reset(self, where: Callable[..., bool] | None = None) -> None:
        """Give every entry whose key satisfies `where` the default of its sort: zero, nobody, False."""
        chosen_cases = [(case, True if where is None else where(*case)) for case in self._resettable()]
        for case, chosen in chosen_cases:  # all asked before any is reset: what `where` reads may be among them
            self._write(case, terms.ite(chosen, self._variable.default, self._entry(case)))

    def keep_where(self, condition: bool, before: Map[K, V]) -> None:
        """Undo what was written since `before`, except where `condition` holds."""
        for key, value in self.entries.items():
            self.entries[key] = terms.ite(condition, value, before._entry(key))

    def _resettable(self) -> Iterator[Key]:
        return iter(list(self.entries)) if self._domains is None else self._all_keys()

    def _all_keys(self) -> Iterator[Key]:
        assert self._domains is not None
        return product(*self._domains)

    def _matching(self, index: tuple[Value, ...]) -> Iterator[Key]:
        assert self._domains is not None
        choices = [
            domain if terms.is_term(part) else (int(part),) for part, domain in zip(index, self._domains, strict=True)
        ]
        return product(*choices)

    def _entry(self, key: Key) -> Value:
        value = self.entries.get(key)
        return self._missing(key) if value is None else value

    def _write(self, key: Key, value: Value) -> None:
        if self._domains is not None:
            for part, domain in zip(key, self._domains, strict=True):
                if part not in domain:
                    raise SpecificationError(
                        f"a step writes {self._variable.name}{list(key)}, outside of the instance's "
                        f"domains; widen the domain or guard the index"
                    )
        self.entries[key] = value


class Function(Generic[K, V]):
    """A constant map: given by the instance, changed by nothing. Keys that it does not list have the value `other`."""

    def __init__(self, entries: Mapping[Any, Any], other: Any = 0) -> None:
        self._entries = {tuple(int(part) for part in flat_key(key)): value for key, value in entries.items()}
        self._other = other

    def values(self) -> list[Any]:
        """Everything that it holds somewhere."""
        return [*self._entries.values(), self._other]

    def __getitem__(self, key: K) -> V:
        index = flat_key(key)
        if any(terms.is_term(part) for part in index):
            result: Value = self._other
            for known, value in reversed(self._entries.items()):
                here = terms.conjunction(part == at for part, at in zip(index, known, strict=True))
                result = terms.ite(here, value, result)
            return result  # type: ignore[no-any-return]
        return self._entries.get(tuple(int(part) for part in index), self._other)  # type: ignore[no-any-return]
