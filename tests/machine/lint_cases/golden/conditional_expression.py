from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import NOTHING, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return s.used == (w.limit if s.locked else NOTHING)  # lint: conditional-expression
