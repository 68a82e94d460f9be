"""The second reading: rules run on terms over an instance's finitely many variables.

Every entry of every map becomes one `Field`. A step instance (an action with its arguments) is read once and becomes
guards and updates over fields; properties become one boolean term. Kernels, Z3 formulas and Promela start from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from coordination.machine import terms
from coordination.machine.action import Action, Arguments
from coordination.machine.language import Finite, reading
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, Map, SpecificationError, State, Variable, variables
from coordination.machine.terms import NotReadable, Value


@dataclass(frozen=True)
class Field:
    """One unknown of the state: a scalar variable, or a map's entry at `key`. `values` is what it may hold."""

    variable: str
    key: Key
    values: Sequence[int]

    def __str__(self) -> str:
        return self.variable + "".join(f"[{part}]" for part in self.key)

    def __hash__(self) -> int:
        return hash((self.variable, self.key))


@dataclass(frozen=True)
class Guard:
    rule: str
    holds: Value
    error: str


@dataclass(frozen=True)
class StepTerms:
    """One step instance. It exists where all of `when` hold; the first guard that fails rejects it; else `updates`.

    Where it is accepted and `in_bounds` fails it writes to an entry that no map has, which is a mistake of the rule.
    `emitted` are the values that its events carry.
    """

    action: str
    arguments: Arguments
    when: tuple[Value, ...]
    guards: tuple[Guard, ...]
    updates: Mapping[Field, Value]
    in_bounds: Value = True
    emitted: tuple[Value, ...] = ()

    def accepted(self) -> Value:
        return terms.conjunction([*self.when, *(guard.holds for guard in self.guards)])

    def stays(self) -> Value:
        """Where the step, if it is accepted, leads to a state of the instance."""
        return terms.conjunction([self.in_bounds, *(_holds_one_of(field, new) for field, new in self.updates.items())])


def _holds_one_of(field: Field, new: Value) -> Value:
    """Whether `new` is a value that `field` can hold."""
    values = field.values
    if not terms.is_term(new):
        return new in values
    if len(values) == 1:
        return terms.eq(new, values[0])
    if new.boolean:
        return True
    if values[-1] - values[0] == len(values) - 1:
        return terms.conjunction((terms.le(values[0], new), terms.le(new, values[-1])))
    return terms.disjunction(terms.eq(new, value) for value in values)


class _Abandoned(Exception):
    """What follows cannot happen: a fact folded to False."""


