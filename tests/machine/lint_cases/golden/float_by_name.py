from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


FACTOR = 0.5


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return s.used * FACTOR <= w.limit  # lint: float
