from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Mode, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return Mode(s.mode) != Mode(1)  # lint: builtin
