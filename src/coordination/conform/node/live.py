"""The specification run in place: on a state that is changed, with keys and values of any size.

The oracle makes a new state at each step, of maps whose keys an instance bounds. A long run has neither the time for
the one nor the bounds for the other. Guards stand before effects, which the linter sees to, so that a step that is
refused has changed nothing.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Generic, TypeVar

from coordination.machine import language
from coordination.machine.action import Action
from coordination.machine.language import Finite, Sort, reading
from coordination.machine.machine import Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, Map, State, Variable, enumerated, variables
from coordination_spec.words import NOBODY, Account

S = TypeVar("S", bound=State)
T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """Why the specification does not take a step. `error` is the callee's; there is none where the step is no step."""

    action: str
    rule: str
    error: str | None
    file: str
    line: int

    def __str__(self) -> str:
        guard = linecache.getline(self.file, self.line).strip()
        return f"{self.action} {f'is refused with {self.error}' if self.error else 'is no step here'}, by `{guard}`"


class _Failed(Exception):
    def __init__(self, rule: str, error: str | None) -> None:
        self.rule, self.error = rule, error


class _Run(Finite):
    """The reading of one step or property: stops at the first guard that fails."""

    def __init__(self, machine: Machine, domain: Callable[[Sort], Sequence[int]]) -> None:
        super().__init__(domain)
        self.dropped, self.action = machine.dropped, machine.action

    def when(self, condition: bool, rule: str) -> None:
        if not condition and rule not in self.dropped:
            raise _Failed(rule, None)

    def require(self, rule: str, condition: bool, error: str) -> None:
        if not condition and rule not in self.dropped:
            raise _Failed(rule, error)

    def bound(self, condition: bool) -> None:
        """Nothing is out of bounds."""

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """Nobody listens."""


class Live(Generic[S]):
    """A machine whose states are changed in place. What nothing in a state names, no rule asks for."""

    def __init__(self, machine: Machine, constants: Any, unknown: Mapping[str, int] | None = None) -> None:
        """`unknown` gives what a map holds where nothing was written, if that is not the default of its sort."""
        self.machine, self.constants, self._unknown = machine, constants, unknown or {}
        self._variables = variables(machine.state)
        self._reads: dict[str, tuple[str, ...]] = {}

    def empty(self) -> S:
        """A state in which nothing was written."""
        state: S = self.machine.state.__new__(self.machine.state)  # type: ignore[assignment]
        for variable in self._variables:
            missing = partial(_same, self._unknown.get(variable.name, variable.default))
            setattr(state, variable.name, Map(variable, None, missing, {}) if variable.index else variable.default)
        return state

    def step(self, state: S, action: Action, *arguments: Any) -> Refusal | None:
        """Take a step, or say why there is none; arguments are as the action's function takes them."""
        with reading(_Run(self.machine, partial(values, state, self._variables))):
            try:
                action.run(state, self.constants, *arguments)
            except _Failed as failed:
                return Refusal(action.name, failed.rule, failed.error, *_place(failed))
        return None

    def would(self, state: S, action: Action, *arguments: Any) -> Refusal | None:
        """What `step` would say, on a state that stays as it is."""
        return self.step(copy(state), action, *arguments)

    def ask(self, state: S, question: Callable[[S], T]) -> T:
        """What a rule's part says of a state."""
        with reading(_Run(self.machine, partial(values, state, self._variables))):
            return question(state)

    def holds(self, prop: Property, *states: S) -> bool:
        """Whether a property is true of a state, or of the state before a step and the one after."""
        read = [variable for variable in self._variables if variable.name in self.reads(prop)]

        @cache
        def domain(sort: Sort) -> Sequence[int]:
            return sorted({value for state in states for value in values(state, read, sort)})

        with reading(_Run(self.machine, domain)):
            return bool(prop.holds(*states, self.constants))

    def reads(self, prop: Property) -> tuple[str, ...]:
        """The variables that decide a property: no other can change what it says."""
        if prop.name not in self._reads:
            seen: set[str] = set()
            watched = _Watched(self.empty(), seen)
            states = [watched] * (2 if prop.kind is Kind.STEP else 1)
            with reading(_Run(self.machine, lambda sort: enumerated(sort) or (1,))):
                prop.holds(*states, self.constants)
            self._reads[prop.name] = tuple(sorted(seen))
        return self._reads[prop.name]


class _Watched:
    """A state that writes down which of its variables are read."""

    def __init__(self, state: State, seen: set[str]) -> None:
        vars(self).update({"_state": state, "_seen": seen})

    def __getattr__(self, name: str) -> Any:
        self._seen.add(name)
        return getattr(self._state, name)

    def __copy__(self) -> State:
        self._seen.update(vars(self._state))
        return copy(self._state)  # type: ignore[no-any-return]


def values(state: State, among: Iterable[Variable], sort: Sort) -> Sequence[int]:
    """What a state names of a sort, ascending: as part of a key, or as what a variable holds."""
    if (all_of_it := enumerated(sort)) is not None:
        return all_of_it
    wider = getattr(sort, "__supertype__", sort)  # an account is an address
    found: set[int] = set()
    for variable in among:
        value = getattr(state, variable.name)
        if not variable.index:
            if variable.sort in (sort, wider):
                found.add(value)
            continue
        for position, part in enumerate(variable.index):
            if part in (sort, wider):
                found.update(key[position] for key in value.entries)
        if variable.sort in (sort, wider):
            found.update(value.entries.values(), (variable.default,))  # which it holds wherever nothing was written
    if sort is Account:
        found.discard(NOBODY)
    return sorted(found)


def at(place: int, is_of_use: Callable[[int], bool]) -> Callable[[Key], bool]:
    """Whether the part of a key at `place` is of use."""
    return lambda key: is_of_use(key[place])


def keep(entries: Map[Any, Any], is_of_use: Callable[[Key], bool]) -> None:
    """Drop all other entries of a map."""
    entries.entries = {key: value for key, value in entries.entries.items() if is_of_use(key)}


def _same(value: int, _: Key) -> int:
    return value


def _place(failed: _Failed) -> tuple[str, int]:
    """The file and the line of the guard that failed."""
    inner = (__name__, language.__name__)
    found = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(failed.__traceback__)
        if frame.f_globals["__name__"] not in inner
    ]
    return found[-1]
