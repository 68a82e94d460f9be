from __future__ import annotations

from random import randrange as int_below

from coordination.machine import action, when
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    when(s.used < int_below(3))  # lint: unknown-call
