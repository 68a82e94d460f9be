"""What there is to try: every state that a contract can tell apart, with every call that the specification makes in it.

Many states of a specification look alike to a contract, which sees neither gossip nor the memory of nodes. They are
explored with the compiled kernels and grouped by what the contract sees; that its answers can depend on nothing else is
not assumed but read off the rules, term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from coordination.explore.kernel import Refusal
from coordination.explore.layout import Row
from coordination.explore.rows import Column, Columns
from coordination.explore.search import Exploration, Search, chunks
from coordination.machine import terms
from coordination.machine.action import Action, Arguments
from coordination.machine.machine import Instance, Machine
from coordination.machine.state import SpecificationError
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import StepTerms

Seen = tuple[int, ...]  # the values of the visible fields, in order
Report = Callable[[str], None]  # is told how far the work is, in a few words


def silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A call that the specification makes at `clock`, in `states` states that look alike; `row` is one of them."""

    clock: int
    action: Action
    arguments: Arguments
    states: int
    row: Row


@dataclass
class Place:
    """All states that look alike but for the time. `row` is one of them, at the first of `clocks`."""

    row: Row
    clocks: list[int] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)


class Experiments:
    """The places of an instance, in the order in which a search meets them; the first is the initial one."""

    def __init__(
        self,
        machine: Machine,
        instance: Instance,
        actions: Sequence[str],
        visible: Sequence[str],
        report: Report = silent,
    ) -> None:
        """Explores the instance. Raises SpecificationError where an answer depends on what is not visible."""
        self._search = Search(machine, replace(instance, interchangeable=None), [])  # each caller is its own
        self._actions = frozenset(machine.action(name).name for name in actions)
        self._visible = frozenset(visible)
        self._unrolled = self._search.layout.unrolled
        unknown = self._visible - {name for name, _ in self._unrolled.fields}
        if unknown:
            raise SpecificationError(f"{machine.name} has no variable {min(unknown)!r} that a contract could see")
        fields = self._unrolled.fields.items()
        self._fields = [leaf for (name, _), leaf in fields if name in self._visible and terms.is_term(leaf)]
        if not self._fields:
            raise SpecificationError(f"nothing of what the contract is said to see ever changes in {instance.name!r}")
        self._states: dict[tuple[int, Row], Valuation] = {}
        self.places: dict[Seen, Place] = {}
        exploration = self._search.run(None, lambda progress: report(f"explored {progress.states:,} states"))
        self.states = exploration.states
        self._gather(exploration, report)
        self.guards: set[Refusal] = {check for check in self._unrolled.checks if check[0] in self._actions}

    def state(self, clock: int, row: Row) -> Valuation:
        """The state that a search stored as `row`."""
        if (clock, row) not in self._states:
            self._states[clock, row] = self._search.layout.unpack(clock, row)
        return self._states[clock, row]

    def state_at(self, place: Place, clock: int) -> Valuation:
        """A state of `place` at another time; what is not visible of it means nothing."""
        state = self.state(place.clocks[0], place.row)
        return Valuation(dict(state.items()) | self._fixed(clock))

    def visible_of(self, state: Valuation) -> Valuation:
        """What is visible of a state, and the time."""
        names = {*self._visible, *self._fixed(0)}
        return Valuation({name: value for name, value in state.items() if name in names})

    def seen(self, state: Valuation) -> Seen:
        """What is visible of a state: equal for states of one place."""
        return tuple(state.entry(leaf.args[0].variable, leaf.args[0].key) for leaf in self._fields)

    def _gather(self, exploration: Exploration, report: Report) -> None:
        for clock in sorted({clock for level in exploration.levels for clock in level}):
            report(f"grouped the states before {self._search.machine.clock or 'time'} {clock}")
            steps = self._steps(self._fixed(clock))
            values = self._search.values([*self._fields, *(terms.conjunction(step.when) for step in steps)])
            found: dict[Seen, _Group] = {}
            for level in exploration.levels:
                if clock in level:
                    for _, chunk in chunks(level[clock]):
                        self._count(chunk, values(chunk), found)
            for seen, group in found.items():
                place = self.places.setdefault(seen, Place(group.row))
                place.clocks.append(clock)
                for number, row in sorted(group.rows.items()):
                    action = self._search.machine.action(steps[number].action)
                    states = int(group.states[number])
                    place.trials.append(Trial(clock, action, steps[number].arguments, states, row))

    def _fixed(self, clock: int) -> dict[str, int]:
        return {self._search.machine.clock: clock} if self._search.machine.clock else {}

    def _steps(self, fixed: dict[str, int]) -> list[StepTerms]:
        """The calls at one time, once it is certain that they read and write what is visible, and nothing else does."""
        calls = []
        for step in self._unrolled.steps(fixed):
            writes = {place.variable: value for place, value in step.updates.items() if place.variable in self._visible}
            if step.action not in self._actions:
                if writes:
                    raise SpecificationError(
                        f"{step.action} is not said to be a call of the contract, but it changes {min(writes)}"
                    )
                continue
            answers = [*(guard.holds for guard in step.guards), *writes.values(), *step.emitted]
            hidden = {term.args[0].variable for term in terms.walk(answers) if term.op == "field"} - self._visible
            if hidden:
                raise SpecificationError(
                    f"what {step.action} does depends on {min(hidden)}, which the contract is not said to see"
                )
            calls.append(step)
        return calls

    def _count(self, chunk: Columns, columns: Sequence[Column], found: dict[Seen, _Group]) -> None:
        """Group the states of a chunk by what is seen of them, and count for each step how many make it."""
        visible, made = columns[: len(self._fields)], columns[len(self._fields) :]
        rows, first, group_of = np.unique(np.stack(visible), axis=1, return_index=True, return_inverse=True)
        counts = np.zeros((len(made), rows.shape[1]), np.int64)
        for step, mask in enumerate(made):
            counts[step] = np.bincount(group_of, mask, rows.shape[1])
        for number, seen in enumerate(map(tuple, rows.T.tolist())):
            if seen not in found:
                found[seen] = _Group(_row(chunk, int(first[number])), np.zeros(len(made), np.int64))
            group = found[seen]
            for step in np.flatnonzero((counts[:, number] > 0) & (group.states == 0)).tolist():
                group.rows[step] = _row(chunk, int(np.argmax(made[step] & (group_of == number))))
            group.states += counts[:, number]


@dataclass
class _Group:
    """The states of one time that look alike: one of them; for each step, how many make it, and one that does."""

    row: Row
    states: Column
    rows: dict[int, Row] = field(default_factory=dict)


def _row(columns: Columns, number: int) -> Row:
    return tuple(int(column[number]) for column in columns)
