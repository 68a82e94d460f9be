from __future__ import annotations

from coordination.machine import action, attempt, implies, invariant
from tests.machine.lint_cases.panel import Mode, Panel, Wiring


def press(s: Panel, w: Wiring) -> None:
    s.mode = Mode.OFF if s.locked else Mode.ON  # lint: conditional-expression


class Imagined:
    press = action(press)


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    accepted, after = attempt(Imagined.press, s, w)
    return implies(accepted, after.locked)
