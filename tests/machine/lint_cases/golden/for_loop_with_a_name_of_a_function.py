from __future__ import annotations

from tests.machine.lint_cases.panel import luck

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    for luck in w.lamps:  # lint: for-loop
        s.lit[luck] = False
