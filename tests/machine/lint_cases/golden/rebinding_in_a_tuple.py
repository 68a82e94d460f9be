from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Order, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp, order: Order) -> None:
    lamp, power = order  # lint: rebinding
    s.power[lamp] = power
