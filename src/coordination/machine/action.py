"""Actions: the steps that a machine can take, as functions over its state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar, get_type_hints

from coordination.machine.language import Reading, Sort, all_of, current, ite, reading
from coordination.machine.state import Map, SpecificationError, State, flat_sorts
from coordination.machine.terms import is_term

S = TypeVar("S", bound=State)
Arguments = tuple[int, ...]  # one value a flat parameter, in order; a NamedTuple parameter counts as its fields


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Sort

    @property
    def sorts(self) -> tuple[Sort, ...]:
        return flat_sorts(self.kind)


@dataclass(frozen=True)
class Action:
    """A named step. `run(state, constants, *arguments)` states its guards, then changes `state` in place."""

    name: str
    run: Callable[..., None]
    parameters: tuple[Parameter, ...]

    def sorts(self) -> tuple[Sort, ...]:
        return tuple(sort for parameter in self.parameters for sort in parameter.sorts)

    def bind(self, arguments: Arguments) -> list[Any]:
        """`arguments` as `run` takes them: fields put back into their NamedTuples."""
        bound: list[Any] = []
        rest = iter(arguments)
        for parameter in self.parameters:
            values = [_as_fact(next(rest)) if sort is bool else next(rest) for sort in parameter.sorts]
            is_record = isinstance(parameter.kind, type) and issubclass(parameter.kind, tuple)
            bound.append(parameter.kind(*values) if is_record else values[0])
        return bound

    def labels(self) -> tuple[str, ...]:
        """A name for each flat argument: `epoch`, or `quote.epoch` for the field of a record."""
        names: list[str] = []
        for parameter in self.parameters:
            if isinstance(parameter.kind, type) and issubclass(parameter.kind, tuple):
                names.extend(f"{parameter.name}.{field}" for field in get_type_hints(parameter.kind))
            else:
                names.append(parameter.name)
        return tuple(names)


def _as_fact(value: Any) -> Any:
    return value if is_term(value) else bool(value)


def action(run: Callable[..., None]) -> Action:
    """Declare `run(s, w, ...)` an action; the annotations of what follows the state and the constants are its sorts."""
    hints = get_type_hints(run)
    names = list(inspect.signature(run).parameters)[2:]
    return Action(run.__name__, run, tuple(Parameter(name, hints[name]) for name in names))


class _Refused(Exception):
    """A check of an imagined call fails for certain; nothing after it is reached."""


class _Attempt:
    """The reading of a call that a property imagines: collects the callee's checks."""

    def __init__(self, outer: Reading) -> None:
        self.dropped, self.action = outer.dropped, outer.action
        self.implies, self.forall, self.exists, self.total = outer.implies, outer.forall, outer.exists, outer.total
        self.checks: list[bool] = []

    def when(self, condition: bool, rule: str) -> None:
        """Who could make the call, and when, does not matter to one that is only imagined."""

    def require(self, rule: str, condition: bool, error: str) -> None:
        if rule not in self.dropped:
            self.checks.append(condition)
            if condition is False:
                raise _Refused

    def bound(self, condition: bool) -> None:
        """A call that would write where nothing is would not be accepted."""
        self.checks.append(condition)

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """An imagined call announces nothing."""


def attempt(imagined: Action, s: S, w: Any, *arguments: Any) -> tuple[bool, S]:
    """Whether the callee would accept this call in `s`, and the state after it: `s` itself if it would not.

    Where the machine under study has replaced the action, it is the replacement that is imagined.
    """
    after = copy(s)
    collector = _Attempt(current())
    with reading(collector):
        try:
            current().action(imagined.name).run(after, w, *arguments)
        except (_Refused, SpecificationError):
            return False, s
    accepted = all_of(*collector.checks)
    for name, value in vars(after).items():
        before = getattr(s, name)
        if isinstance(value, Map):
            value.keep_where(accepted, before)
        else:
            setattr(after, name, ite(accepted, value, before))
    return accepted, after


def all_arguments(
    steps: Action, domain: Callable[[Sort], Sequence[int]], considered: Mapping[str, Callable[..., bool]]
) -> Iterator[Arguments]:
    """Every tuple of arguments of an action in an instance, narrowed to those that the instance considers."""
    keep = considered.get(steps.name)
    for arguments in product(*(domain(sort) for sort in steps.sorts())):
        if keep is None or keep(*steps.bind(arguments)):
            yield arguments
