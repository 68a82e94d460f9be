"""The first reading: rules run on plain integers, one state and one step at a time.

It is the reference for the other readings, for the node and for the contract, so it is written to be obviously right,
not fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from coordination.machine.action import Action, Arguments
from coordination.machine.consistency import check_consistent
from coordination.machine.language import Finite, reading
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, Map, SpecificationError, State, Variable, flat_key, sort_name, variables
from coordination.machine.terms import check_fact
from coordination.machine.trace import Event, Step, Trace, Valuation


class _Impossible(Exception):
    """A `when` does not hold: the step does not exist in this state."""


class _Rejected(Exception):
    def __init__(self, rule: str, error: str) -> None:
        self.rule, self.error = rule, error


class _Run(Finite):
    """The reading of one call: stops at the first fact that fails."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        super().__init__(instance.domain)
        self.dropped, self.action = machine.dropped, machine.action
        self.events: list[Event] = []

    def when(self, condition: bool, rule: str) -> None:
        if not condition and rule not in self.dropped:
            raise _Impossible

    def require(self, rule: str, condition: bool, error: str) -> None:
        if not condition and rule not in self.dropped:
            raise _Rejected(rule, error)

    def bound(self, condition: bool) -> None:
        """On integers a map refuses by itself what lies outside of its domains."""

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        self.events.append(Event(event, tuple((name, int(value)) for name, value in fields.items())))


class Oracle:
    """A machine in an instance, run on integers."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        check_consistent(machine, instance)
        self.machine, self.instance = machine, instance
        self._variables = variables(machine.state)
        self._actions = {action.name: action for action in machine.actions}
        self._arguments = [(action, instance.arguments(action)) for action in machine.actions]

    def initial(self) -> Valuation:
        known = {variable.name for variable in self._variables}
        unknown = self.instance.initial.keys() - known
        if unknown:
            raise SpecificationError(
                f"instance {self.instance.name!r} starts with {sorted(unknown)[0]!r}, which is no variable of "
                f"{self.machine.name}; it has: {', '.join(sorted(known))}"
            )
        values: dict[str, Any] = {}
        for variable in self._variables:
            given = self.instance.initial.get(variable.name, {} if variable.index else 0)
            if variable.index:
                values[variable.name] = {tuple(map(int, flat_key(key))): int(entry) for key, entry in given.items()}
                self._check_keys(variable, values[variable.name])
            else:
                values[variable.name] = int(given)
        state = Valuation(values)
        self._check_domains(None, state, "the initial state")
        return state

    def _check_keys(self, variable: Variable, entries: Mapping[Key, int]) -> None:
        domains = [self.instance.domain(sort) for sort in variable.index]
        for key in entries:
            if len(key) != len(domains) or any(part not in domain for part, domain in zip(key, domains, strict=True)):
                raise SpecificationError(
                    f"instance {self.instance.name!r} starts with {variable.name}{list(key)}, which is no entry of it"
                )

    def run(self, state: Valuation, action: Action, arguments: Arguments) -> Step | None:
        """The step that `action` makes of `state`, or None where the world does not allow it."""
        run = _Run(self.machine, self.instance)
        live = self._open(state)
        with reading(run):
            try:
                action.run(live, self.instance.constants, *action.bind(arguments))
            except _Impossible:
                return None
            except ZeroDivisionError as error:
                raise SpecificationError(f"{action.name} divides by zero") from error
            except _Rejected as rejected:
                return Step(action.name, arguments, rejected.error, rejected.rule, (), state)
        after = self._close(live)
        self._check_domains(state, after, action.name)
        return Step(action.name, arguments, None, None, tuple(run.events), after)

    def steps(self, state: Valuation) -> Iterator[Step]:
        """Every step from `state`, accepted or rejected, in the order of actions and arguments."""
        for action, considered in self._arguments:
            for arguments in considered:
                step = self.run(state, action, arguments)
                if step is not None:
                    yield step

    def replay(self, trace: Trace) -> None:
        """Run `trace` again. Raises SpecificationError at the first step that the machine does not make."""
        state = self.initial()
        if state != trace.initial:
            raise SpecificationError(f"the trace does not start in the initial state of {self.instance.name!r}")
        for number, step in enumerate(trace.steps, start=1):
            action = self._actions.get(step.action)
            if action is None:
                raise SpecificationError(f"step {number} of the trace is {step.action!r}, no action of this machine")
            if self.run(state, action, step.arguments) != step:
                raise SpecificationError(f"step {number} of the trace, {step.action}, is not what the machine does")
            state = step.state

    def holds(self, prop: Property, *states: Valuation) -> bool:
        """Whether `prop` is true of a state, or (a step property) of the state before and the state after."""
        expected = 2 if prop.kind is Kind.STEP else 1
        assert len(states) == expected, f"{prop.name} speaks of {expected} states"
        with reading(_Run(self.machine, self.instance)):
            try:
                fact = prop.holds(*map(self._open, states), self.instance.constants)
            except ZeroDivisionError as error:
                raise SpecificationError(f"{prop.name} divides by zero") from error
        check_fact(fact)
        return bool(fact)

    def _open(self, valuation: Valuation) -> State:
        live = self.machine.state.__new__(self.machine.state)
        for variable in self._variables:
            setattr(live, variable.name, self._live_value(variable, valuation[variable.name]))
        return live

    def _live_value(self, variable: Variable, value: Any) -> Any:
        if not variable.index:
            return bool(value) if variable.boolean else value
        domains = [self.instance.domain(sort) for sort in variable.index]
        entries = {key: bool(entry) for key, entry in value.items()} if variable.boolean else dict(value)
        return Map(variable, domains, lambda key: variable.default, entries)

    def _close(self, live: State) -> Valuation:
        values: dict[str, Any] = {}
        for variable in self._variables:
            value = getattr(live, variable.name)
            if variable.index:
                values[variable.name] = {key: int(entry) for key, entry in value.entries.items()}
            else:
                values[variable.name] = int(value)
        return Valuation(values)

    def _check_domains(self, before: Valuation | None, after: Valuation, what: str) -> None:
        for variable in self._variables:
            value = after[variable.name]
            if before is not None and before[variable.name] == value:
                continue
            domain = self.instance.domain(variable.sort)
            for key, entry in value.items() if variable.index else [((), value)]:
                if entry not in domain:
                    place = variable.name + (str(list(key)) if key else "")
                    raise SpecificationError(
                        f"{what} sets {place} to {entry}, outside of the domain that instance "
                        f"{self.instance.name!r} gives {sort_name(variable.sort)}"
                    )
