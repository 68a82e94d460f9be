from __future__ import annotations

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Panel, Watt, Wiring


class Rounding:
    def reading_of(self, s: Panel, w: Wiring) -> Watt:
        return Watt(abs(s.used))  # lint: builtin


METER = Rounding()


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return w.meter.reading_of(s, w) == 0
