from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return w.allows(Lamp(0), s.used) + s.used == 1  # lint: boolean-arithmetic
