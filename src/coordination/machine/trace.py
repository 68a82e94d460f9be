"""Traces: a run of a machine, one type for every engine that finds one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coordination.machine.action import Arguments
from coordination.machine.state import Key, State, variables

Entries = Mapping[Key, int]


class Valuation:
    """A state on plain integers: a number for each scalar, the entries that differ from the default for each map."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, int | Entries]) -> None:
        self._values: dict[str, Any] = {
            name: {key: entry for key, entry in sorted(value.items()) if entry} if isinstance(value, Mapping) else value
            for name, value in values.items()
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def entry(self, name: str, key: Key) -> int:
        """The value of one variable: of a scalar (key `()`), or of a map at `key`."""
        value = self._values[name]
        return value.get(key, 0) if isinstance(value, dict) else value  # type: ignore[no-any-return]

    def items(self) -> Iterator[tuple[str, Any]]:
        return iter(self._values.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Valuation) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(tuple(v.items()) if isinstance(v, dict) else v for v in self._values.values()))

    def __repr__(self) -> str:
        return f"Valuation({self._values})"


@dataclass(frozen=True)
class Event:
    name: str
    fields: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Step:
    """One step: who did what (the arguments say who), how it was answered, and the state that it led to."""

    action: str
    arguments: Arguments
    error: str | None
    rule: str | None  # the id of the rule that rejected it
    events: tuple[Event, ...]
    state: Valuation


@dataclass(frozen=True)
class Trace:
    """A run from an initial state. `property` is what its last state or step breaks, or the situation it reaches."""

    machine: str
    design: str
    instance: str
    property: str
    initial: Valuation
    steps: tuple[Step, ...]

    def states(self) -> list[Valuation]:
        return [self.initial, *(step.state for step in self.steps)]


@dataclass(frozen=True)
class Change:
    variable: str
    key: Key
    before: int
    after: int


def changes(state: type[State], before: Valuation, after: Valuation) -> list[Change]:
    """What a step changed, in the order in which the state declares its variables."""
    found = []
    for variable in variables(state):
        old, new = before[variable.name], after[variable.name]
        keys = sorted(old.keys() | new.keys()) if variable.index else [()]
        for key in keys:
            was, is_now = before.entry(variable.name, key), after.entry(variable.name, key)
            if was != is_now:
                found.append(Change(variable.name, key, was, is_now))
    return found
