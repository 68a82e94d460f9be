"""The third reading: rules compiled to NumPy code that works on a whole frontier of packed states at once.

A kernel is Python source, printed from the terms of all step instances at one value of the clock, in which every
shared subterm is computed once for a chunk of states. Guards are evaluated for the whole chunk; effects only for the
states that pass, by replacing just the bits that change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.explore.layout import Layout, Slot
from coordination.explore.rows import Columns
from coordination.machine import terms
from coordination.machine.property import Kind, Property
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field, StepTerms, Unrolled

CHUNK = 1 << 14  # states at a time: a column of them, and the masks over them, stay in a core's cache

Put = Callable[[int, NDArray[np.int64], Columns], None]  # (clock after, rows that made the step, their successors)
Flag = Callable[[str, NDArray[np.int64]], None]  # (property, rows with a step that breaks it)


class _Printer:
    """Prints terms over some columns as NumPy source, one assignment for each subterm that is used."""

    def __init__(self, layout: Layout, columns: str, source: list[str], constants: dict[str, Any], indent: str) -> None:
        self._layout, self._columns, self._source = layout, columns, source
        self._constants, self._indent = constants, indent
        self._names: dict[Term, str] = {}
        self._counts: dict[Term, str] = {}

    def line(self, text: str) -> None:
        self._source.append(self._indent + text)

    def name(self, value: Value) -> str:
        """A Python expression for `value`: a literal, or the variable that holds it."""
        if not terms.is_term(value):
            return repr(value if isinstance(value, bool) else int(value))
        if value not in self._names:
            for term in terms.walk([value]):
                if term not in self._names and not self._is_plain_test(term):
                    self._names[term] = self._assign(self._expression(term))
        return self._names[value]

    def _assign(self, expression: str) -> str:
        if expression.isidentifier():
            return expression
        fresh = f"t{len(self._source)}"
        self.line(f"{fresh} = {expression}")
        return fresh

    def inside(self, columns: str) -> _Printer:
        """A printer for the block that the last line opened, over other columns."""
        return _Printer(self._layout, columns, self._source, self._constants, self._indent + "    ")

    def count(self, mask: Value) -> str:
        """An expression for the number of rows at which `mask` is true."""
        if not terms.is_term(mask):
            return "size" if mask else "0"
        if mask not in self._counts:
            self._counts[mask] = self._assign(f"count({self.name(mask)})")
        return self._counts[mask]

    def _is_plain_test(self, term: Term) -> bool:
        """A field that is only ever compared with constants needs no unpacking; do not print it before it is needed."""
        return term.op == "field" and not term.boolean

    def _operand(self, value: Value) -> str:
        if terms.is_term(value) and value not in self._names:
            self._names[value] = self._assign(self._expression(value))
        return self.name(value)

    def _slot(self, term: Value) -> Slot | None:
        return self._layout.slots[term.args[0]] if terms.is_term(term) and term.op == "field" else None

    def _column(self, slot: Slot) -> str:
        return f"{self._columns}{slot.word}"

    def _masked(self, slot: Slot) -> str:
        return f"({self._column(slot)} & {slot.mask})"

    def _expression(self, term: Term) -> str:
        op, args = term.op, term.args
        if op == "field":
            slot = self._layout.slots[args[0]]
            return f"{self._masked(slot)} != 0" if term.boolean else self._decoded(slot)
        if op in ("eq", "lt", "le"):
            return self._comparison(op, *args)
        if op == "not":
            return f"~{self._operand(args[0])}"
        if op in ("and", "or"):
            return (" & " if op == "and" else " | ").join(map(self._operand, args))
        if op == "ite":
            return f"where({', '.join(map(self._operand, args))})"
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "//", "mod": "%"}[op]
        return f"{self._operand(args[0])} {sign} {self._operand(args[1])}"

    def _comparison(self, op: str, a: Value, b: Value) -> str:
        """Comparisons of a field with a constant are made in place, on the masked word."""
        left, right = self._slot(a), self._slot(b)
        if left and not terms.is_term(b):
            position = left.position(b + 1 if op == "le" else b) << left.shift
            return f"{self._masked(left)} {'==' if op == 'eq' else '<'} {position}"
        if right and not terms.is_term(a):
            position = right.position(a + 1 if op == "lt" else a) << right.shift
            return f"{self._masked(right)} >= {position}"
        sign = {"eq": "==", "lt": "<", "le": "<="}[op]
        return f"{self._operand(a)} {sign} {self._operand(b)}"

    def _stored(self, slot: Slot) -> str:
        shifted = f"({self._column(slot)} >> {slot.shift})" if slot.shift else self._column(slot)
        return f"({shifted} & {(1 << slot.bits) - 1})"

    def _decoded(self, slot: Slot) -> str:
        if slot.contiguous:
            return self._stored(slot) + (f" + {slot.values[0]}" if slot.values[0] else "")
        return f"{self._constant(slot.values)}.take({self._stored(slot)})"

    def _constant(self, values: Sequence[int]) -> str:
        name = "table_" + "_".join(str(value).replace("-", "m") for value in values)
        self._constants[name] = np.array(values, np.int64)
        return name

    def stored(self, slot: Slot, value: Value) -> str:
        """The stored form of `value` for a slot, as an expression; what leaves the slot's values raises."""
        if not terms.is_term(value):
            return str(slot.position(int(value)))
        source = self._slot(value)
        if source and source.values == slot.values:
            return self._stored(source)
        if value.op == "ite":
            condition, then, other = value.args
            return f"where({self.name(condition)}, {self.stored(slot, then)}, {self.stored(slot, other)})"
        if value.boolean:
            return self.name(value)
        return f"encode({self._operand(value)}, {self._constant_or_range(slot)})"

    def _constant_or_range(self, slot: Slot) -> str:
        return f"{slot.values[0]}, {slot.values[-1]}, " + ("None" if slot.contiguous else self._constant(slot.values))


