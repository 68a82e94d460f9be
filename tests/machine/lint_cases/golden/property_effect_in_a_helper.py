from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import NOTHING, Panel, Watt, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return cleared(s) == 0


def cleared(s: Panel) -> Watt:
    s.used = NOTHING  # lint: property-effect
    return s.used
