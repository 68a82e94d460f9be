from __future__ import annotations

import time

from coordination.machine import action
from tests.machine.lint_cases.panel import Lamp, Panel, Watt, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    s.used = Watt(time.time_ns())  # lint: unknown-call
