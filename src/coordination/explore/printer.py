"""Printing terms as NumPy source over packed words, each shared subterm computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.explore.layout import WORD_BITS, Column, Layout, Slot
from coordination.machine import terms
from coordination.machine.state import SpecificationError
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field


@dataclass
class Code:
    """What the blocks of one piece of generated code share: functions printed before it, and constants."""

    layout: Layout
    numbers: Iterator[int]  # of what is remembered for each word of a table
    functions: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constants |= {"np": np, "where": np.where, "encode": encode}
        self.constants |= {"flatnonzero": np.flatnonzero, "count": np.count_nonzero}
        self.constants |= {f"d{i}": table for i, table in enumerate(self.layout.tables, start=1)}

    def run(self, source: list[str]) -> str:
        """Define what `source` defines, after the functions that it calls, among the constants; return the whole."""
        whole = "\n".join([*self.functions, *source])
        exec(compile(whole, "<kernel>", "exec"), self.constants)
        return whole

    def of_word(self, word: int, result: Callable[[Printer], str]) -> str:
        """Print a function of one table's words alone; return `number, function` for the table to remember it by."""
        number = next(self.numbers)
        self.functions.append(f"def of_word{number}(f{word}):")
        self.functions.append(f"    return {result(Printer(self, self.functions, prefix='f', is_inner=True))}")
        return f"{number}, of_word{number}"


