from __future__ import annotations

from coordination.machine import invariant, total
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return total(Lamp, lambda lamp: s.lit[lamp]) == 1  # lint: boolean-arithmetic
