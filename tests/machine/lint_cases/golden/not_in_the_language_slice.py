from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return w.lamps[1:] == s.used  # lint: not-in-the-language
