from __future__ import annotations

from coordination.machine import forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return forall(Lamp, lambda lamp: is_cold(s, lamp))


def is_cold(s: Panel, lamp: Lamp) -> bool:
    return not s.lit[lamp]  # lint: not
