from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Lamp, Order, Panel, Watt, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return Order(Lamp(0), Watt(not s.used)).is_small(w)  # lint: not
