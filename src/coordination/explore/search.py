"""Breadth-first exploration of an instance: whole frontiers at a time, every property judged in one run."""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coordination.explore import rows
from coordination.explore.kernel import CHUNK, Compiler, Kernel, Tally
from coordination.explore.layout import Layout, TableFull
from coordination.explore.rows import Column, Columns, Visited
from coordination.explore.symmetry import Canonical
from coordination.explore.values import narrowed
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Property
from coordination.machine.terms import Value

Level = dict[int, Columns]  # the states first seen after so many steps, by clock; sorted


@dataclass(frozen=True)
class Budget:
    """When to give up. None is no limit; `memory` is of the whole process, in bytes."""

    states: int | None = None
    memory: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    states: int
    depth: int
    frontier: int
    seconds: float


@dataclass
class Exploration:
    """What a search found. `levels[d]` are the states whose shortest run has d steps.

    `found` has, for each property that is broken and each situation that is reached, the first level with a state that
    shows it: for a step property, a state with a step that breaks it. `exhausted` names the budget that ran out, if one
    did.
    """

    layout: Layout
    canonical: Canonical | None
    levels: list[Level] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    exhausted: str = ""
    seconds: float = 0.0
    states: int = 0

    @property
    def transitions(self) -> int:
        """Steps taken from the states found, accepted and rejected."""
        return int(self.tally.accepted.total() + self.tally.rejected.total())

    @property
    def depth(self) -> int:
        """The number of levels, the initial state's included."""
        return len(self.levels)


class Search:
    """One exploration. `kernel(clock)` compiles on first use and is shared with the rebuilding of traces."""

    def __init__(self, machine: Machine, instance: Instance, properties: Sequence[Property]) -> None:
        self.machine, self.instance, self.properties = machine, instance, tuple(properties)
        self._narrowed = narrowed(machine, instance)
        self._arrange(tables=0)

    def _arrange(self, tables: int | None) -> None:
        """Pack states with at least so many tables, or (None) with none at all."""
        self.layout = Layout(self._narrowed, tables)
        self.canonical = Canonical.of(self.layout, self.properties) if self.instance.interchangeable else None
        self._compiler = Compiler(self.layout)
        self._kernels: dict[int, Kernel] = {}

    def kernel(self, clock: int) -> Kernel:
        if clock not in self._kernels:
            self._kernels[clock] = self._compiler.kernel(self.fixed(clock), self.properties)
        return self._kernels[clock]

    def fixed(self, clock: int) -> Mapping[str, int]:
        """What is the same in all states that are kept under `clock`."""
        return {self.machine.clock: clock} if self.machine.clock else {}

    def values(self, wanted: Sequence[Value]) -> Callable[[Columns], list[NDArray[np.int64]]]:
        """Compiled code that gives what each of `wanted` is in every row of a set of states."""
        return self._compiler.values(wanted)

    def run(
        self,
        budget: Budget | None = None,
        report: Callable[[Progress], None] | None = None,
        *,
        until_decided: bool = False,
    ) -> Exploration:
        """Explore until no state is left, or the budget is, or (`until_decided`) a trace of every property is found."""
        while True:
            run = _Run(self, budget or Budget(), report)
            try:
                return run.explore(lambda found: until_decided and len(found) == len(self.properties))
            except TableFull:  # start again with more tables of larger numbers, and in the end with none
                more = len(self.layout.tables) + 1
                self._arrange(more)
                if len(self.layout.tables) < more:
                    self._arrange(None)

    def initial(self) -> tuple[int, Columns]:
        state = self.layout.unrolled.initial
        columns = tuple(np.array([word], np.int64) for word in self.layout.pack(state))
        return self.layout.clock_of(state), columns


def chunks(columns: Columns) -> Iterator[tuple[int, Columns]]:
    """Pieces of a set that fit a core's cache, each with the number of its first row."""
    for start in range(0, rows.size(columns), CHUNK):
        yield start, tuple(column[start : start + CHUNK] for column in columns)


class _Exhausted(Exception):
    """A budget ran out; the message names it."""


