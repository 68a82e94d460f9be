from __future__ import annotations

from coordination.machine import action
from tests.machine.lint_cases.panel import NOTHING, Panel, Wiring


@action
async def press(s: Panel, w: Wiring) -> None:  # lint: coroutine
    s.used = NOTHING
