from __future__ import annotations

from coordination.machine import forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


def is_odd(lamp: Lamp) -> bool:
    return lamp % 2 == 1 and lamp > 1  # lint: and-or


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return forall(Lamp, is_odd)
