from __future__ import annotations

from typing import NamedTuple

from coordination.machine import invariant
from tests.machine.lint_cases.panel import Lamp, Panel, Watt, Wiring


class Order(NamedTuple):
    lamp: Lamp
    watt: Watt

    def is_free(self, s: Panel) -> bool:
        return not s.lit[self.lamp]  # lint: not


@invariant()
def claimed(s: Panel, w: Wiring) -> bool:
    return Order(Lamp(0), Watt(1)).is_free(s)
