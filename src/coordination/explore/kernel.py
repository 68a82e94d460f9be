"""The third reading: rules compiled to NumPy code that works on a whole frontier of packed states at once.

A kernel is Python source, printed from the terms of all step instances at one value of the clock. Guards are evaluated
for a whole chunk of states; effects only for the states that pass, by replacing just the bits that change. The new
number of a word in a table is computed once for each word, where the effect reads nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from coordination.explore.layout import Layout
from coordination.explore.printer import Code, Printer
from coordination.explore.rows import Columns
from coordination.machine import terms
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field, StepTerms

CHUNK = 1 << 14  # states at a time: a column of them, and the masks over them, stay in a core's cache

Refusal = tuple[str, str, str]  # action, rule, error
Put = Callable[[int, NDArray[np.int64], Columns], None]  # (clock after, rows that made the step, their successors)
Flag = Callable[[str, NDArray[np.int64]], None]  # (property, rows with a step that breaks it)


@dataclass(frozen=True)
class Tally:
    """How many steps were accepted, by action, and rejected, by the guard that did it."""

    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[Refusal] = field(default_factory=Counter)


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
        """Raises SpecificationError where a step gives a variable a value outside of its domain, or divides by zero."""
        try:
            with _no_division_by_zero():
                self._expand(*columns, put, tally.accepted, tally.rejected, flag)
        except OverflowError as error:
            raise SpecificationError(
                "a step gives a variable a value outside of its sort's domain, or writes to a key outside of it; "
                "widen the domain in the instance, or guard the step"
            ) from error

    def judge(self, columns: Columns, flag: Flag) -> None:
        with _no_division_by_zero():
            self._judge(*columns, flag)


@contextmanager
def _no_division_by_zero() -> Iterator[None]:
    try:
        with np.errstate(divide="raise"):
            yield
    except FloatingPointError as error:
        raise SpecificationError("a rule divides by zero in a state that can be reached; guard the division") from error


class Compiler:
    """Compiles the kernels of one layout; numbers the effects on tables across all of them."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._unrolled = layout, layout.unrolled
        self._numbers: Iterator[int] = count()

    def kernel(self, fixed: Mapping[str, int], properties: Sequence[Property]) -> Kernel:
        """The kernel of the states whose clock is `fixed`, judging `properties`."""
        code = Code(self._layout, self._numbers)
        expand = [f"def expand({self._stored()}, put, accepted, rejected, flag):", "    size = len(w0)"]
        self._print_steps(fixed, properties, self._whole(code, expand))
        judge = [f"def judge({self._stored()}, flag):", "    size = len(w0)"]
        printer = self._whole(code, judge)
        for prop in properties:
            if prop.kind is not Kind.STEP:
                wanted = self._unrolled.holds(prop, fixed)
                found = wanted if prop.kind is Kind.SITUATION else terms.negation(wanted)
                _print_flag(printer, prop.name, found, "np.arange(size)", "flatnonzero({mask})")
        source = code.run([*expand, *judge])
        return Kernel(source, code.constants["expand"], code.constants["judge"])

    def values(self, wanted: Sequence[Value]) -> Callable[[Columns], list[NDArray[np.int64]]]:
        """Code that gives what each of `wanted` is in every stored row."""
        code = Code(self._layout, self._numbers)
        source = [f"def values({self._stored()}):", "    size = len(w0)"]
        printer = self._whole(code, source)
        names = [printer.name(value) for value in wanted]
        columns = (f"np.broadcast_to({name}, size)" for name in names)
        printer.line(f"return [{', '.join(columns)}]")
        code.run(source)
        values = code.constants["values"]
        return lambda columns: values(*columns)

    def rewrite(self, updates: Mapping[Field, Value]) -> Callable[[Columns], Columns]:
        """Code that applies `updates`, all at once, to every stored row."""
        code = Code(self._layout, self._numbers)
        source = [f"def rewrite({self._stored()}):"]
        printer = self._whole(code, source)
        printer.line(f"return {self._print_stored(printer, updates)}")
        code.run(source)
        rewrite = code.constants["rewrite"]
        return lambda columns: rewrite(*columns)

    def _stored(self) -> str:
        return ", ".join(f"w{i}" for i in range(self._layout.columns))

    def _whole(self, code: Code, source: list[str]) -> Printer:
        """A printer for a whole chunk, with its words at hand."""
        printer = Printer(code, source)
        for i in range(1, len(self._layout.tables) + 1):
            printer.line(f"wn{i} = d{i}.numbers_in(w0)")
            printer.line(f"w{i} = d{i}.words_of(wn{i})")
        return printer

    def _print_steps(self, fixed: Mapping[str, int], properties: Sequence[Property], guards: Printer) -> None:
        judged = [(prop, *self._unrolled.reads_after(prop, fixed)) for prop in properties if prop.kind is Kind.STEP]
        always: Counter[Refusal] = Counter()  # rejections that depend on nothing: one for each state
        for step in self._unrolled.steps(fixed):
            accepted = self._print_guards(guards, step, always)
            if accepted is not False:
                guards.line(f"accepted[{step.action!r}] += {guards.count(accepted)}  # {step.arguments}")
                changed = {place.variable for place in step.updates}
                at_stake = [prop for prop, reads, is_kept in judged if not is_kept or reads & changed]
                self._print_successors(guards, step, accepted, fixed, at_stake)
        for refusal, times in sorted(always.items()):
            guards.line(f"rejected[{refusal!r}] += {times} * size")

    def _print_guards(self, guards: Printer, step: StepTerms, always: Counter[Refusal]) -> Value:
        """Print the rejections of a step, guard by guard; return where it is accepted."""
        so_far = terms.conjunction(step.when)
        for guard in step.guards:
            passed = terms.conjunction((so_far, guard.holds))
            refusal = (step.action, guard.rule, guard.error)
            if so_far is True and passed is False:
                always[refusal] += 1
            else:
                guards.line(f"rejected[{refusal!r}] += {guards.count(so_far)} - {guards.count(passed)}")
            so_far = passed
        return so_far

    def _print_successors(
        self,
        guards: Printer,
        step: StepTerms,
        accepted: Value,
        fixed: Mapping[str, int],
        judged: Sequence[Property],
    ) -> None:
        """Print the effects of an accepted step. Where it changes nothing there is nothing to make or to judge."""
        outside = terms.conjunction((accepted, terms.negation(step.in_bounds)))
        if outside is not False:
            guards.line(f"if np.any({guards.name(outside)}): raise OverflowError")
        clock = self._unrolled.machine.clock
        known = _known(accepted)
        updates = {f: terms.substitute(value, known) for f, value in step.updates.items() if f.variable != clock}
        ticked = next((value for f, value in step.updates.items() if f.variable == clock), None)
        moved = accepted if ticked is not None else terms.conjunction((accepted, self._changes(updates, known)))
        if moved is False:
            return
        guards.line("rows = " + ("np.arange(size)" if moved is True else f"flatnonzero({guards.name(moved)})"))
        guards.line("if len(rows):")
        needed = [f"{i}" for i in range(self._layout.words)] + [f"n{i + 1}" for i in range(len(self._layout.tables))]
        load = {f"a{each}": f"w{each}.take(rows)" for each in needed}
        effects = Printer(guards.code, guards.source, prefix="a", indent=" " * 8, load=load)
        for prop in judged:
            broken = terms.substitute(terms.negation(self._unrolled.holds(prop, fixed, step)), known)
            _print_flag(effects, prop.name, broken, "rows", "rows.compress({mask})")
        if not self._is_time(ticked) or any(self._leaves_domain(place, value) for place, value in updates.items()):
            effects.line("raise OverflowError")
            return
        after = fixed.get(clock, 0) if ticked is None else ticked
        effects.line(f"put({after}, rows, {self._print_stored(effects, updates)})")

    def _is_time(self, ticked: Value | None) -> bool:
        """Whether the clock can be set to that; None leaves it as it is."""
        (sort,) = [v.sort for v in self._unrolled.variables if v.name == self._unrolled.machine.clock] or [None]
        return ticked is None or int(ticked) in self._unrolled.instance.domain(sort)

    def _leaves_domain(self, place: Field, value: Value) -> bool:
        """Whether a constant is written where it does not belong: only a step that is really made is then an error."""
        slot = self._layout.slots.get(place)
        return slot is None or (not terms.is_term(value) and int(value) not in slot.values)

    def _changes(self, updates: Mapping[Field, Value], known: Mapping[Term, Value]) -> Value:
        """Whether updates change anything: True as soon as the guards say so."""
        differences = []
        for place, update in updates.items():
            before = terms.substitute(self._unrolled.fields[place.variable, place.key], known)
            differences.append(terms.negation(terms.eq(before, update)))
        return terms.disjunction(differences)

    def _print_stored(self, effects: Printer, updates: Mapping[Field, Value]) -> str:
        """Print the rows after `updates`, as they are stored; return an expression for their columns."""
        touched = {self._layout.slots[place].word for place in updates}
        if not self._layout.tables:
            words = [
                effects.updated(updates, i) if i in touched else effects.word(i) for i in range(self._layout.words)
            ]
            return f"({', '.join(words)},)"
        stored = effects.updated(updates, 0) if 0 in touched else effects.word(0)
        for word in sorted(touched - {0}):
            stored = f"d{word}.with_numbers({stored}, {self._print_numbers(effects, updates, word)})"
        return f"({stored},)"

    def _print_numbers(self, effects: Printer, updates: Mapping[Field, Value], word: int) -> str:
        """An expression for the numbers of one table's word after `updates`."""
        mine = {place: value for place, value in updates.items() if self._layout.slots[place].word == word}
        read = frozenset[int]().union(*(self._layout.reads(value)[0] for value in mine.values()))
        if not read <= {word}:
            return f"d{word}.number({effects.updated(mine, word)})"
        remembered = effects.code.of_word(word, lambda printer: printer.updated(mine, word))
        return f"d{word}.after({effects.numbers(word)}, {remembered})"


def _print_flag(printer: Printer, name: str, found: Value, everywhere: str, some: str) -> None:
    """Print the call that flags the rows at which `found` is true; `some` selects them by the mask `{mask}`."""
    if terms.is_term(found):
        mask = printer.name(found)
        printer.line(f"if {mask}.any(): flag({name!r}, {some.format(mask=mask)})")
    elif found:
        printer.line(f"flag({name!r}, {everywhere})")


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
