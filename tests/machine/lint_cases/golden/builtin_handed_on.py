from __future__ import annotations

from coordination.machine import invariant, total
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return total(Lamp, len) == 0  # lint: builtin
