"""How a state is packed: each field in as few bits as its values need, side by side in signed 64-bit words.

Only 63 bits of a word are used, so that words compare and subtract like ordinary integers. The clock is not packed:
states of different clock values are kept apart by the search itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from coordination.machine import terms
from coordination.machine.state import Key, SpecificationError
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import Field, Unrolled

WORD_BITS = 63
Row = tuple[int, ...]  # one packed state: its words


@dataclass(frozen=True)
class Slot:
    """Where a field lies: `bits` wide at `shift` in word number `word`. It stores the position of its value in `values`."""

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
        return bisect_left(self.values, value)


class Layout:
    """The packing of an instance. `slots` has one entry for every field that can change, but for the clock."""

    def __init__(self, unrolled: Unrolled) -> None:
        self.unrolled = unrolled
        self.clock = unrolled.machine.clock
        self.slots: dict[Field, Slot] = {}
        word = shift = 0
        for leaf in unrolled.fields.values():
            if not terms.is_term(leaf) or leaf.args[0].variable == self.clock:
                continue
            field: Field = leaf.args[0]
            bits = (len(field.values) - 1).bit_length()
            if bits > WORD_BITS:
                raise SpecificationError(f"{field} has more than 2^{WORD_BITS} values; give its sort a smaller domain")
            if shift + bits > WORD_BITS:
                word, shift = word + 1, 0
            self.slots[field] = Slot(word, shift, bits, field.values)
            shift += bits
        self.words = word + 1
        self.bits = sum(slot.bits for slot in self.slots.values())

    def clock_of(self, state: Valuation) -> int:
        return state.entry(self.clock, ()) if self.clock else 0

    def pack(self, state: Valuation) -> Row:
        row = [0] * self.words
        for field, slot in self.slots.items():
            row[slot.word] |= slot.position(state.entry(field.variable, field.key)) << slot.shift
        return tuple(row)

    def unpack(self, clock: int, row: Row) -> Valuation:
        values: dict[str, int | dict[Key, int]] = {}
        for variable in self.unrolled.variables:
            if variable.index:
                values[variable.name] = {}
            elif variable.name == self.clock:
                values[variable.name] = clock
        for (name, key), leaf in self.unrolled.fields.items():
            if terms.is_term(leaf) and name == self.clock:
                continue
            value = self._value(leaf.args[0], row) if terms.is_term(leaf) else int(leaf)
            entries = values.get(name)
            if isinstance(entries, dict):
                entries[key] = value
            else:
                values[name] = value
        return Valuation({variable.name: values[variable.name] for variable in self.unrolled.variables})

    def _value(self, field: Field, row: Row) -> int:
        slot = self.slots[field]
        return slot.values[(row[slot.word] & slot.mask) >> slot.shift]
