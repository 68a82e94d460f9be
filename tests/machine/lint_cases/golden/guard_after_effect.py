from __future__ import annotations

from coordination.machine import action, require
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    s.used += 1
    require("P9", s.used < w.limit, "TooMuch")  # lint: guard-after-effect
