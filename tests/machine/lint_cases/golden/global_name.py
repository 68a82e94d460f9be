from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


presses = 0


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    global presses  # lint: global-name
    presses = 1
