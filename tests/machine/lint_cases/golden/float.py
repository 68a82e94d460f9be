from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Panel, Watt, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    s.used = Watt(s.used * 0.5)  # lint: float
