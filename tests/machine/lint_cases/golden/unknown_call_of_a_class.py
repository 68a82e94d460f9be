from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


class Memory:
    used = 0


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return Memory().used == s.used  # lint: unknown-call
