from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, NOTHING, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    s.used = NOTHING
    return s.used  # lint: action-returns
