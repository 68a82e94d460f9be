"""Printing terms as NumPy source over packed words, each shared subterm computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coordination.explore.layout import Column, Layout, Slot
from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field


class Printer:
    """Prints statements of one block. Word number i of the states at hand is the variable `{prefix}{i}`.

    `load` says how to come by a word that is needed for the first time; without it, all words are there.
    """

    def __init__(
        self,
        layout: Layout,
        source: list[str],
        constants: dict[str, Any],
        *,
        prefix: str = "w",
        indent: str = "    ",
        load: Mapping[int, str] | None = None,
    ) -> None:
        self.layout, self.source, self.constants, self.prefix = layout, source, constants, prefix
        self._indent, self._load = indent, dict(load or {})
        self._names: dict[Term, str] = {}
        self._counts: dict[Term, str] = {}

    def line(self, text: str) -> None:
        self.source.append(self._indent + text)

    def word(self, number: int) -> str:
        if number in self._load:
            self.line(f"{self.prefix}{number} = {self._load.pop(number)}")
        return f"{self.prefix}{number}"

    def name(self, value: Value) -> str:
        """A Python expression for `value`: a literal, or the variable that holds it."""
        if not terms.is_term(value):
            return repr(value if isinstance(value, bool) else int(value))
        if value not in self._names:
            for term in terms.walk([value]):
                # A field that is only ever compared with constants needs no unpacking.
                if term not in self._names and (term.op != "field" or term.boolean):
                    self._names[term] = self._assign(self._expression(term))
        return self._names.get(value) or self._operand(value)

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
        for field, value in updates.items():
            slot = self.layout.slots[field]
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

    def _operand(self, value: Value) -> str:
        if terms.is_term(value) and value not in self._names:
            self._names[value] = self._assign(self._expression(value))
        return self.name(value)

    def _expression(self, term: Term) -> str:
        op, args = term.op, term.args
        if op == "field":
            slot = self.layout.slots[args[0]]
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

    def _slot(self, term: Value) -> Slot | None:
        return self.layout.slots[term.args[0]] if terms.is_term(term) and term.op == "field" else None

    def _masked(self, slot: Slot) -> str:
        return f"({self.word(slot.word)} & {slot.mask})"

    def _position(self, slot: Slot) -> str:
        word = self.word(slot.word)
        return f"({f'({word} >> {slot.shift})' if slot.shift else word} & {(1 << slot.bits) - 1})"

    def _decoded(self, slot: Slot) -> str:
        if slot.contiguous:
            return self._position(slot) + (f" + {slot.values[0]}" if slot.values[0] else "")
        return f"{self._table(slot.values)}.take({self._position(slot)})"

    def _table(self, values: Sequence[int]) -> str:
        name = "table_" + "_".join(str(value).replace("-", "m") for value in values)
        self.constants[name] = np.array(values, np.int64)
        return name

    def _stored(self, slot: Slot, value: Value) -> str:
        """The stored form of `value` for a slot, as an expression; what leaves the slot's values raises."""
        if not terms.is_term(value):
            return str(slot.position(int(value)))
        source = self._slot(value)
        if source and source.values == slot.values and not value.boolean:
            return self._position(source)
        if value.op == "ite":
            condition, then, other = value.args
            return f"where({self.name(condition)}, {self._stored(slot, then)}, {self._stored(slot, other)})"
        if value.boolean:
            return self.name(value)
        table = "None" if slot.contiguous else self._table(slot.values)
        return f"encode({self._operand(value)}, {slot.values[0]}, {slot.values[-1]}, {table})"


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


def builtins() -> dict[str, Any]:
    """What printed code calls."""
    return {"np": np, "where": np.where, "encode": encode, "flatnonzero": np.flatnonzero, "count": np.count_nonzero}
