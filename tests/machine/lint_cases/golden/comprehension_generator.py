from __future__ import annotations

from coordination.machine import exists, forall, invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return exists(Lamp, lambda lamp: forall(Lamp, (s.lit[i] for i in w.lamps)))  # lint: comprehension
