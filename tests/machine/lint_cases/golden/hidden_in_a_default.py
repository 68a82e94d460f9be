from __future__ import annotations

from coordination.machine import forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return forall(Lamp, lambda lamp, dark=not s.locked: dark)  # lint: not
