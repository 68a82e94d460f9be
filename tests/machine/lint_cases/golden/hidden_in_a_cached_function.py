from __future__ import annotations

from functools import cache

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Watt, Wiring


@cache
def half(used: Watt) -> int:
    return used >> 1  # lint: operator


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return half(s.used) == 0
