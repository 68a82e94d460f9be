from __future__ import annotations

from coordination.machine import terms

from coordination.machine import action, when
from tests.machine.lint_cases.panel import Lamp, Panel, Wiring


@action
def press(s: Panel, w: Wiring, lamp: Lamp) -> None:
    when(terms.is_term(s.used))  # lint: unknown-call