def _encode(values: NDArray[np.int64], low: int, high: int, table: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Positions of `values` among the values of a slot."""
    if table is None:
        if len(values) and (values.min() < low or values.max() > high):
            raise OverflowError("a step gives a variable a value outside of its domain; widen the domain")
        return values - low
    positions = np.minimum(np.searchsorted(table, values), len(table) - 1)
    if not (table.take(positions) == values).all():
        raise OverflowError("a step gives a variable a value outside of its domain; widen the domain")
    return positions


@dataclass(frozen=True)
class Tally:
    """How many steps were accepted, by action, and rejected, by error."""

    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Kernel:
    """Compiled code for the states at one value of the clock.

    `expand(columns, put, tally, flag)` makes every step of every row; `judge(columns, flag)` flags the rows that break
    an invariant or reach a situation.
    """

    source: str
    _expand: Callable[..., None]
    _judge: Callable[..., None]

    def expand(self, columns: Columns, put: Put, tally: Tally, flag: Flag) -> None:
        self._expand(*columns, put, tally.accepted, tally.rejected, flag)

    def judge(self, columns: Columns, flag: Flag) -> None:
        self._judge(*columns, flag)


def compile_kernel(layout: Layout, fixed: Mapping[str, int], properties: Sequence[Property]) -> Kernel:
    """The kernel of the states whose clock is `fixed`, judging `properties`."""
    unrolled = layout.unrolled
    constants = _builtins()
    words = ", ".join(f"w{i}" for i in range(layout.words))
    source = [f"def expand({words}, put, accepted, rejected, flag):", "    size = len(w0)"]
    step_properties = [prop for prop in properties if prop.kind is Kind.STEP]
    _print_steps(layout, unrolled, fixed, step_properties, source, constants)
    source.append(f"def judge({words}, flag):")
    printer = _Printer(layout, "w", source, constants, "    ")
    printer.line("size = len(w0)")
    for prop in properties:
        if prop.kind is not Kind.STEP:
            wanted = unrolled.holds(prop, fixed)
            found = wanted if prop.kind is Kind.SITUATION else terms.negation(wanted)
            _print_flag(printer, prop.name, found, "np.arange(size)", "flatnonzero({mask})")
    text = "\n".join(source)
    exec(compile(text, f"<kernel of {unrolled.machine.name} at {dict(fixed)}>", "exec"), constants)
    return Kernel(text, constants["expand"], constants["judge"])


def compile_rewrite(layout: Layout, updates: Mapping[Field, Value]) -> Callable[[Columns], Columns]:
    """Code that applies `updates`, all at once, to every row."""
    source = [f"def rewrite({', '.join(f'a{i}' for i in range(layout.words))}):"]
    constants = _builtins()
    printer = _Printer(layout, "a", source, constants, "    ")
    printer.line("size = len(a0)")
    printer.line(f"return ({', '.join(_print_word(layout, printer, updates, {}, i) for i in range(layout.words))},)")
    exec(compile("\n".join(source), "<rewrite>", "exec"), constants)
    rewrite = constants["rewrite"]
    return lambda columns: rewrite(*columns)


def _builtins() -> dict[str, Any]:
    """What generated code calls."""
    return {
        "np": np,
        "where": np.where,
        "encode": _encode,
        "flatnonzero": np.flatnonzero,
        "count": np.count_nonzero,
    }


def _print_flag(printer: _Printer, name: str, found: Value, everywhere: str, some: str) -> None:
    """Print the call that flags the rows at which `found` is true; `some` selects them by the mask `{mask}`."""
    if terms.is_term(found):
        mask = printer.name(found)
        printer.line(f"if {mask}.any(): flag({name!r}, {some.format(mask=mask)})")
    elif found:
        printer.line(f"flag({name!r}, {everywhere})")


def _print_steps(
    layout: Layout,
    unrolled: Unrolled,
    fixed: Mapping[str, int],
    properties: Sequence[Property],
    source: list[str],
    constants: dict[str, Any],
) -> None:
    guards = _Printer(layout, "w", source, constants, "    ")
    always: Counter[str] = Counter()  # rejections that depend on nothing: one for each state
    for step in unrolled.steps(fixed):
        _print_step(layout, unrolled, fixed, properties, guards, step, always)
    for error, times in sorted(always.items()):
        guards.line(f"rejected[{error!r}] += {times} * size")


def _print_step(
    layout: Layout,
    unrolled: Unrolled,
    fixed: Mapping[str, int],
    properties: Sequence[Property],
    guards: _Printer,
    step: StepTerms,
    always: Counter[str],
) -> None:
    so_far = terms.conjunction(step.when)
    for guard in step.guards:
        after = terms.conjunction((so_far, guard.holds))
        if so_far is True and after is False:
            always[guard.error] += 1
        else:
            guards.line(f"rejected[{guard.error!r}] += {guards.count(so_far)} - {guards.count(after)}")
        so_far = after
    if so_far is False:
        return
    known = _known(so_far)
    guards.line(f"accepted[{step.action!r}] += {guards.count(so_far)}  # {step.arguments}")
    _print_successors(layout, unrolled, fixed, properties, guards, step, known, so_far)


def _print_successors(
    layout: Layout,
    unrolled: Unrolled,
    fixed: Mapping[str, int],
    properties: Sequence[Property],
    guards: _Printer,
    step: StepTerms,
    known: Mapping[Term, Value],
    accepted: Value,
) -> None:
    """Print the effects of an accepted step. Where it changes nothing there is no successor, and nothing to judge."""
    moved = terms.conjunction((accepted, _changes(unrolled, step, known)))
    if moved is False:
        return
    guards.line("rows = " + ("np.arange(size)" if moved is True else f"flatnonzero({guards.name(moved)})"))
    guards.line("if len(rows):")
    effects = guards.inside("a")
    for word in range(layout.words):
        effects.line(f"a{word} = w{word}.take(rows)")
    _print_step_properties(unrolled, fixed, properties, effects, step, known)
    clock = step.updates.get(_clock_field(step, unrolled.machine.clock), fixed.get(unrolled.machine.clock, 0))
    updated = [_print_word(layout, effects, step.updates, known, word) for word in range(layout.words)]
    effects.line(f"put({clock}, rows, ({', '.join(updated)},))")


def _changes(unrolled: Unrolled, step: StepTerms, known: Mapping[Term, Value]) -> Value:
    """Whether the step changes anything: True as soon as the guards say so."""
    if _clock_field(step, unrolled.machine.clock):
        return True
    differences = []
    for field, update in step.updates.items():
        before = unrolled.fields[field.variable, field.key]
        difference = terms.negation(terms.eq(terms.substitute(before, known), terms.substitute(update, known)))
        if difference is True:
            return True
        differences.append(difference)
    return terms.disjunction(differences)


def _clock_field(step: StepTerms, clock: str) -> Field | None:
    return next((field for field in step.updates if field.variable == clock), None)


def _known(accepted: Value) -> dict[Term, Value]:
    """What the guards of an accepted step say outright: terms that have one value wherever it is accepted."""
    known: dict[Term, Value] = {}
    if not terms.is_term(accepted):
        return known
    for fact in accepted.args if accepted.op == "and" else (accepted,):
        if fact.op == "not":
            known[fact.args[0]] = False
            continue
        known[fact] = True
        if fact.op == "eq" and not terms.is_term(fact.args[1]):
            known[fact.args[0]] = fact.args[1]
    return known


def _print_step_properties(
    unrolled: Unrolled,
    fixed: Mapping[str, int],
    properties: Sequence[Property],
    effects: _Printer,
    step: StepTerms,
    known: Mapping[Term, Value],
) -> None:
    for prop in properties:
        broken = terms.substitute(terms.negation(unrolled.holds(prop, fixed, step)), known)
        _print_flag(effects, prop.name, broken, "rows", "rows.compress({mask})")


def _print_word(
    layout: Layout, effects: _Printer, updates: Mapping[Field, Value], known: Mapping[Term, Value], word: int
) -> str:
    """Print the value of one word after `updates`; return its name."""
    replaced = fixed_bits = 0
    pieces: list[str] = []
    for field, update in updates.items():
        slot = layout.slots.get(field)
        if slot is None or slot.word != word:
            continue
        value = terms.substitute(update, known)
        replaced |= slot.mask
        if terms.is_term(value):
            stored = effects.stored(slot, value)
            pieces.append(f"({stored} << {slot.shift})" if slot.shift else stored)
        else:
            fixed_bits |= slot.position(int(value)) << slot.shift
    if not replaced:
        return f"a{word}"
    kept = f"(a{word} & {~replaced})" if ~fixed_bits & replaced else f"a{word}"
    effects.line(f"b{word} = " + " | ".join([kept, *([str(fixed_bits)] if fixed_bits else []), *pieces]))
    return f"b{word}"
