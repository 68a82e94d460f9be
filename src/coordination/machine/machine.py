"""A machine: its state, its actions and what is claimed of it; and an instance: one finite size of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coordination.machine.action import Action, Arguments, all_arguments
from coordination.machine.language import Sort
from coordination.machine.property import Expected, Property
from coordination.machine.state import SpecificationError, State, enumerated, sort_name


@dataclass(frozen=True)
class Pin:
    """What exploring an instance must find; anything else is drift."""

    states: int
    transitions: int
    depth: int


@dataclass(frozen=True)
class Instance:
    """One finite size of a machine.

    `domains` gives the values of each sort that is not finite by itself, ascending; `initial` what is not zero at the
    start; `considered` narrows an action's arguments; `interchangeable` are the values of one sort that may be
    renamed into each other; `names` show values to a person.
    """

    name: str
    about: str
    constants: Any
    domains: Mapping[Sort, Sequence[int]]
    initial: Mapping[str, Any] = field(default_factory=dict)
    considered: Mapping[str, Callable[..., bool]] = field(default_factory=dict)
    interchangeable: tuple[Sort, tuple[int, ...]] | None = None
    names: Mapping[Sort, Mapping[int, str]] = field(default_factory=dict)

    def domain(self, sort: Sort) -> Sequence[int]:
        values = self.domains.get(sort)
        if values is None:
            values = enumerated(sort)
        if values is None:
            raise SpecificationError(f"instance {self.name!r} gives no domain for the sort {sort_name(sort)}")
        return values

    def show(self, sort: Sort, value: int) -> str:
        """`value` as a person reads it."""
        if sort is bool:
            return "true" if value else "false"
        if sort in self.names and value in self.names[sort]:
            return self.names[sort][value]
        if sort not in self.domains and enumerated(sort) is not None:
            return str(sort(value).name)
        return f"{value:_}"

    def arguments(self, action: Action) -> list[Arguments]:
        return list(all_arguments(action, self.domain, self.considered))


@dataclass(frozen=True)
class Premise:
    """What a proof rests on and no rule says: a sentence. It matters to what reads one of the variables `about`."""

    sentence: str
    about: frozenset[str]


@dataclass(frozen=True)
class Unbounded:
    """All sizes of a machine at once: what a proof is about.

    `domains` gives the values that each sort has, as a range, however long; a sort that is finite by itself needs none.
    Of a `counted` sort there are any number of values, the first of its range. `constants` is the class of the
    machine's constants, a dataclass: fields that are not `given` are any values of their sorts, any functions, of which
    `assumptions` are true. At the start, variables that are not in `varied` are zero everywhere; the others are
    anything of which `initial` is true. `lemmas` strengthen what is proved together. `premises` are what a proof rests
    on that no rule says. `scratch` names the instance in which counterexamples and violations are looked for.
    """

    about: str
    domains: Mapping[Sort, range]
    constants: type
    given: Mapping[str, Any]
    assumptions: tuple[Callable[..., bool], ...]
    varied: tuple[str, ...]
    initial: Callable[..., bool]
    lemmas: tuple[Property, ...]
    scratch: str
    counted: tuple[Sort, ...] = ()
    premises: tuple[Premise, ...] = ()


@dataclass(frozen=True)
class Machine:
    """A specification.

    `clock` names a variable that never decreases; `money` names variables whose values add up to a constant sum;
    `dropped` rules are not checked by any step.
    """

    name: str
    state: type[State]
    actions: tuple[Action, ...]
    properties: tuple[Property, ...]
    instances: Mapping[str, Instance]
    design: str = ""
    clock: str = ""
    money: tuple[str, ...] = ()
    expected: Mapping[str, Expected] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    unbounded: Unbounded | None = None

    def instance(self, name: str) -> Instance:
        if name not in self.instances:
            raise SpecificationError(
                f"{self.name} has no instance {name!r}; it has: {', '.join(sorted(self.instances))}"
            )
        return self.instances[name]

    def action(self, name: str) -> Action:
        for action in self.actions:
            if action.name == name:
                return action
        raise SpecificationError(f"{self.name} has no action {name!r}")

    def without(self, rule: str) -> Machine:
        """This machine with one rule's guards dropped, to see what the rule is for."""
        design = f"{self.design} without {rule}".strip()
        return replace(self, design=design, dropped=self.dropped | {rule}, expected={}, pins={})

    def replacing(self, *actions: Action) -> Machine:
        """This machine with some of its actions replaced by others of the same name."""
        new = {self.action(action.name).name: action for action in actions}
        kept = tuple(new.get(action.name, action) for action in self.actions)
        design = f"{self.design} with another {', '.join(new)}".strip()
        return replace(self, design=design, actions=kept, expected={}, pins={})
