"""Traces in the Informal Trace Format of Apalache and Quint (ADR 015), which other tools read, and back.

Every state lists all variables of the machine, and what led to it: the action, its arguments, how it was answered. What
is read is not trusted: anything that is not such a trace raises SpecificationError, which says what and where. Whether
the machine really makes these steps is for the oracle to say (`Oracle.replay`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from coordination.machine.action import Action, Arguments
from coordination.machine.language import Sort
from coordination.machine.machine import Instance, Machine
from coordination.machine.state import Key, SpecificationError, Variable, enumerated, sort_name, variables
from coordination.machine.trace import Event, Step, Trace, Valuation

T = TypeVar("T")
Json = dict[str, Any]
MachineLookup = Callable[[str, str], Machine]  # by name and design; raises SpecificationError for an unknown one

FORMAT_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
DESCRIPTION = (
    "A run from the initial state. Each state holds the variables of the machine, and of the step that led to it the "
    "action, its arguments, the error and the rule that rejected it (empty if it was accepted), and the events. A map "
    "to booleans is the set of the keys at which it is true. Any other map lists only the entries that differ from its "
    "default, which is 0, or the name of 0."
)
_NOTHING: Json = {"action": "", "arguments": {}, "error": "", "rule": "", "events": []}  # what led to an initial state
_NAMED = ("machine", "design", "instance", "property")
_INTEGER = re.compile(r"-?[0-9]{1,1000}")  # more digits than any amount has, fewer than Python refuses to read


def to_itf(trace: Trace, machine: Machine) -> Json:
    """`trace` as a JSON object. Raises SpecificationError for a trace that no reader could make sense of."""
    codec = _Codec(machine, machine.instance(trace.instance))
    steps: list[Step | None] = [None, *trace.steps]
    states = zip(trace.states(), steps, strict=True)
    return {
        "#meta": {
            "format": "ITF",
            "format-description": FORMAT_DESCRIPTION,
            "description": DESCRIPTION,
            **{name: getattr(trace, name) for name in _NAMED},
            "varTypes": codec.types(),
        },
        "params": [],
        "vars": codec.names(),
        "states": [codec.state(index, state, step) for index, (state, step) in enumerate(states)],
    }


def from_itf(data: object, machine_lookup: MachineLookup) -> Trace:
    """The trace that `to_itf` wrote. Raises SpecificationError for everything else."""
    top = _record(data, "the trace")
    meta = _record(_at(top, "#meta", "the trace"), "#meta")
    if _at(meta, "format", "#meta") != "ITF":
        raise _wrong("#meta.format", "'ITF'", meta["format"])
    named = {name: _text(_at(meta, name, "#meta"), f"#meta.{name}") for name in _NAMED}
    machine = machine_lookup(named["machine"], named["design"])
    codec = _Codec(machine, machine.instance(named["instance"]))
    if _at(top, "vars", "the trace") != codec.names():
        raise SpecificationError(f"vars must be the variables of {machine.name}: {', '.join(codec.names())}")
    if top.get("loop") is not None:
        raise _wrong("loop", "absent, since a trace is a finite run", top["loop"])
    states = _list(_at(top, "states", "the trace"), "states")
    if not states:
        raise SpecificationError("states is empty; a trace has at least an initial state")
    initial = codec.read_initial(states[0], "states[0]")
    steps = tuple(codec.read_step(state, index) for index, state in enumerate(states[1:], start=1))
    return Trace(**named, initial=initial, steps=steps)


class _Codec:
    """One machine in one instance, as ITF has it."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        self._machine = machine
        self._variables = variables(machine.state)
        self._actions = {action.name: action for action in machine.actions}
        self._sorts = _Sorts(instance)
        taken = {variable.name for variable in self._variables}
        self._extra = {name: _free(name, taken) for name in _NOTHING}

    def names(self) -> list[str]:
        return [variable.name for variable in self._variables] + list(self._extra.values())

    def types(self) -> dict[str, str]:
        """The type of each variable, in Apalache's notation."""
        extra = {"action": "Str", "arguments": self._arguments_type(), "error": "Str", "rule": "Str"}
        extra["events"] = "Seq({ name: Str, fields: Str -> Int })"
        of_state = {variable.name: self._variable_type(variable) for variable in self._variables}
        return of_state | {self._extra[name]: kind for name, kind in extra.items()}

    def state(self, index: int, state: Valuation, step: Step | None) -> Json:
        """One state, and the step that led to it; the initial one has none."""
        values = {variable.name: self._value(variable, state[variable.name]) for variable in self._variables}
        led = _NOTHING if step is None else self._led(step)
        return {"#meta": {"index": index}, **values, **{self._extra[name]: value for name, value in led.items()}}

    def read_initial(self, data: object, where: str) -> Valuation:
        state, led = self._read_state(data, 0)
        if led != _NOTHING:
            raise SpecificationError(f"{where} is the initial state, and must say of no action that it led there")
        return state

    def read_step(self, data: object, index: int) -> Step:
        state, led = self._read_state(data, index)
        where = f"states[{index}]"
        action = self._action(led["action"], f"{where}.{self._extra['action']}")
        arguments = self._read_arguments(action, led["arguments"], f"{where}.{self._extra['arguments']}")
        error = _text(led["error"], f"{where}.{self._extra['error']}")
        rule = _text(led["rule"], f"{where}.{self._extra['rule']}")
        if rule and not error:
            raise SpecificationError(f"{where} names the rule {_shown(rule)} that rejected it, but no error")
        events = _read_events(led["events"], f"{where}.{self._extra['events']}")
        return Step(action.name, arguments, error or None, rule if error else None, events, state)

    def _read_state(self, data: object, index: int) -> tuple[Valuation, Json]:
        """The state, and what is written of the step that led to it."""
        where = f"states[{index}]"
        record = _record(data, where)
        _only(record, {"#meta", *self.names()}, where)
        meta = _record(record.get("#meta", {}), f"{where}.#meta")
        if meta.get("index", index) != index:
            raise _wrong(f"{where}.#meta.index", str(index), meta["index"])
        values = {v.name: self._read_value(v, _at(record, v.name, where), f"{where}.{v.name}") for v in self._variables}
        return Valuation(values), {name: _at(record, key, where) for name, key in self._extra.items()}

    def _action(self, name: object, where: str) -> Action:
        if not isinstance(name, str) or name not in self._actions:
            raise _wrong(where, f"one of {', '.join(sorted(self._actions))}", name)
        return self._actions[name]

    def _variable_type(self, variable: Variable) -> str:
        if not variable.index:
            return self._sorts.type(variable.sort)
        parts = [self._sorts.type(sort) for sort in variable.index]
        key = parts[0] if len(parts) == 1 else f"<<{', '.join(parts)}>>"
        return f"Set({key})" if variable.boolean else f"{key} -> {self._sorts.type(variable.sort)}"

    def _arguments_type(self) -> str:
        """A record with the arguments of all actions; one that actions disagree on has a type variable."""
        found: dict[str, set[str]] = {}
        for action in self._machine.actions:
            for name, kind in self._parameter_types(action).items():
                found.setdefault(name, set()).add(kind)
        letters = iter("abcdefghijklmnopqrstuvwxyz" * len(found))
        return _record_type({name: kinds.pop() if len(kinds) == 1 else next(letters) for name, kinds in found.items()})

    def _parameter_types(self, action: Action) -> dict[str, str]:
        kinds: dict[str, str] = {}
        for name, shape in _shape(action).items():
            fields = {part: self._sorts.type(sort) for part, sort in shape.items()} if isinstance(shape, dict) else {}
            kinds[name] = _record_type(fields) if fields else self._sorts.type(shape)
        return kinds

    def _value(self, variable: Variable, value: Any) -> Any:
        if not variable.index:
            return self._sorts.write(variable.sort, value)
        if variable.boolean:
            return {"#set": [self._key(variable, key) for key in value]}
        return {"#map": [[self._key(variable, key), self._sorts.write(variable.sort, v)] for key, v in value.items()]}

    def _key(self, variable: Variable, key: Key) -> Any:
        """A key of one part is that part: Apalache takes a tuple of one for a sequence."""
        parts = [self._sorts.write(sort, part) for sort, part in zip(variable.index, key, strict=True)]
        return parts[0] if len(parts) == 1 else {"#tup": parts}

    def _read_value(self, variable: Variable, data: object, where: str) -> Any:
        if not variable.index:
            return self._sorts.read(variable.sort, data, where)
        if variable.boolean:
            keys = _list(_tagged(data, "#set", where), where)
            return _distinct(((self._read_key(variable, key, where), 1) for key in keys), where)
        entries = _list(_tagged(data, "#map", where), where)
        return _distinct((self._read_entry(variable, entry, where) for entry in entries), where)

    def _read_entry(self, variable: Variable, data: object, where: str) -> tuple[Key, int]:
        key, value = _row(data, 2, f"an entry of {where}")
        return self._read_key(variable, key, where), self._sorts.read(variable.sort, value, f"a value of {where}")

    def _read_key(self, variable: Variable, data: object, where: str) -> Key:
        where, length = f"a key of {where}", len(variable.index)
        parts = [data] if length == 1 else _row(_tagged(data, "#tup", where), length, where)
        return tuple(self._sorts.read(sort, part, where) for sort, part in zip(variable.index, parts, strict=True))

    def _led(self, step: Step) -> Json:
        """What led to a state."""
        if (step.error is None) != (step.rule is None) or step.error == "":
            raise SpecificationError(f"a rejection of {step.action} names no error or no rule")
        return {
            "action": step.action,
            "arguments": self._arguments(self._action(step.action, "the action of a step"), step.arguments),
            "error": step.error or "",
            "rule": step.rule or "",
            "events": [_event(event) for event in step.events],
        }

    def _arguments(self, action: Action, arguments: Arguments) -> Json:
        _row(list(arguments), len(action.sorts()), f"the arguments of {action.name}")
        written: Json = {}
        for label, sort, value in zip(action.labels(), action.sorts(), arguments, strict=True):
            name, _, part = label.partition(".")
            if part:
                written.setdefault(name, {})[part] = self._sorts.write(sort, value)
            else:
                written[name] = self._sorts.write(sort, value)
        return written

    def _read_arguments(self, action: Action, data: object, where: str) -> Arguments:
        shapes = _shape(action)
        given = _record(data, where)
        _only(given, shapes, where)
        arguments: list[int] = []
        for name, shape in shapes.items():
            value, place = _at(given, name, where), f"{where}.{name}"
            if isinstance(shape, dict):
                record = _record(value, place)
                _only(record, shape, place)
                arguments += [self._sorts.read(s, _at(record, f, place), f"{place}.{f}") for f, s in shape.items()]
            else:
                arguments.append(self._sorts.read(shape, value, place))
        return tuple(arguments)


