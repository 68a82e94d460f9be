from __future__ import annotations

from coordination.machine import action, ite
from tests.machine.lint_cases.panel import Lamp, Order, Panel, Watt, Wiring


@action
def press(s: Panel, w: Wiring, order: Order) -> None:
    best = ite(s.locked, order, Order(Lamp(0), Watt(1)))  # lint: whole-record
    s.lit[best.lamp] = True
