from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    fuse = w.fuse
    again: object = fuse
    return again == s.power  # lint: whole-map
