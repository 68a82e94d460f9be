from __future__ import annotations

from coordination.machine import action, when
from tests.machine.lint_cases.panel import Lamp, Order, Panel, Watt, Wiring


@action
def press(s: Panel, w: Wiring, order: Order) -> None:
    when(order == Order(Lamp(0), Watt(1)))  # lint: whole-record