class _Pending:
    """Successors at one clock that are yet to be compared with the states known."""

    FLUSH = 1 << 22  # how many to hold before repetitions among them are dropped

    def __init__(self, canonical: Canonical | None) -> None:
        self._canonical = canonical
        self._parts: list[Columns] = []
        self._held = 0
        self._runs: list[Columns] = []

    def put(self, columns: Columns) -> None:
        self._parts.append(columns)
        self._held += rows.size(columns)
        if self._held > self.FLUSH:
            self._flush()

    def drain(self) -> tuple[Column, Columns]:
        """All of them, in canonical form and without repetitions, sorted; with their keys."""
        self._flush()
        runs, self._runs = self._runs, []
        return rows.distinct(rows.concatenate(runs))

    def _flush(self) -> None:
        if self._parts:
            columns = rows.concatenate(self._parts)
            self._parts, self._held = [], 0
            _, columns = rows.distinct(self._canonical.apply(columns) if self._canonical else columns)
            self._runs.append(columns)


class _Run:
    def __init__(self, search: Search, budget: Budget, report: Callable[[Progress], None] | None) -> None:
        self._search, self._budget, self._report = search, budget, report
        self._result = Exploration(search.layout, search.canonical)
        self._visited: dict[int, Visited] = defaultdict(Visited)
        self._started = time.perf_counter()

    def explore(self, is_enough: Callable[[Mapping[str, int]], bool]) -> Exploration:
        clock, columns = self._search.initial()
        initial = _Pending(self._search.canonical)
        initial.put(columns)
        successors = {clock: initial}
        try:
            while (level := self._admit(successors)) and not is_enough(self._result.found):
                successors = self._expand(level)
        except _Exhausted as exhausted:
            self._result.exhausted = str(exhausted)
        self._result.seconds = time.perf_counter() - self._started
        return self._result

    def _admit(self, successors: dict[int, _Pending]) -> Level:
        """Keep the states that are new, judge them, and drop what no later state can equal."""
        level: Level = {}
        for clock in sorted(successors):
            fresh = self._visited[clock].add(*successors.pop(clock).drain())
            if rows.size(fresh):
                level[clock] = fresh
        if not level:
            return level
        for clock in [clock for clock in self._visited if self._search.machine.clock and clock < min(level)]:
            del self._visited[clock]
        result = self._result
        result.levels.append(level)
        result.states += sum(map(rows.size, level.values()))
        for clock, columns in level.items():
            self._judge(clock, columns)
        self._check_budget()
        return level

    def _judge(self, clock: int, columns: Columns) -> None:
        kernel = self._search.kernel(clock)
        for _, chunk in chunks(columns):
            kernel.judge(chunk, self._note)

    def _expand(self, level: Level) -> dict[int, _Pending]:
        successors: dict[int, _Pending] = defaultdict(lambda: _Pending(self._search.canonical))

        def put(clock: int, _: NDArray[np.int64], columns: Columns) -> None:
            successors[clock].put(columns)

        for clock, columns in level.items():
            kernel = self._search.kernel(clock)
            for start, chunk in chunks(columns):
                kernel.expand(chunk, put, self._result.tally, self._note)
                if start % (CHUNK << 4) == 0:
                    self._check_budget()
        return successors

    def _note(self, name: str, hits: NDArray[np.int64]) -> None:
        """Remember the first level at which a property was decided."""
        self._result.found.setdefault(name, len(self._result.levels) - 1)

    def _check_budget(self) -> None:
        result, budget = self._result, self._budget
        seconds = time.perf_counter() - self._started
        if self._report:
            frontier = sum(map(rows.size, result.levels[-1].values()))
            self._report(Progress(result.states, result.depth, frontier, seconds))
        if budget.states is not None and result.states > budget.states:
            raise _Exhausted(f"more than {budget.states:_} states")
        if budget.seconds is not None and seconds > budget.seconds:
            raise _Exhausted(f"more than {budget.seconds:g} seconds")
        if budget.memory is not None and _resident() > budget.memory:
            raise _Exhausted(f"more than {budget.memory / 2**30:.1f} GiB of memory")


def _resident() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
