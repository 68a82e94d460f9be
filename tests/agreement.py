"""Do the three readings of a machine agree? The oracle's answers, held against compiled kernels and Z3 formulas.

The oracle answers for every state and every step, but is not asked for each anew. Its answer depends on what it reads,
so states that are alike in all of that get the same answer. What it reads is watched, never assumed: the states that
it is given write down where they are looked at.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import z3
from numpy.typing import NDArray

from coordination.explore.kernel import Compiler, Kernel, Tally
from coordination.explore.layout import Layout
from coordination.explore.rows import Columns
from coordination.explore.search import Search
from coordination.explore.values import Narrowed, narrowed
from coordination.machine import Instance, Machine, Map, Property, SpecificationError, State, terms
from coordination.machine.action import Action, Arguments
from coordination.machine.formulas import Formulas, named
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.state import Key, variables
from coordination.machine.terms import Value
from coordination.machine.trace import Step, Valuation
from coordination.machine.unrolled import Unrolled

Place = tuple[str, Key]  # a scalar has the key ()
Rows = NDArray[np.intp]
Column = NDArray[Any]
A = TypeVar("A")

ACCEPTED, IMPOSSIBLE = "", "(impossible)"
REFUSED = "(refused)"  # the specification contradicts itself there: it writes a value outside of its domain,
ASTRAY = "(astray)"  # or at a key outside of its domain
HOLDS, BROKEN = "holds", "broken"
CHUNK = 1 << 12


class Disagreement(AssertionError):
    """Two readings of one rule say different things about one state."""


def demand(agreed: bool, message: str) -> None:
    if not agreed:
        raise Disagreement(message)


# States side by side


@dataclass(frozen=True)
class Batch:
    """States, one a row: a column for each place."""

    machine: Machine
    columns: Mapping[Place, Column]
    _states: dict[int, Valuation] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def rows(self) -> Rows:
        return np.arange(len(self))

    def state(self, row: int) -> Valuation:
        if row not in self._states:
            self._states[row] = self._state(row)
        return self._states[row]

    def _state(self, row: int) -> Valuation:
        values: dict[str, Any] = {v.name: {} if v.index else 0 for v in variables(self.machine.state)}
        for (name, key), column in self.columns.items():
            if key:
                values[name][key] = int(column[row])
            else:
                values[name] = int(column[row])
        return Valuation(values)

    def take(self, rows: Rows) -> Batch:
        return Batch(self.machine, {place: column.take(rows) for place, column in self.columns.items()})

    def chunks(self, size: int) -> Iterator[Batch]:
        for start in range(0, len(self), size):
            yield self.take(self.rows[start : start + size])

    def clock(self) -> Column:
        return self.columns[self.machine.clock, ()] if self.machine.clock else np.zeros(len(self), np.int64)

    def by_clock(self) -> Iterator[tuple[int, Batch]]:
        for value in np.unique(self.clock()).tolist():
            yield value, self.take(np.flatnonzero(self.clock() == value))


def side_by_side(machine: Machine, instance: Instance, states: Sequence[Valuation]) -> Batch:
    places = Unrolled(machine, instance).fields
    return Batch(machine, {place: np.array([state.entry(*place) for state in states], np.int64) for place in places})


def _values_at(positions: Column, values: Sequence[int]) -> Column:
    if isinstance(values, range):  # which may be too long to write down
        return positions + values[0]
    return np.array(values).take(positions, mode="clip")


def _positions(column: Column, values: Sequence[int]) -> Column:
    return column - values[0] if isinstance(values, range) else np.searchsorted(np.array(values), column)


def unpacked(layout: Layout, clock: Column, words: Columns) -> Batch:
    """States of several words as a batch: `Layout.unpack` for all of them at once."""
    columns: dict[Place, Column] = {}
    for place, leaf in layout.unrolled.fields.items():
        if place[0] == layout.clock:
            columns[place] = clock
        elif terms.is_term(leaf):
            slot = layout.slots[leaf.args[0]]
            columns[place] = _values_at((words[slot.word] & slot.mask) >> slot.shift, slot.values)
        else:
            columns[place] = np.full(len(clock), int(leaf))
    return Batch(layout.unrolled.machine, columns)


def packed(layout: Layout, batch: Batch) -> Columns:
    """A batch as several words: `Layout.pack` for all states at once. Demands that unpacking gives the batch back."""
    words = np.zeros((layout.words, len(batch)), np.int64)
    for place, slot in layout.slots.items():
        words[slot.word] |= _positions(batch.columns[place.variable, place.key], slot.values) << slot.shift
    again = unpacked(layout, batch.clock(), tuple(words))
    for (name, key), column in batch.columns.items():
        lost = np.flatnonzero(again.columns[name, key] != column)
        demand(not len(lost), f"packed states have no place for {name}{list(key)} = {column[lost[:1]]}")
    return tuple(words)


def stored(layout: Layout, words: Columns) -> Columns:
    """The words of states as a search stores them."""
    if not layout.tables:
        return words
    column = words[0]
    for table, word in zip(layout.tables, words[1:], strict=True):
        column = table.with_numbers(column, table.number(word))
    return (column,)


def fetched(layout: Layout, columns: Columns) -> Columns:
    """The words of stored states."""
    if not layout.tables:
        return columns
    first = columns[0] & ((1 << min(table.shift for table in layout.tables)) - 1)
    words = (first, *(table.words_of(table.numbers_in(columns[0])) for table in layout.tables))
    for mine, theirs in zip(columns, stored(layout, words), strict=True):
        demand(bool((mine == theirs).all()), "one state is stored in two ways")
    return words


# The oracle, watched


class _Looked:
    """Mixed into a machine's state: a scalar that was not written is read from the valuation, and noted."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._note((name, ()))


