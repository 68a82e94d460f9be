from __future__ import annotations

from coordination.machine import invariant, ite
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return count(s, Lamp(3)) == 0


def count(s: Panel, last: Lamp) -> int:
    return ite(last > 0, count(s, Lamp(last - 1)) * int(s.lit[last]), 0)  # lint: builtin