class _Recorder(Finite):
    """The reading that writes down guards. A `when` that is False everywhere abandons the step instance."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        super().__init__(instance.domain)
        self.dropped, self.action = machine.dropped, machine.action
        self.conditions: list[Value] = []
        self.guards: list[Guard] = []
        self.bounds: list[Value] = []
        self.emitted: list[Value] = []
        self.checked: set[tuple[str, str]] = set()  # also where the check cannot fail
        self.possible = True

    def when(self, condition: Value, rule: str) -> None:
        if rule and rule in self.dropped:
            return
        if condition is False:
            self.possible = False
            raise _Abandoned
        if condition is not True:
            self.conditions.append(condition)

    def require(self, rule: str, condition: Value, error: str) -> None:
        if rule in self.dropped:
            return
        self.checked.add((rule, error))
        if condition is True:
            return
        self.guards.append(Guard(rule, condition, error))
        if condition is False:
            raise _Abandoned

    def bound(self, condition: Value) -> None:
        self.bounds.append(condition)

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """Events change nothing; the oracle reports them. What they carry is noted, for who asks what it depends on."""
        self.emitted.extend(fields.values())


class _Watched:
    """A state that notes which of its variables are asked for."""

    def __init__(self, live: State) -> None:
        self._live, self._names = live, set[str]()

    def __getattr__(self, name: str) -> Any:
        self._names.add(name)
        return getattr(self._live, name)

    def __copy__(self) -> State:
        self._names.update(vars(self._live))
        return copy(self._live)


class Unrolled:
    """A machine in an instance, read as terms; `fixed` scalars of its methods are values to specialise the terms to."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        self.machine, self.instance = machine, instance
        self.initial = Oracle(machine, instance).initial()
        self.variables = variables(machine.state)
        self._domains = {v.name: [instance.domain(sort) for sort in v.index] for v in self.variables}
        self.fields: dict[tuple[str, Key], Value] = {
            (v.name, key): terms.field(Field(v.name, key, instance.domain(v.sort)), v.boolean)
            for v in self.variables
            for key in product(*self._domains[v.name])
        }
        self.checks: set[tuple[str, str, str]] = set()  # (action, rule, error) of every guard that was read so far
        self._considered = [(action, instance.arguments(action)) for action in machine.actions]

    def narrow(self, values: Mapping[tuple[str, Key], Sequence[int]]) -> None:
        """Tell what the fields can really hold. One that holds a single value becomes that constant."""
        for place, possible in values.items():
            old = self.fields[place]
            if not terms.is_term(old):
                continue
            if len(possible) == 1:
                self.fields[place] = bool(possible[0]) if old.boolean else possible[0]
            else:
                self.fields[place] = terms.field(Field(*place, tuple(possible)), old.boolean)

    def steps(self, fixed: Mapping[str, int]) -> list[StepTerms]:
        """Every step instance that some state with the `fixed` scalars may allow, in order."""
        found = (
            self._step(action, arguments, fixed) for action, considered in self._considered for arguments in considered
        )
        return [step for step in found if step is not None]

    def _step(self, action: Action, arguments: Arguments, fixed: Mapping[str, int]) -> StepTerms | None:
        recorder = _Recorder(self.machine, self.instance)
        live = self._open(fixed)
        updates: dict[Field, Value] = {}
        with reading(recorder):
            try:
                action.run(live, self.instance.constants, *action.bind(arguments))
                updates = self._written(live, fixed)
            except _Abandoned:
                pass
            except ZeroDivisionError as error:
                raise SpecificationError(f"{action.name} divides by zero") from error
        self.checks |= {(action.name, *check) for check in recorder.checked}
        if not recorder.possible:
            return None
        return StepTerms(
            action.name,
            arguments,
            tuple(recorder.conditions),
            tuple(recorder.guards),
            updates,
            terms.conjunction(recorder.bounds),
            tuple(recorder.emitted),
        )

    def holds(self, prop: Property, fixed: Mapping[str, int], step: StepTerms | None = None) -> Value:
        """`prop` as one boolean term; a step property needs the step, and is a term over the state before it."""
        states = [self._open(fixed)]
        if prop.kind is Kind.STEP:
            assert step is not None, f"{prop.name} speaks of a step"
            states.append(self._open(fixed, step.updates))
        with reading(_Recorder(self.machine, self.instance)):
            fact = prop.holds(*states, self.instance.constants)
        terms.check_fact(fact)
        return fact

    def sought(self, prop: Property, fixed: Mapping[str, int], step: StepTerms | None = None) -> Value:
        """Where `prop` is broken, or is a situation that is reached."""
        fact = self.holds(prop, fixed, step)
        return fact if prop.kind is Kind.SITUATION else terms.negation(fact)

    def moves(self, step: StepTerms, fixed: Mapping[str, int]) -> Value:
        """Where `step` is accepted and changes something."""
        changes = (
            terms.negation(terms.eq(self._before(field, fixed), update)) for field, update in step.updates.items()
        )
        return terms.conjunction((step.accepted(), terms.disjunction(changes)))

    def _before(self, field: Field, fixed: Mapping[str, int]) -> Value:
        here = field.variable, field.key
        return fixed.get(field.variable, self.fields[here]) if not field.key else self.fields[here]

    def reads_after(self, prop: Property, fixed: Mapping[str, int]) -> tuple[frozenset[str], bool]:
        """The variables that a step property reads of the state after; and whether it holds where nothing changes.

        Where it does, a step that changes none of these variables keeps it.
        """
        watched = _Watched(self._open(fixed))
        with reading(_Recorder(self.machine, self.instance)):
            kept = prop.holds(self._open(fixed), watched, self.instance.constants)
        return frozenset(watched._names), kept is True

    def _open(self, fixed: Mapping[str, int], updates: Mapping[Field, Value] | None = None) -> State:
        live = self.machine.state.__new__(self.machine.state)
        new = {(f.variable, f.key): value for f, value in (updates or {}).items()}
        for variable in self.variables:
            setattr(live, variable.name, self._live_value(variable, fixed, new))
        return live

    def _live_value(self, variable: Variable, fixed: Mapping[str, int], new: Mapping[tuple[str, Key], Value]) -> Any:
        if not variable.index:
            here = (variable.name, ())
            return new[here] if here in new else fixed.get(variable.name, self.fields[here])
        entries = {key: value for (name, key), value in new.items() if name == variable.name}
        return Map(variable, self._domains[variable.name], partial(self.entry, variable), entries)

    def entry(self, variable: Variable, key: Key) -> Value:
        """What a map holds before the step; the default of its sort where it has no such entry."""
        return self.fields.get((variable.name, key), variable.default)

    def _written(self, live: State, fixed: Mapping[str, int]) -> dict[Field, Value]:
        updates: dict[Field, Value] = {}
        for variable in self.variables:
            value = getattr(live, variable.name)
            written: Iterable[tuple[Key, Value]] = value.entries.items() if variable.index else [((), value)]
            for key, entry in written:
                leaf = self.fields[variable.name, key]
                before = fixed.get(variable.name, leaf) if not key else leaf
                if entry is not before and (terms.is_term(entry) or terms.is_term(before) or entry != before):
                    if terms.is_term(entry) and entry.boolean is not variable.boolean:
                        raise NotReadable(
                            f"a rule stores a {'fact' if entry.boolean else 'number'} in {variable.name}; "
                            f"write {'ite(fact, 1, 0)' if entry.boolean else 'a comparison'} instead"
                        )
                    field = leaf.args[0] if terms.is_term(leaf) else Field(variable.name, key, (leaf,))
                    updates[field] = entry
        return updates
