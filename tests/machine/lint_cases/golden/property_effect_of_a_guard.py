from __future__ import annotations

from coordination.machine import invariant, when
from tests.machine.lint_cases.panel import Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    when(s.locked)  # lint: property-effect
    return s.used == 0
