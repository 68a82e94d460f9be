from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Mode, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    if s.lit[lamp]:  # lint: if-statement
        s.mode = Mode.ON