class Printer:
    """Prints statements of one block. Word number i of the states at hand is the variable `{prefix}{i}`.

    `load` says how to come by words that are needed for the first time; without it, all are there.
    """

    WORTH = 6  # a fact of so many terms about one word of a table is looked up by the word, not computed

    def __init__(
        self,
        code: Code,
        source: list[str],
        *,
        prefix: str = "w",
        indent: str = "    ",
        load: Mapping[str, str] | None = None,
        is_inner: bool = False,
    ) -> None:
        self.code, self.layout, self.source, self.prefix = code, code.layout, source, prefix
        self._indent, self._load, self._is_inner = indent, dict(load or {}), is_inner
        self._names: dict[Term, str] = {}
        self._counts: dict[Term, str] = {}

    def line(self, text: str) -> None:
        self.source.append(self._indent + text)

    def word(self, number: int) -> str:
        return self._loaded(f"{self.prefix}{number}")

    def numbers(self, word: int) -> str:
        """The numbers of a table's words in the states at hand."""
        return self._loaded(f"{self.prefix}n{word}")

    def _loaded(self, name: str) -> str:
        if name in self._load:
            self.line(f"{name} = {self._load.pop(name)}")
        return name

    def name(self, value: Value) -> str:
        """A Python expression for `value`: a literal, or the variable that holds it."""
        if not terms.is_term(value):
            return repr(value if isinstance(value, bool) else int(value))
        if value not in self._names:
            word = self._table_of(value)
            self._names[value] = self._assign(self._lookup(word, value) if word else self._expression(value))
        return self._names[value]

    def _table_of(self, value: Term) -> int:
        """The table by whose words `value` is worth looking up; 0 for none."""
        if self._is_inner or not self.layout.tables or not value.boolean:
            return 0
        words, size = self.layout.reads(value)
        return next(iter(words)) if len(words) == 1 and size >= self.WORTH else 0

    def _lookup(self, word: int, value: Value) -> str:
        remembered = self.code.of_word(word, lambda printer: printer.name(value))
        return f"d{word}.facts({self.numbers(word)}, {remembered})"

    def count(self, mask: Value) -> str:
        """An expression for the number of rows at which `mask` is true."""
        if not terms.is_term(mask):
            return "size" if mask else "0"
        if mask not in self._counts:
            self._counts[mask] = self._assign(f"count({self.name(mask)})")
        return self._counts[mask]

    def updated(self, updates: Mapping[Field, Value], word: int) -> str:
        """Print the value of one word after `updates`; return its name."""
        replaced = constant = 0
        pieces: list[str] = []
        for place, value in updates.items():
            slot = self.layout.slots[place]
            if slot.word != word:
                continue
            replaced |= slot.mask
            if terms.is_term(value):
                stored = self._stored(slot, value)
                pieces.append(f"({stored} << {slot.shift})" if slot.shift else stored)
            else:
                constant |= slot.position(int(value)) << slot.shift
        kept = self.word(word)
        if ~constant & replaced:
            kept = f"({kept} & {~replaced})"
        return self._assign(" | ".join([kept, *([str(constant)] if constant else []), *pieces]))

    def _assign(self, expression: str) -> str:
        if expression.isidentifier():
            return expression
        fresh = f"t{len(self.source)}"
        self.line(f"{fresh} = {expression}")
        return fresh

    def _expression(self, term: Term) -> str:
        op, args = term.op, term.args
        if op == "field":
            slot = self.layout.slots[args[0]]
            return f"{self._masked(slot)} != 0" if term.boolean else self._decoded(slot)
        if op in ("eq", "lt", "le"):
            return self._comparison(op, *args)
        if op == "not":
            return f"~{self.name(args[0])}"
        if op in ("and", "or"):
            return (" & " if op == "and" else " | ").join(map(self.name, self._grouped(term)))
        if op == "ite":
            return f"where({', '.join(map(self.name, args))})"
        if max(map(abs, terms.interval(term))) >= 1 << WORD_BITS:
            raise SpecificationError(f"{term} may need more than {WORD_BITS} bits; give its sorts smaller domains")
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "//", "mod": "%"}[op]
        return f"{self.name(args[0])} {sign} {self.name(args[1])}"

    def _grouped(self, term: Term) -> list[Value]:
        """The parts of a connective, those about one table's words put together where that is worth it."""
        groups: dict[int, list[Term]] = {}
        for part in term.args if self.layout.tables and not self._is_inner else ():
            words, _ = self.layout.reads(part)
            if len(words) == 1 and 0 not in words:
                groups.setdefault(next(iter(words)), []).append(part)
        connect = terms.conjunction if term.op == "and" else terms.disjunction
        whole = {connect(group): group for group in groups.values()}
        worth = {fact: group for fact, group in whole.items() if self._table_of(fact)}
        looked_up = {part for group in worth.values() for part in group}
        return [*worth, *(part for part in term.args if part not in looked_up)]

    def _comparison(self, op: str, a: Value, b: Value) -> str:
        """Comparisons of a field with a constant are made in place, on the masked word."""
        left, right = self._slot(a), self._slot(b)
        if left and not terms.is_term(b):
            position = (left.position(b) if op == "eq" else left.below(b + (op == "le"))) << left.shift
            return f"{self._masked(left)} {'==' if op == 'eq' else '<'} {position}"
        if right and not terms.is_term(a):
            position = right.below(a + (op == "lt")) << right.shift
            return f"{self._masked(right)} >= {position}"
        sign = {"eq": "==", "lt": "<", "le": "<="}[op]
        return f"{self.name(a)} {sign} {self.name(b)}"

    def _slot(self, term: Value) -> Slot | None:
        return self.layout.slots[term.args[0]] if terms.is_term(term) and term.op == "field" else None

    def _masked(self, slot: Slot) -> str:
        return f"({self.word(slot.word)} & {slot.mask})"

    def _position(self, slot: Slot) -> str:
        word = self.word(slot.word)
        return f"({f'({word} >> {slot.shift})' if slot.shift else word} & {(1 << slot.bits) - 1})"

    def _fits(self, slot: Slot, value: Value) -> bool:
        """Whether each case of `value`, taken or not, can be stored as it stands: a constant, or a field's value."""
        if not terms.is_term(value):
            return int(value) in slot.values
        if value.op == "ite":
            return self._fits(slot, value.args[1]) and self._fits(slot, value.args[2])
        source = self._slot(value)
        return source is not None and source.values == slot.values

    def _decoded(self, slot: Slot) -> str:
        if slot.contiguous:
            return self._position(slot) + (f" + {slot.values[0]}" if slot.values[0] else "")
        return f"{self._table(slot.values)}.take({self._position(slot)})"

    def _table(self, values: Sequence[int]) -> str:
        name = "table_" + "_".join(str(value).replace("-", "m") for value in values)
        self.code.constants[name] = np.array(values, np.int64)
        return name

    def _stored(self, slot: Slot, value: Value) -> str:
        """The stored form of `value` for a slot, as an expression; what leaves the slot's values raises."""
        if not terms.is_term(value):
            return str(slot.position(int(value)))
        source = self._slot(value)
        if source and source.values == slot.values and not value.boolean:
            return self._position(source)
        if value.op == "ite" and self._fits(slot, value):
            condition, then, other = value.args
            return f"where({self.name(condition)}, {self._stored(slot, then)}, {self._stored(slot, other)})"
        if value.boolean:
            return self.name(value)
        table = "None" if slot.contiguous else self._table(slot.values)
        return f"encode({self.name(value)}, {slot.values[0]}, {slot.values[-1]}, {table})"


def encode(values: Column, low: int, high: int, table: Column | None) -> NDArray[np.int64]:
    """Positions of `values` among those of a slot: from `low` to `high`, or just those in `table`."""
    if table is None:
        if len(values) and (values.min() < low or values.max() > high):
            raise OverflowError
        return values - low
    positions = np.minimum(np.searchsorted(table, values), len(table) - 1)
    if not (table.take(positions) == values).all():
        raise OverflowError
    return positions
