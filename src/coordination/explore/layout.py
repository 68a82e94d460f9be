"""How a state is packed: each field in as few bits as its values need, side by side in signed 64-bit words.

Only 63 bits of a word are used, so that words compare and subtract like ordinary integers. The clock is not packed:
states of different clock values are kept apart by the search itself.

A state that needs more than one word is stored in one all the same where that is possible, without losing anything:
fields that change together (a claim's record, and the balances that pay for it) take few of the values that their bits
could, so the word that they share is put into a table, and the state stores its number there (the collapse compression
of Spin, Holzmann 1997). Where the tables would not fit, states are stored as several words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coordination.explore.values import Narrowed
from coordination.machine import terms
from coordination.machine.state import Key, SpecificationError
from coordination.machine.terms import Term, Value
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import Field

WORD_BITS = 63
LEAST_NUMBER_BITS = 12  # a table that could not hold more than 4,096 words is not tried
MOST_NUMBER_BITS = 24  # what is remembered for each word of a table should still fit into memory
Row = tuple[int, ...]  # one stored state
Column = NDArray[np.int64]


@dataclass(frozen=True)
class Slot:
    """Where a field lies: `bits` wide at `shift` in word `word`. It stores the position of its value in `values`."""

    word: int
    shift: int
    bits: int
    values: Sequence[int]

    @property
    def mask(self) -> int:
        return ((1 << self.bits) - 1) << self.shift

    @property
    def contiguous(self) -> bool:
        """Whether position and value differ by a constant only."""
        return self.values[-1] - self.values[0] == len(self.values) - 1

    def position(self, value: int) -> int:
        """The stored form of `value`, which must be one of `values`."""
        position = self.below(value)
        if position == len(self.values) or self.values[position] != value:
            raise ValueError(f"{value} is not among the values of this slot")
        return position

    def below(self, bound: int) -> int:
        """How many of the values are less than `bound`."""
        return bisect_left(self.values, bound)


class TableFull(Exception):
    """A word took more values than its table has numbers for."""


class WordTable:
    """The values that one word has had so far, numbered as they came. Its number lies at `shift` of the stored word."""

    def __init__(self, shift: int, bits: int) -> None:
        self.shift, self.bits = shift, bits
        self._numbers: dict[int, int] = {}
        self._words = np.zeros(1 << LEAST_NUMBER_BITS, np.int64)
        self._facts: dict[int, NDArray[np.bool_]] = {}
        self._steps: dict[int, Column] = {}

    def numbers_in(self, stored: Column) -> Column:
        return (stored >> self.shift) & ((1 << self.bits) - 1)

    def words_of(self, numbers: Column) -> Column:
        return self._words.take(numbers)

    def with_numbers(self, stored: Column, numbers: Column) -> Column:
        """`stored` referring to other words."""
        return (stored & ~(((1 << self.bits) - 1) << self.shift)) | (numbers << self.shift)

    def number(self, words: Column) -> Column:
        """The numbers of `words`, of which those not seen before are added. Raises TableFull."""
        unique, inverse = np.unique(words, return_inverse=True)
        return np.fromiter(map(self._number, unique.tolist()), np.int64, len(unique)).take(inverse)

    def facts(self, numbers: Column, key: int, compute: Callable[[Column], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """`compute(words)` for the words with these numbers: computed once for each word, remembered under `key`."""
        known = self._facts.get(key, _NO_FACTS)
        if len(known) < len(self._numbers):
            new = compute(self._words[len(known) : len(self._numbers)])
            known = self._facts[key] = np.concatenate((known, new))
        return known.take(numbers)

    def after(self, numbers: Column, key: int, compute: Callable[[Column], Column]) -> Column:
        """The numbers of `compute(words)`; computed for those words only that a step can start from."""
        known = self._steps.get(key)
        if known is None or len(known) < len(self._words):
            grown = np.full(len(self._words), -1, np.int64)
            grown[: 0 if known is None else len(known)] = () if known is None else known
            known = self._steps[key] = grown
        found = known.take(numbers)
        missing = np.unique(numbers.compress(found < 0))
        if len(missing):
            known[missing] = self.number(compute(self._words.take(missing)))
            found = known.take(numbers)
        return found

    def _number(self, word: int) -> int:
        number = self._numbers.setdefault(word, len(self._numbers))
        if number >= 1 << self.bits:
            raise TableFull
        if number >= len(self._words):
            self._words = np.concatenate((self._words, np.zeros_like(self._words)))
        self._words[number] = word
        return number


_NO_FACTS = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class _Plan:
    """Which words there are: the fields of each, and how many bits number the words after the first (none: stored)."""

    words: list[list[Field]]
    number_bits: int


class Layout:
    """The packing of an instance. `slots` has one entry for every field that can change, but for the clock.

    Either there are no `tables` and a state is stored as its `words` words, or word 0 is stored, with the number of
    each further word in its upper bits.
    """

    def __init__(self, narrowed: Narrowed, tables: int | None = None) -> None:
        """`tables` says how many to use at least; None is for states of several words."""
        self.unrolled = narrowed.unrolled
        self.clock = narrowed.unrolled.machine.clock
        clusters = [[f for f in cluster if f.variable != self.clock] for cluster in narrowed.clusters()]
        plan = _wide(clusters) if tables is None else _numbered(clusters, tables) or _wide(clusters)
        self.slots: dict[Field, Slot] = {}
        for word, fields in enumerate(plan.words):
            shift = 0
            for field in fields:
                self.slots[field] = Slot(word, shift, _bits(field), field.values)
                shift += _bits(field)
        self.words = len(plan.words)
        self.tables = [
            WordTable(WORD_BITS - plan.number_bits * (number + 1), plan.number_bits)
            for number in range(self.words - 1 if plan.number_bits else 0)
        ]
        self.columns = 1 if self.tables else self.words
        self._reads: dict[Term, tuple[frozenset[int], int]] = {}

    def reads(self, value: Value) -> tuple[frozenset[int], int]:
        """The words that a term reads, and how many terms it is made of, repetitions counted."""
        if not terms.is_term(value):
            return frozenset(), 0
        known = self._reads.get(value)
        if known is None:
            if value.op == "field":
                known = frozenset({self.slots[value.args[0]].word}), 1
            else:
                parts = [self.reads(part) for part in value.args]
                known = frozenset().union(*(words for words, _ in parts)), 1 + sum(size for _, size in parts)
            self._reads[value] = known
        return known

    def clock_of(self, state: Valuation) -> int:
        return state.entry(self.clock, ()) if self.clock else 0

    def pack(self, state: Valuation) -> Row:
        words = [0] * self.words
        for field, slot in self.slots.items():
            words[slot.word] |= slot.position(state.entry(field.variable, field.key)) << slot.shift
        if not self.tables:
            return tuple(words)
        stored = np.array(words[:1], np.int64)
        for table, word in zip(self.tables, words[1:], strict=True):
            stored = table.with_numbers(stored, table.number(np.array([word], np.int64)))
        return (int(stored[0]),)

    def unpack(self, clock: int, row: Row) -> Valuation:
        words = row
        if self.tables:
            stored = np.array(row, np.int64)
            words = (row[0], *(int(table.words_of(table.numbers_in(stored))[0]) for table in self.tables))
        values: dict[str, int | dict[Key, int]] = {v.name: {} for v in self.unrolled.variables if v.index}
        for (name, key), leaf in self.unrolled.fields.items():
            value = clock if name == self.clock else self._value(leaf, words)
            entries = values.get(name)
            if isinstance(entries, dict):
                entries[key] = value
            else:
                values[name] = value
        return Valuation({variable.name: values[variable.name] for variable in self.unrolled.variables})

    def _value(self, leaf: Value, words: Sequence[int]) -> int:
        if not terms.is_term(leaf):
            return int(leaf)
        slot = self.slots[leaf.args[0]]
        return slot.values[(words[slot.word] & slot.mask) >> slot.shift]


def _bits(field: Field) -> int:
    return (len(field.values) - 1).bit_length()


def _total(fields: Sequence[Field]) -> int:
    return sum(map(_bits, fields))


def _fill(fields: Sequence[Field]) -> list[list[Field]]:
    """The fields in order, cut into words."""
    words: list[list[Field]] = [[]]
    for field in fields:
        if _bits(field) > WORD_BITS:
            raise SpecificationError(f"{field} has more than 2^{WORD_BITS} values; give its sort a smaller domain")
        if _total(words[-1]) + _bits(field) > WORD_BITS:
            words.append([])
        words[-1].append(field)
    return words


def _wide(clusters: Sequence[Sequence[Field]]) -> _Plan:
    return _Plan(_fill([field for cluster in clusters for field in cluster]), 0)


def _numbered(clusters: Sequence[Sequence[Field]], tables: int) -> _Plan | None:
    """A plan with one stored word and at least `tables` tables, the widest clusters being the first to go into one."""
    widest = sorted(clusters, key=_total, reverse=True)
    for taken in range(len(widest) + 1):
        kept = [field for cluster in widest[taken:] for field in cluster]
        apart = [word for cluster in widest[:taken] for word in _fill(cluster)]
        free = WORD_BITS - _total(kept)
        if len(apart) >= tables and free >= 0 and (not apart or free // len(apart) >= LEAST_NUMBER_BITS):
            return _Plan([kept, *apart], min(free // len(apart), MOST_NUMBER_BITS) if apart else 0)
    return None
