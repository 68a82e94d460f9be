from __future__ import annotations

from builtins import min as smallest

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return smallest(s.used, w.limit) == w.limit  # lint: builtin
