from __future__ import annotations

from coordination.machine import same, step_property
from tests.machine.lint_cases.panel import Panel, Wiring


@step_property()
def kept(before: Panel, after: Panel, w: Wiring) -> bool:
    return same(before.lit, after.lit)  # lint: whole-map
