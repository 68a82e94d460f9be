from __future__ import annotations

from collections.abc import Callable

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


def compare(limit: int) -> Callable[[Panel], bool]:
    return lambda s: not s.used == limit  # lint: not


is_dark = compare(0)


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return is_dark(s)