class _Sorts:
    """The values of an instance's sorts as ITF has them: booleans, names where a sort has names, else integers."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._texts: dict[Sort, Mapping[int, str]] = {}

    def type(self, sort: Sort) -> str:
        return "Bool" if sort is bool else "Str" if self._names(sort) else "Int"

    def write(self, sort: Sort, value: int) -> Any:
        if value not in self._instance.domain(sort):
            raise SpecificationError(f"instance {self._instance.name!r} gives {sort_name(sort)} no value {value}")
        if sort is bool:
            return bool(value)
        return self._names(sort)[value] if self._names(sort) else {"#bigint": str(value)}

    def read(self, sort: Sort, data: object, where: str) -> int:
        """A value of `sort`; the instance must have it, so that whatever shows the trace finds it there."""
        if sort is bool:
            if not isinstance(data, bool):
                raise _wrong(where, "true or false", data)
            return int(data)
        if self._names(sort):
            values = {text: value for value, text in self._names(sort).items()}
            if not isinstance(data, str) or data not in values:
                raise _wrong(where, f"one of {', '.join(values)}", data)
            return values[data]
        value = _integer(data, where)
        if value not in self._instance.domain(sort):
            raise _wrong(where, f"a value that instance {self._instance.name!r} gives {sort_name(sort)}", data)
        return value

    def _names(self, sort: Sort) -> Mapping[int, str]:
        """What the values of a sort are called; nothing if it has no names, or if they do not tell values apart."""
        if sort not in self._texts:
            self._texts[sort] = self._find_names(sort)
        return self._texts[sort]

    def _find_names(self, sort: Sort) -> Mapping[int, str]:
        is_enumeration = sort not in self._instance.domains and enumerated(sort) is not None
        if sort not in self._instance.names and not is_enumeration:
            return {}
        texts = {int(value): self._instance.show(sort, value) for value in self._instance.domain(sort)}
        return texts if len(set(texts.values())) == len(texts) else {}


def _shape(action: Action) -> dict[str, Any]:
    """The parameters of an action: the sort of each, or the sorts of its fields if it is a record."""
    shapes: dict[str, Any] = {}
    for label, sort in zip(action.labels(), action.sorts(), strict=True):
        name, _, part = label.partition(".")
        if part:
            shapes.setdefault(name, {})[part] = sort
        else:
            shapes[name] = sort
    return shapes


def _record_type(fields: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{name}: {kind}' for name, kind in fields.items())} }}" if fields else "{}"


def _free(name: str, taken: Iterable[str]) -> str:
    """`name`, marked until it is no variable of the machine."""
    while name in taken:
        name += "_"
    return name


def _event(event: Event) -> Json:
    return {"name": event.name, "fields": {"#map": [[name, {"#bigint": str(value)}] for name, value in event.fields]}}


def _read_events(data: object, where: str) -> tuple[Event, ...]:
    return tuple(_read_event(event, f"{where}[{number}]") for number, event in enumerate(_list(data, where)))


def _read_event(data: object, where: str) -> Event:
    record = _record(data, where)
    _only(record, ("name", "fields"), where)
    fields: list[tuple[str, int]] = []
    for entry in _list(_tagged(_at(record, "fields", where), "#map", f"{where}.fields"), f"{where}.fields"):
        name, value = _row(entry, 2, f"an entry of {where}.fields")
        fields.append((_text(name, f"a key of {where}.fields"), _integer(value, f"a value of {where}.fields")))
    _distinct(fields, f"{where}.fields")
    return Event(_text(_at(record, "name", where), f"{where}.name"), tuple(fields))


def _wrong(where: str, right: str, data: object) -> SpecificationError:
    return SpecificationError(f"{where} is {_shown(data)}, and must be {right}")


def _shown(data: object) -> str:
    """What stands in a file, in one short line whatever it is."""
    if data is None or isinstance(data, bool):
        return json.dumps(data)
    if isinstance(data, str):
        return json.dumps(data if len(data) <= 60 else f"{data[:60]}…")
    kinds = {dict: "an object", list: "a list", int: "a plain number", float: "a plain number"}
    return kinds.get(type(data), "no JSON")


def _record(data: object, where: str) -> Json:
    if not isinstance(data, dict):
        raise _wrong(where, "an object", data)
    return data


def _list(data: object, where: str) -> list[Any]:
    if not isinstance(data, list):
        raise _wrong(where, "a list", data)
    return data


def _text(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise _wrong(where, "a string", data)
    return data


def _integer(data: object, where: str) -> int:
    digits = _tagged(data, "#bigint", where)
    if not isinstance(digits, str) or not _INTEGER.fullmatch(digits):
        raise _wrong(f"the #bigint of {where}", 'digits in a string, such as "12"', digits)
    return int(digits)


def _tagged(data: object, tag: str, where: str) -> Any:
    """What stands under the only key of an object."""
    if not isinstance(data, dict) or set(data) != {tag}:
        raise _wrong(where, f'an object {{"{tag}": ...}}', data)
    return data[tag]


def _row(data: object, length: int, where: str) -> Sequence[Any]:
    row = _list(data, where)
    if len(row) != length:
        raise SpecificationError(f"{where} has {len(row)} parts, and must have {length}")
    return row


def _at(record: Json, key: str, where: str) -> Any:
    if key not in record:
        raise SpecificationError(f"{where} has no {key!r}")
    return record[key]


def _only(record: Json, keys: Iterable[str], where: str) -> None:
    unknown = [key for key in record if key not in set(keys)]
    if unknown:
        raise SpecificationError(f"{where} has {_shown(unknown[0])}, which is none of: {', '.join(sorted(keys))}")


def _distinct(pairs: Iterable[tuple[T, int]], where: str) -> dict[T, int]:
    found: dict[T, int] = {}
    for key, value in pairs:
        if key in found:
            raise SpecificationError(f"{where} has the same key twice")
        found[key] = value
    return found
