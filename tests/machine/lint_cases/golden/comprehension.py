from __future__ import annotations

from coordination.machine import all_of, invariant
from tests.machine.lint_cases.panel import Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return all_of(*[s.lit[lamp] for lamp in w.lamps])  # lint: comprehension
