"""Properties: what must be true of every state, or of every step; and situations, which somebody wants to see."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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


def _declare(kind: Kind, source: str, rules: tuple[str, ...]) -> Callable[[Callable[..., bool]], Property]:
    def declare(holds: Callable[..., bool]) -> Property:
        statement = " ".join((inspect.getdoc(holds) or "").split())
        return Property(holds.__name__.upper(), kind, holds, statement, source, rules)

    return declare


def invariant(source: str = "", rules: tuple[str, ...] = ()) -> Callable[[Callable[..., bool]], Property]:
    """Declare `holds(s, w)` a property of every reachable state."""
    return _declare(Kind.INVARIANT, source, rules)


def step_property(source: str = "", rules: tuple[str, ...] = ()) -> Callable[[Callable[..., bool]], Property]:
    """Declare `holds(before, after, w)` a property of every step that changes something."""
    return _declare(Kind.STEP, source, rules)


def situation(holds: Callable[[Any, Any], bool]) -> Property:
    """Declare `holds(s, w)` something to look for, named like the function."""
    statement = " ".join((inspect.getdoc(holds) or "").split())
    return Property(holds.__name__.replace("_", " "), Kind.SITUATION, holds, statement)
