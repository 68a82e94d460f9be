from __future__ import annotations

from coordination.machine import action, require
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    clear(s)
    check(s)  # lint: guard-after-effect


def clear(s: Panel) -> None:
    s.lit.reset()


def check(s: Panel) -> None:
    require("P9", s.locked, "Open")
