from __future__ import annotations

from tests.machine.lint_cases.panel import luck

from coordination.machine import forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    def luck(lamp: Lamp) -> bool:
        return s.lit[lamp]
    
    return forall(Lamp, luck) == (not s.locked)  # lint: not
