"""Properties: what must be true of every state, or of every step; and situations, which somebody wants to see."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, overload


class Kind(StrEnum):
    INVARIANT = "invariant"  # holds(s, w): of every reachable state
    STEP = "step"  # holds(before, after, w): of every step that changes something, as in TLA's [A]_v
    SITUATION = "situation"  # holds(s, w): of at least one reachable state


@dataclass(frozen=True)
class Property:
    """`statement` is its docstring; `rules` are the ids of the rules that it rests on."""

    name: str
    kind: Kind
    holds: Callable[..., bool]
    statement: str
    source: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """A violation that is known: why it happens, and by which routes, each of which must stay reachable."""

    why: str
    routes: tuple[Property, ...] = ()


Holds = Callable[..., bool]
Declare = Callable[[Holds], Property]


def _declare(kind: Kind, holds: Holds | None, source: str, rules: tuple[str, ...]) -> Any:
    def declare(holds: Holds) -> Property:
        name = holds.__name__.replace("_", " ") if kind is Kind.SITUATION else holds.__name__.upper()
        statement = " ".join((inspect.getdoc(holds) or "").split())
        return Property(name, kind, holds, statement, source, rules)

    return declare if holds is None else declare(holds)


@overload
def invariant(holds: Holds) -> Property: ...
@overload
def invariant(*, source: str = "", rules: tuple[str, ...] = ()) -> Declare: ...
def invariant(holds: Holds | None = None, *, source: str = "", rules: tuple[str, ...] = ()) -> Property | Declare:
    """Declare `holds(s, w)` a property of every reachable state, named like the function in capitals."""
    return _declare(Kind.INVARIANT, holds, source, rules)  # type: ignore[no-any-return]


@overload
def step_property(holds: Holds) -> Property: ...
@overload
def step_property(*, source: str = "", rules: tuple[str, ...] = ()) -> Declare: ...
def step_property(holds: Holds | None = None, *, source: str = "", rules: tuple[str, ...] = ()) -> Property | Declare:
    """Declare `holds(before, after, w)` a property of every step that changes something."""
    return _declare(Kind.STEP, holds, source, rules)  # type: ignore[no-any-return]


@overload
def situation(holds: Holds) -> Property: ...
@overload
def situation() -> Declare: ...
def situation(holds: Holds | None = None) -> Property | Declare:
    """Declare `holds(s, w)` something to look for, named like the function."""
    return _declare(Kind.SITUATION, holds, "", ())  # type: ignore[no-any-return]
