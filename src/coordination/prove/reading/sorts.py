"""Which values the sorts have in a proof: a whole range; or the first so many of it, nobody knows how many."""

from __future__ import annotations

from coordination.machine import terms
from coordination.machine.language import Sort
from coordination.machine.machine import Unbounded
from coordination.machine.state import SpecificationError, enumerated, sort_name
from coordination.machine.terms import Value
from coordination.prove.reading.symbols import Symbol, within


class Sorts:
    def __init__(self, machine: str, scope: Unbounded) -> None:
        """`machine` is its name, for errors."""
        self._machine, self._scope = machine, scope

    def range(self, sort: Sort) -> range:
        """What a value of `sort` can be. Raises SpecificationError where nobody says, or values are left out."""
        found = self._scope.domains.get(sort, enumerated(sort))
        if found is None:
            raise SpecificationError(f"the unbounded {self._machine} gives no range for {sort_name(sort)}")
        values = range(found[0], found[-1] + 1)
        if values != (found if isinstance(found, range) else range(found[0], found[0] + len(found))):
            raise SpecificationError(
                f"there are gaps between the values of {sort_name(sort)}, which no proof would see"
            )
        return values

    def has(self, sort: Sort, value: Value) -> Value:
        """`value` is one of the values of `sort`."""
        return terms.conjunction((within(value, self.range(sort)), self.counts(sort, value)))

    def counts(self, sort: Sort, value: Value) -> Value:
        """`value`, which is in the range of `sort`, is one of its values."""
        if sort not in self._scope.counted:
            return True
        values = self.range(sort)
        number = Symbol(f"number of {sort_name(sort)}", (), range(1, values[-1] - values[0] + 2), False).term
        return terms.lt(value, terms.add(number, values[0]))