class _Refused(SpecificationError):
    """A value leaves its domain."""


class Outcome(NamedTuple):
    answer: str  # ACCEPTED, IMPOSSIBLE, REFUSED, ASTRAY, or the rule that rejects the step and its error
    writes: Mapping[Place, int]


def answer_of(step: Step | None) -> str:
    if step is None:
        return IMPOSSIBLE
    return rejection(step.rule, step.error) if step.error else ACCEPTED


def rejection(rule: str | None, error: str) -> str:
    return f"{rule}: {error}"


class Watched(Oracle):
    """The oracle, running rules on states that note what is read."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        super().__init__(machine, instance)
        self._looked = type("Looked", (_Looked, machine.state), {})
        self._booleans = {variable.name: variable.boolean for variable in self._variables}
        self._maps = [(v, [instance.domain(sort) for sort in v.index]) for v in self._variables if v.index]
        self._reads: list[set[Place]] = []  # of each state that was opened
        self._writes: dict[Place, int] = {}

    def outcome(self, state: Valuation, action: Action, arguments: Arguments) -> tuple[Outcome, Iterable[Place]]:
        """What becomes of a step; and all that this depends on."""
        self._reads, self._writes = [], {}
        try:
            step = self.run(state, action, arguments)
        except _Refused:
            return Outcome(REFUSED, {}), self._reads[0]
        except SpecificationError:
            return Outcome(ASTRAY, {}), self._reads[0]
        return Outcome(answer_of(step), self._writes), self._reads[0]

    def verdict(self, prop: Property, *states: Valuation) -> tuple[str, Iterable[Any]]:
        """What is true of a property; and all that this depends on: for a step property, (which state, place)."""
        self._reads = []
        try:
            verdict = HOLDS if self.holds(prop, *states) else BROKEN
        except SpecificationError:
            verdict = ASTRAY
        if prop.kind is not Kind.STEP:
            return verdict, self._reads[0]
        return verdict, {(number, place) for number, places in enumerate(self._reads) for place in places}

    def _open(self, valuation: Valuation) -> State:
        live: Any = object.__new__(self._looked)
        seen: set[Place] = set()
        self._reads.append(seen)

        def note(place: Place) -> int | bool:
            seen.add(place)
            value = valuation.entry(*place)
            return bool(value) if self._booleans[place[0]] else value

        live._note, live._valuation = note, valuation
        for variable, domains in self._maps:
            setattr(live, variable.name, Map(variable, domains, partial(self._missing, note, variable.name), {}))
        return live  # type: ignore[no-any-return]

    @staticmethod
    def _missing(note: Callable[[Place], int | bool], name: str, key: Key) -> int | bool:
        return note((name, key))

    def _check_domains(self, before: Valuation | None, after: Valuation, what: str) -> None:
        try:
            super()._check_domains(before, after, what)
        except SpecificationError as error:
            raise _Refused(str(error)) from error

    def _close(self, live: State) -> Valuation:
        written = live.__dict__
        values = dict(written["_valuation"].items())
        for variable in self._variables:
            name = variable.name
            if variable.index:
                entries = {key: int(entry) for key, entry in written[name].entries.items()}
                self._writes |= {(name, key): entry for key, entry in entries.items()}
                values[name] = values[name] | entries
            elif name in written:
                self._writes[name, ()] = values[name] = int(written[name])
        return Valuation(values)


class Answers(Generic[A]):
    """What is answered of rows of columns, asked once for all rows that are alike wherever the answer looked."""

    def __init__(self) -> None:
        self.given: list[A] = []
        self._places: list[Any] = []
        self._known: dict[tuple[int, ...], int] = {}

    def of(
        self, columns: Mapping[Any, Column], rows: Rows, ask: Callable[[int], tuple[A, Iterable[Any]]]
    ) -> NDArray[np.intp]:
        """For each of `rows`, which of `given` is its answer. `ask(row)` answers, and says where it looked."""
        while True:
            looked = [columns[place].take(rows) for place in self._places]
            first, alike = _classes(looked, len(rows))
            numbers = [self._number(columns, looked, rows, at, ask) for at in first.tolist()]
            if None not in numbers:
                return np.array(numbers, np.intp).take(alike)

    def column(
        self, columns: Mapping[Any, Column], rows: Rows, ask: Callable[[int], tuple[A, Iterable[Any]]]
    ) -> Column:
        """The answer of each of `rows`."""
        which = self.of(columns, rows, ask)
        return np.array(self.given).take(which) if len(rows) else np.empty(0)

    def _number(
        self,
        columns: Mapping[Any, Column],
        looked: Sequence[Column],
        rows: Rows,
        at: int,
        ask: Callable[[int], tuple[A, Iterable[Any]]],
    ) -> int | None:
        """The answer of one row; None if it had to look at more places than were known to matter."""
        if len(looked) < len(self._places):
            return None
        key = tuple(int(column[at]) for column in looked)
        if key not in self._known:
            answer, places = ask(int(rows[at]))
            unknown = {place for place in places if place in columns}.difference(self._places)
            if unknown:
                self._places += sorted(unknown)
                self._known.clear()
                return None
            self._known[key] = len(self.given)
            self.given.append(answer)
        return self._known[key]


def _classes(columns: Sequence[Column], size: int) -> tuple[Rows, Rows]:
    """The first of each class of rows that are equal in all columns, and the class of each row."""
    key, span = np.zeros(size, np.int64), 1
    for column in columns if size else ():
        low, width = int(column.min()), int(column.max()) - int(column.min()) + 1
        if span * width >= 1 << 62:
            distinct, key = np.unique(key, return_inverse=True)
            span = len(distinct)
        key = key * width + (column - low)
        span *= width
    _, first, alike = np.unique(key, return_index=True, return_inverse=True)
    return first, alike


# The readings, held against each other


@dataclass(frozen=True)
class Taken:
    """One step instance, taken from every state of a batch."""

    action: str
    arguments: Arguments
    answers: Column
    before: Batch
    written: Mapping[Place, Column]

    @property
    def accepted(self) -> Rows:
        return np.flatnonzero(self.answers == ACCEPTED)

    @property
    def moved(self) -> Rows:
        """The rows in which the step is accepted and changes something."""
        differs = np.zeros(len(self.before), np.bool_)
        for place, column in self.written.items():
            differs |= column != self.before.columns[place]
        return np.flatnonzero(differs & (self.answers == ACCEPTED))

    @property
    def after(self) -> Batch:
        return Batch(self.before.machine, ChainMap(dict(self.written), dict(self.before.columns)))


class Readings:
    """One machine in one instance, read three ways. What was answered once is remembered from batch to batch.

    Without a `layout`, kernels work on states that are packed as a search packs them. `unclear` are the properties
    that the oracle could not judge somewhere.
    """

    def __init__(
        self, machine: Machine, instance: Instance, properties: Sequence[Property], layout: Layout | None = None
    ) -> None:
        self.machine, self.instance, self.properties = machine, instance, tuple(properties)
        self.oracle = Watched(machine, instance)
        self.calls = [(action, arguments) for action in machine.actions for arguments in instance.arguments(action)]
        self._outcomes: dict[int, Answers[Outcome]] = {number: Answers() for number in range(len(self.calls))}
        self._verdicts: dict[str, Answers[str]] = {prop.name: Answers() for prop in self.properties}
        self._pack(layout or Layout(narrowed(machine, instance), tables=0))
        self._unrolled = Unrolled(machine, instance)
        self._terms = {(step.action, step.arguments): step for step in self._unrolled.steps({})}
        self._formulas = Formulas(named())
        self._evaluated: dict[Value, Answers[int]] = {}
        self.unclear: set[str] = set()

    def _pack(self, layout: Layout) -> None:
        self.layout, self._compiler = layout, Compiler(layout)
        self._kernels: dict[int, Kernel] = {}

    def repacked(self, layout: Layout) -> Readings:
        """The same with other kernels; what is remembered is shared."""
        twin = copy(self)
        twin.unclear = set()
        twin._pack(layout)
        return twin

    # On integers

    def taken(self, batch: Batch) -> Iterator[Taken]:
        """Every step instance, as the oracle answers it in every state of the batch."""
        for number, (action, arguments) in enumerate(self.calls):
            ask = lambda row, call=(action, arguments): self.oracle.outcome(batch.state(row), *call)  # noqa: E731
            memo = self._outcomes[number]
            used, which = np.unique(memo.of(batch.columns, batch.rows, ask), return_inverse=True)
            outcomes = [memo.given[n] for n in used.tolist()]
            written: dict[Place, Column] = {}
            for place in {place for outcome in outcomes for place in outcome.writes}:
                writes = np.array([place in outcome.writes for outcome in outcomes]).take(which)
                values = np.array([outcome.writes.get(place, 0) for outcome in outcomes]).take(which)
                written[place] = np.where(writes, values, batch.columns[place])
            answers = np.array([outcome.answer for outcome in outcomes]).take(which)
            yield Taken(action.name, arguments, answers, batch, written)

    def contradictions(self, batch: Batch) -> Column:
        """For each state REFUSED or ASTRAY, if the oracle finds that some step contradicts the specification; or ""."""
        found = np.full(len(batch), "", dtype="<U10")
        for taken in self.taken(batch):
            for answer in (ASTRAY, REFUSED):
                found[taken.answers == answer] = answer
        return found

    def verdicts(self, prop: Property, batch: Batch) -> Column:
        """What the oracle says of a property in every state."""
        memo = self._verdicts[prop.name]
        return memo.column(batch.columns, batch.rows, lambda row: self.oracle.verdict(prop, batch.state(row)))

    def step_verdicts(self, prop: Property, taken: Taken, rows: Rows) -> Column:
        """What the oracle says of a step property in those states in which the step is accepted."""
        memo, before, after = self._verdicts[prop.name], taken.before, taken.after
        columns = {(0, place): column for place, column in before.columns.items()}
        columns |= {(1, place): column for place, column in after.columns.items()}
        ask = lambda row: self.oracle.verdict(prop, before.state(row), after.state(row))  # noqa: E731
        return memo.column(columns, rows, ask)

    # Against compiled kernels

    def check_kernels(self, batch: Batch, chunk: int = CHUNK) -> None:
        """Successors, rejections by error, and properties; with `chunk` states in each call of a kernel."""
        for clock, states in batch.by_clock():
            for part in states.chunks(max(chunk, CHUNK)):
                self._check_kernel(self._kernel(clock), part, chunk)

    def check_refusals(self, batch: Batch) -> None:
        """That kernels refuse each of these states, in which the oracle finds that a value leaves its domain."""
        for clock, states in batch.by_clock():
            for one in states.chunks(1):
                try:
                    self._run(self._kernel(clock), stored(self.layout, packed(self.layout, one)))
                except Disagreement:
                    continue
                raise Disagreement(f"only the oracle finds that a value leaves its domain in {one.state(0)}")

    def _kernel(self, clock: int) -> Kernel:
        if clock not in self._kernels:
            fixed = {self.machine.clock: clock} if self.machine.clock else {}
            self._kernels[clock] = self._compiler.kernel(fixed, self.properties)
        return self._kernels[clock]

    def _check_kernel(self, kernel: Kernel, batch: Batch, chunk: int) -> None:
        words = stored(self.layout, packed(self.layout, batch))
        calls = [
            self._run(kernel, tuple(word[start : start + chunk] for word in words), start)
            for start in range(0, len(batch), chunk)
        ]
        everything = list(self.taken(batch))
        for call in calls:
            _compare_tallies(everything, call)
        moves, judged = [], {prop.name: np.full(len(batch), HOLDS, "<U10") for prop in self.properties}
        for taken in everything:
            rows = taken.moved
            after = taken.after.take(rows)
            moves.append(np.array([rows, after.clock(), *packed(self.layout, after)]))
            for prop in self.properties:
                if prop.kind is Kind.STEP:
                    verdicts = self.step_verdicts(prop, taken, rows)
                    for verdict in (BROKEN, ASTRAY):
                        judged[prop.name][rows[verdicts == verdict]] = verdict
        for prop in self.properties:
            if prop.kind is not Kind.STEP:
                judged[prop.name][:] = self.verdicts(prop, batch)
        self._compare_moves(batch, np.concatenate(moves, axis=1), np.concatenate([c.moves for c in calls], axis=1))
        for prop in self.properties:
            flags = np.concatenate([call.flags[prop.name] for call in calls])
            found = np.where(flags == (prop.kind is Kind.SITUATION), HOLDS, BROKEN)
            verdicts = judged[prop.name]
            self.unclear |= {prop.name} if (verdicts == ASTRAY).any() else set()
            for row in np.flatnonzero((found != verdicts) & (verdicts != ASTRAY))[:1].tolist():
                raise Disagreement(f"the oracle and the kernel judge {prop.name} differently in {batch.state(row)}")

    def _run(self, kernel: Kernel, columns: Columns, start: int = 0) -> Found:
        """What a kernel makes of stored states, of which the first is number `start`."""
        moves = [np.empty((2 + self.layout.words, 0), np.int64)]
        flags = {prop.name: np.zeros(len(columns[0]), np.bool_) for prop in self.properties}
        found = Found(slice(start, start + len(columns[0])), Tally(), flags)

        def put(clock: int, rows: Rows, successors: Columns) -> None:
            moves.append(np.array([rows + start, np.full(len(rows), clock), *fetched(self.layout, successors)]))

        def flag(name: str, rows: Rows) -> None:
            flags[name][rows] = True

        try:
            kernel.expand(columns, put, found.tally, flag)
        except SpecificationError as refusal:
            raise Disagreement(f"the kernel refuses what the oracle does not: {refusal}") from refusal
        kernel.judge(columns, flag)
        return found._replace(moves=np.concatenate(moves, axis=1))

    def _compare_moves(self, batch: Batch, expected: Column, found: Column) -> None:
        ours, theirs = set(map(tuple, expected.T.tolist())), set(map(tuple, found.T.tolist()))
        for who, only in (("oracle", ours - theirs), ("kernel", theirs - ours)):
            for row, clock, *words in sorted(only)[:1]:
                after = unpacked(self.layout, np.array([clock]), tuple(np.array([word]) for word in words)).state(0)
                raise Disagreement(f"only the {who} goes from {batch.state(row)} to {after}")

    # Against formulas

    def check_formulas(self, batch: Batch) -> None:
        """Which guard rejects, what an accepted step changes, and properties."""
        for number, taken in enumerate(self.taken(batch)):
            self._check_step(*self.calls[number], taken)
        for prop in self.properties:
            if prop.kind is not Kind.STEP:
                term = self._unrolled.holds(prop, {})
                self._compare_verdicts(prop, batch, batch.rows, self.verdicts(prop, batch), term)

    def _check_step(self, action: Action, arguments: Arguments, taken: Taken) -> None:
        batch, step = taken.before, self._terms.get((action.name, arguments))
        answers = np.full(len(batch), IMPOSSIBLE, dtype="<U64")
        if step is not None:
            left = batch.rows  # the states in which no fact has failed yet
            for fact in step.when:
                left = left[self._evaluate(fact, batch, left) == 1]
            for guard in step.guards:
                passes = self._evaluate(guard.holds, batch, left) == 1
                answers[left[~passes]] = rejection(guard.rule, guard.error)
                left = left[passes]
            answers[left] = ACCEPTED
        wrong = np.flatnonzero((answers != taken.answers) & ~np.isin(taken.answers, (REFUSED, ASTRAY)))
        for row in wrong[:1].tolist():
            by_both = f"{taken.answers[row]!r} by the oracle, {answers[row]!r} by Z3"
            raise Disagreement(f"{taken.action}{taken.arguments}: {by_both}, in {batch.state(row)}")
        if step is None:
            return
        rows = taken.accepted
        updates = {(field.variable, field.key): update for field, update in step.updates.items()}
        for place in updates.keys() | taken.written.keys():
            before = batch.columns[place]
            expected = taken.written.get(place, before)[rows]
            found = self._evaluate(updates[place], batch, rows) if place in updates else before[rows]
            for row in rows[expected != found][:1].tolist():
                raise Disagreement(
                    f"{taken.action}{taken.arguments}: the oracle and Z3 set {place} differently in {batch.state(row)}"
                )
        for prop in self.properties:
            if prop.kind is Kind.STEP:
                term = self._unrolled.holds(prop, {}, step)
                self._compare_verdicts(prop, batch, rows, self.step_verdicts(prop, taken, rows), term)

    def _compare_verdicts(self, prop: Property, batch: Batch, rows: Rows, verdicts: Column, term: Value) -> None:
        found = np.where(self._evaluate(term, batch, rows) == 1, HOLDS, BROKEN)
        for row in rows[(found != verdicts) & (verdicts != ASTRAY)][:1].tolist():
            raise Disagreement(f"the oracle and Z3 judge {prop.name} differently in {batch.state(row)}")

    def _evaluate(self, value: Value, batch: Batch, rows: Rows) -> Column:
        """What Z3 says `value` is in each of some states."""
        if not terms.is_term(value):
            return np.full(len(rows), int(value))
        leaves = [term for term in terms.walk([value]) if term.op == "field"]
        places = [(leaf.args[0].variable, leaf.args[0].key) for leaf in leaves]

        def ask(row: int) -> tuple[int, Iterable[Place]]:
            numbers = [int(batch.columns[place][row]) for place in places]
            here = [
                (self._formulas(leaf), z3.BoolVal(number != 0) if leaf.boolean else z3.IntVal(number))
                for leaf, number in zip(leaves, numbers, strict=True)
            ]
            answer = z3.simplify(z3.substitute(self._formulas(value), *here))
            return (int(z3.is_true(answer)) if value.boolean else answer.as_long()), places

        return self._evaluated.setdefault(value, Answers()).column(batch.columns, rows, ask)


class Found(NamedTuple):
    """What a kernel makes of some states. A move has a source row, and the clock and the words that it leads to."""

    rows: slice
    tally: Tally
    flags: Mapping[str, Column]
    moves: Column = np.empty((0, 0))


def _compare_tallies(everything: Iterable[Taken], found: Found) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for taken in everything:
        answers = Counter(taken.answers[found.rows].tolist())
        expected.update({(taken.action, answer): times for answer, times in answers.items() if answer != IMPOSSIBLE})
    counted = Counter({(action, ACCEPTED): times for action, times in found.tally.accepted.items()})
    for (action, rule, error), times in found.tally.rejected.items():
        counted[action, rejection(rule, error)] += times
    demand(+expected == +counted, f"only by the oracle: {expected - counted}; only by the kernel: {counted - expected}")


def reachable(machine: Machine, instance: Instance, most: int | None = None) -> list[Valuation]:
    """Every state that the oracle reaches, breadth first; or the first so many."""
    oracle = Oracle(machine, instance)
    states = {oracle.initial(): None}
    for state in (queue := list(states)):
        for step in oracle.steps(state):
            if step.state not in states:
                states[step.state] = None
                queue.append(step.state)
        if most is not None and len(queue) >= most:
            return queue[:most]
    return queue


def explored(machine: Machine, instance: Instance) -> Batch:
    """Every state that a search finds."""
    search = Search(machine, instance, ())
    levels = search.run().levels
    layout = search.layout
    parts = [
        unpacked(layout, np.full(len(columns[0]), clock), fetched(layout, columns))
        for level in levels
        for clock, columns in level.items()
    ]
    return Batch(
        machine, {place: np.concatenate([part.columns[place] for part in parts]) for place in parts[0].columns}
    )


def at_random(machine: Machine, instance: Instance, size: int, random: np.random.Generator) -> Batch:
    """States with any value of its domain in each place, most of which no run reaches."""
    return Batch(
        machine,
        {
            place: _values_at(random.integers(len(leaf.args[0].values), size=size), leaf.args[0].values)
            for place, leaf in Unrolled(machine, instance).fields.items()
        },
    )


def disturbed(batch: Batch, noise: Batch, places: int, random: np.random.Generator) -> Batch:
    """The rows of `batch`, in each of which about so many places take what they hold in `noise`."""
    chance = places / len(noise.columns)
    return Batch(
        batch.machine,
        {
            place: np.where(random.random(len(batch)) < chance, noise.columns[place], column)
            for place, column in batch.columns.items()
        },
    )


def roomy(machine: Machine, instance: Instance) -> Layout:
    """A layout with room for whatever is in the domains, whether a run reaches it or not."""
    unrolled = Unrolled(machine, instance)
    return Layout(Narrowed(unrolled, frozenset({frozenset(variable.name for variable in unrolled.variables)})))
