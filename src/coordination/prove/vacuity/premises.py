"""The premises of a property: `implies(premise, conclusion)` says nothing in a run in which the premise stays false.

Whether one ever matters is asked as Kupferman and Vardi do ("Vacuity detection in temporal model checking", 1999): it
does not if the property would hold as well with any other conclusion in its place.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

from coordination.machine.language import Reading, all_of, current, reading
from coordination.machine.property import Property
from coordination.prove.reading.unbounded import AllSizes


@dataclass(frozen=True)
class Place:
    """One `implies` in the source: the call at `offset` of some bytecode."""

    code: CodeType
    offset: int

    def __str__(self) -> str:
        line, *_ = self._extent()
        return f"{Path(self.code.co_filename).name}:{line}, in {self.code.co_qualname.partition('.<locals>')[0]}"

    def premise(self) -> str:
        """The premise on one line, as Python prints it; empty where there is no source."""
        source = "".join(linecache.getlines(self.code.co_filename))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and _extent_of(node) == self._extent():
                return ast.unparse((*node.args, *(keyword.value for keyword in node.keywords))[0])
        return ""

    def _extent(self) -> tuple[int | None, int | None, int | None, int | None]:
        """First and last line, first and last column of the call."""
        return next(islice(self.code.co_positions(), self.offset // 2, None))  # two bytes an instruction


def _extent_of(call: ast.Call) -> tuple[int | None, int | None, int | None, int | None]:
    return call.lineno, call.end_lineno, call.col_offset, call.end_col_offset


def premises(sizes: AllSizes, prop: Property) -> list[Place]:
    """Where `prop` says `implies`, in the order of reading."""
    found: dict[Place, None] = {}

    def note(place: Place, conclusion: bool) -> bool:
        found[place] = None
        return conclusion

    sizes.holds(replace(prop, holds=_with_conclusions(prop, note)), sizes.before)
    return list(found)


def with_any_conclusion(prop: Property, place: Place, name: str) -> Property:
    """What says that `prop` holds whatever is concluded from the premise at `place`.

    Only true and false need be tried: whether a conclusion helps the property or harms it, one of them is the worst.
    """

    def with_this(fact: bool) -> Callable[..., bool]:
        return _with_conclusions(prop, lambda here, conclusion: fact if here == place else conclusion)

    never, always = with_this(False), with_this(True)
    return replace(prop, name=name, holds=lambda *states: all_of(never(*states), always(*states)))


def _with_conclusions(prop: Property, conclude: Callable[[Place, bool], bool]) -> Callable[..., bool]:
    def holds(*states: Any) -> bool:
        with reading(_Altered(current(), conclude)):
            return prop.holds(*states)

    return holds


class _Altered:
    """A reading in which other things follow from premises."""

    def __init__(self, outer: Reading, conclude: Callable[[Place, bool], bool]) -> None:
        self.dropped, self.action, self.bound, self.emit = outer.dropped, outer.action, outer.bound, outer.emit
        self.when, self.require = outer.when, outer.require
        self.forall, self.exists, self.total = outer.forall, outer.exists, outer.total
        self._outer, self._conclude = outer, conclude

    def implies(self, premise: bool, conclusion: bool) -> bool:
        caller = sys._getframe(2)  # who said `implies`, which asks this
        place = Place(caller.f_code, caller.f_lasti)
        return self._outer.implies(premise, self._conclude(place, conclusion))
