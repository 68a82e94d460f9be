from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Mode, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    s.used = {Mode.ON: w.limit}[s.mode]  # lint: not-in-the-language
