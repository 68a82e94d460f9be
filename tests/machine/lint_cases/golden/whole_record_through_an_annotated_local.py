from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Lamp, Order, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    order: object = Order(Lamp(0), s.used)
    return order == s.used  # lint: whole-record
