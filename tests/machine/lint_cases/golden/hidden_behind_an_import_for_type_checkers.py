from __future__ import annotations

from typing import TYPE_CHECKING

from coordination.machine import forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel

if TYPE_CHECKING:
    from tests.machine.lint_cases.panel import Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return forall(Lamp, lambda lamp: fits(s, w, lamp))


def fits(s: Panel, w: Wiring, lamp: Lamp) -> bool:
    return not w.allows(lamp, s.power[lamp])  # lint: not
