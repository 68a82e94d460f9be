"""Checking a machine in an instance: one exploration, a verdict for every property."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordination.explore.kernel import Tally
from coordination.explore.retrace import shortest_trace
from coordination.explore.search import Budget, Exploration, Progress, Search
from coordination.machine.machine import Instance, Machine, Pin
from coordination.machine.property import Expected, Property
from coordination.machine.trace import Trace
from coordination.machine.verdict import Status, Verdict

EXHAUSTIVE, TRUNCATED = "exhaustive", "truncated"


@dataclass(frozen=True)
class Checked:
    """The verdicts of one exploration; its size against the pinned one; and which steps it saw."""

    machine: Machine
    instance: Instance
    verdicts: tuple[Verdict, ...]
    size: Pin
    exhausted: str  # the budget that ran out, if one did
    tally: Tally
    never: tuple[str, ...]  # the actions that were never accepted, and the guards that never failed

    @property
    def drift(self) -> Pin | None:
        """The pinned size, if the exploration was complete and found another one."""
        pinned = self.machine.pins.get(self.instance.name)
        return pinned if not self.exhausted and pinned is not None and pinned != self.size else None


def check(
    machine: Machine,
    instance: Instance,
    properties: Sequence[Property],
    budget: Budget | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Checked:
    """Explore `instance` and judge `properties`; raises SpecificationError where the specification is not sound."""
    expected = {prop.name: machine.expected[prop.name] for prop in properties if prop.name in machine.expected}
    routes = [route for known in expected.values() for route in known.routes]
    search = Search(machine, instance, [*properties, *routes])
    exploration = search.run(budget, report)
    verdicts = (_judge(search, exploration, prop, expected.get(prop.name)) for prop in properties)
    size = Pin(exploration.states, exploration.transitions, exploration.depth)
    return Checked(
        machine, instance, tuple(verdicts), size, exploration.exhausted, exploration.tally, _never(search, exploration)
    )


def _never(search: Search, exploration: Exploration) -> tuple[str, ...]:
    tally = exploration.tally
    actions = (action.name for action in search.machine.actions if not tally.accepted[action.name])
    guards = (" ".join(guard) for guard in sorted(search.layout.unrolled.checks) if not tally.rejected[guard])
    return (*actions, *guards)


def _judge(search: Search, exploration: Exploration, prop: Property, known: Expected | None) -> Verdict:
    trace = shortest_trace(search, exploration, prop)
    routes: list[tuple[str, Trace | None]] = []
    if trace is not None:
        status, reason = Status.VIOLATED, known.why if known else ""
        routes = [(route.name, shortest_trace(search, exploration, route)) for route in (known.routes if known else ())]
        gone = [name for name, found in routes if found is None]
        expected = known is not None and not gone
        if gone and exploration.exhausted:
            status, reason = (
                Status.UNKNOWN,
                f"gave up after {exploration.exhausted}, before {', '.join(gone)} was found",
            )
        elif gone:
            reason = f"no longer violated by: {', '.join(gone)}"
    elif exploration.exhausted:
        status, expected, reason = Status.UNKNOWN, False, f"the search gave up after {exploration.exhausted}"
    else:
        status, expected = Status.HOLDS, known is None
        reason = "" if known is None else f"expected to be violated ({known.why}), but is not"
    return Verdict(
        machine=search.machine.name,
        design=search.machine.design,
        instance=search.instance.name,
        property=prop.name,
        method=TRUNCATED if exploration.exhausted else EXHAUSTIVE,
        status=status,
        expected=expected,
        states=exploration.states,
        transitions=exploration.transitions,
        depth=exploration.depth,
        seconds=exploration.seconds,
        trace=trace,
        reason=reason,
        routes=tuple(routes),
    )
