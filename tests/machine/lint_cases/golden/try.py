from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Mode, NOTHING, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    try:  # lint: try
        s.used = NOTHING
    finally:
        s.mode = Mode.ON
