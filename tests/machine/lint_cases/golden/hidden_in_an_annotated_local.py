from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Watt, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    used: Watt
    used = s.used
    limit: Watt = max(used, w.limit)  # lint: builtin
    return limit == w.limit
