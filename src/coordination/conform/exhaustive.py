"""Exhaustive conformance: every transition of an instance is executed on the contract's bytecode and compared.

The contract is led, by calls alone, to each place: each state that it can tell apart from others. There, every call that
the specification makes is sent, in all its forms, and the answer, the logs and the whole storage must be what the
specification says. A place is reached by one sequence of calls; other ways to it are compared where they arrive.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer, Log
from coordination.chain.evm import Evm
from coordination.chain.quote import Address
from coordination.chain.storage import Member, Words
from coordination.conform.adapter import Adapter, Expected, Message
from coordination.conform.experiments import Experiments, Place, Seen, Trial
from coordination.explore.kernel import Refusal
from coordination.explore.search import Progress
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Valuation

MakeAdapter = Callable[[Machine, Instance, Artifact, Evm], Adapter]


@dataclass(frozen=True)
class Sent:
    """A message, when it was sent, and the step of the specification that it stands for (None for a view)."""

    timestamp: int
    message: Message
    step: Step | None


@dataclass(frozen=True)
class Divergence:
    """Where a contract does not do what the specification does: `sent` after the accepted calls of `path`.

    `kind` is "answer", "events", "storage" or "view"; `expected` and `found` say what the specification makes of it, and
    what the contract does.
    """

    kind: str
    path: tuple[Sent, ...]
    sent: Sent
    expected: str
    found: str


@dataclass
class Conformance:
    """What was executed and compared.

    `transitions` are the specification's, each counted once for each state that it was executed for; `calls` are the
    messages sent for them. `planned` is how many transitions there are; fewer are executed only where a divergence
    bars the way. `never` are guards of the specification that no transition failed.
    """

    machine: Machine
    instance: Instance
    contract: str
    is_distinct: bool
    planned: int = 0
    transitions: int = 0
    calls: int = 0
    views: int = 0
    places: int = 0
    states: int = 0
    accepted: Counter[str] = field(default_factory=Counter)  # transitions, by action
    refused: Counter[Refusal] = field(default_factory=Counter)  # transitions, by the guard that did it
    never: tuple[Refusal, ...] = ()
    divergences: list[Divergence] = field(default_factory=list)
    seconds: float = 0.0  # of execution, comparison included

    @property
    def errors(self) -> Counter[str]:
        """Refused transitions by the name of the error."""
        names: Counter[str] = Counter()
        for (_, _, error), times in self.refused.items():
            names[error] += times
        return names


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the specification says of a trial: the answer, the guard that refuses it, and the place it leads to."""

    trial: Trial
    expected: Expected
    refusal: Refusal | None
    after: Seen


def conform(
    machine: Machine,
    instance: Instance,
    artifact: Artifact,
    make_adapter: MakeAdapter,
    *,
    is_distinct: bool = False,
    most_divergences: int = 10,
    explored: Callable[[Progress], None] | None = None,
    report: Callable[[Conformance], None] | None = None,
) -> Conformance:
    """Execute every transition of `instance` that is a call on the contract.

    Each is executed for every state of the specification; with `is_distinct` once for all states that the contract
    cannot tell apart, which is enough if the EVM is deterministic. In both cases in each form that the adapter gives a
    call at least once. Stops early at `most_divergences`.

    Raises SpecificationError where the answer to a call depends on something that the contract cannot see.
    """
    evm = Evm()
    adapter = make_adapter(machine, instance, artifact, evm)
    experiments = Experiments(machine, instance, adapter.actions, adapter.visible, explored)
    result = Conformance(machine, instance, artifact.name, is_distinct)
    _Run(evm, adapter, experiments, Oracle(machine, instance), result, most_divergences, report).execute()
    return result


class _Enough(Exception):
    """As many divergences as were asked for."""


class _Run:
    def __init__(
        self,
        evm: Evm,
        adapter: Adapter,
        experiments: Experiments,
        oracle: Oracle,
        result: Conformance,
        most_divergences: int,
        report: Callable[[Conformance], None] | None,
    ) -> None:
        self._evm, self._adapter, self._oracle, self._result = evm, adapter, oracle, result
        self._experiments, self._places = experiments, experiments.places
        self._most, self._report = most_divergences, report
        self._outcomes: dict[Seen, list[_Outcome]] = {}
        self._storage: dict[Seen, Mapping[Address, Words]] = {}

    def execute(self) -> None:
        result = self._result
        result.places, result.states = len(self._places), self._experiments.states
        for seen, place in self._places.items():
            self._outcomes[seen] = [self._outcome(trial) for trial in place.trials]
            self._storage[seen] = self._adapter.storage(self._experiments.state(place.clocks[0], place.row))
        trials = [trial for place in self._places.values() for trial in place.trials]
        result.planned = len(trials) if result.is_distinct else sum(trial.states for trial in trials)
        first, tree = next(iter(self._places)), self._tree()
        self._started = time.perf_counter()
        with suppress(_Enough):
            self._visit(first, tree)
        result.seconds = time.perf_counter() - self._started
        result.divergences.sort(key=lambda divergence: len(divergence.path))
        result.never = tuple(sorted(self._experiments.guards - result.refused.keys()))

    def _outcome(self, trial: Trial) -> _Outcome:
        before, step = self._step(trial)
        refusal = None if step.error is None else (step.action, str(step.rule), step.error)
        return _Outcome(trial, self._adapter.expected(before, step), refusal, self._experiments.seen(step.state))

    def _step(self, trial: Trial) -> tuple[Valuation, Step]:
        before = self._experiments.state(trial.clock, trial.row)
        step = self._oracle.run(before, trial.action, trial.arguments)
        assert step is not None, "the kernels found a step that the oracle does not make"
        return before, step

    def _tree(self) -> dict[Seen, list[_Outcome]]:
        """For each place the accepted calls that lead on from it to new ones, so that each place is reached once."""
        first = next(iter(self._places))
        tree: dict[Seen, list[_Outcome]] = {first: []}
        queue = deque([first])
        while queue:
            seen = queue.popleft()
            for outcome in self._outcomes[seen]:
                if outcome.refusal is None and outcome.after not in tree:
                    tree[outcome.after] = []
                    tree[seen].append(outcome)
                    queue.append(outcome.after)
        assert len(tree) == len(self._places), "something else than the calls changes what the contract sees"
        return tree

    def _visit(self, seen: Seen, tree: Mapping[Seen, list[_Outcome]]) -> None:
        """Try everything at a place that the contract is at, then lead it on to those beyond."""
        place, result = self._places[seen], self._result
        for clock in place.clocks:
            self._ask(seen, place, clock)
        for outcome in self._outcomes[seen]:
            self._try(seen, outcome)
        result.seconds = time.perf_counter() - self._started
        if self._report:
            self._report(result)
        for outcome in tree[seen]:
            snapshot = self._evm.snapshot()
            message, moment = next(self._forms(outcome.trial))
            self._evm.at(moment)
            self._evm.call(message.sender, message.to, message.data)
            if self._stored() == self._storage[outcome.after]:  # else a divergence was noted, and the way is barred
                self._visit(outcome.after, tree)
            self._evm.revert(snapshot)

    def _ask(self, seen: Seen, place: Place, clock: int) -> None:
        views = self._adapter.views(self._experiments.state_at(place, clock))
        for moment in self._adapter.timestamps(clock):
            self._evm.at(moment)
            for view in views:
                answer = self._evm.call(view.message.sender, view.message.to, view.message.data)
                if not answer.succeeded or answer.output != view.returns:
                    sent = Sent(moment, view.message, None)
                    self._note("view", seen, clock, sent, f"returns {_hex(view.returns)}", self._show(answer))
            self._result.views += len(views)

    def _forms(self, trial: Trial) -> Iterator[tuple[Message, int]]:
        """Messages that stand for a call, at moments that must do, each at least once, over and over."""
        messages = self._adapter.messages(trial.action.name, trial.arguments, trial.clock)
        moments = self._adapter.timestamps(trial.clock)
        for number in count():
            moment = moments[(number + number // len(messages)) % len(moments)]
            yield messages[number % len(messages)], moment

    def _try(self, seen: Seen, outcome: _Outcome) -> None:
        trial, result = outcome.trial, self._result
        least = max(
            len(self._adapter.messages(trial.action.name, trial.arguments, trial.clock)),
            len(self._adapter.timestamps(trial.clock)),
        )
        times = least if result.is_distinct else max(least, trial.states)
        send = self._refused if outcome.refusal else self._accepted
        for message, moment in islice(self._forms(trial), times):
            self._evm.at(moment)
            send(seen, outcome, moment, message)
        weight = 1 if result.is_distinct else trial.states
        result.calls += times
        result.transitions += weight
        if outcome.refusal:
            result.refused[outcome.refusal] += weight
        else:
            result.accepted[trial.action.name] += weight

    def _refused(self, seen: Seen, outcome: _Outcome, moment: int, message: Message) -> None:
        answer = self._evm.call(message.sender, message.to, message.data)
        reverts = outcome.expected.reverts
        assert reverts is not None, f"the adapter expects that {message.text} is accepted, the specification refuses it"
        if answer.succeeded or not answer.output.startswith(reverts):
            self._differ("answer", seen, outcome, moment, message, self._show(Answer(False, reverts)), self._show(answer))

    def _accepted(self, seen: Seen, outcome: _Outcome, moment: int, message: Message) -> None:
        evm, expected = self._evm, outcome.expected
        snapshot = evm.snapshot()
        answer = evm.call(message.sender, message.to, message.data)
        if not answer.succeeded:
            self._differ("answer", seen, outcome, moment, message, "accepts it", self._show(answer))
        else:
            logs = tuple(log for log in answer.logs if log.address in self._adapter.speakers)
            if logs != expected.logs:
                self._differ("events", seen, outcome, moment, message, self._list(expected.logs), self._list(logs))
            stored = self._stored()
            if stored != self._storage[outcome.after]:
                wanted, found = self._contrast(self._storage[outcome.after], stored)
                self._differ("storage", seen, outcome, moment, message, wanted, found)
        evm.revert(snapshot)

    def _stored(self) -> dict[Address, Words]:
        return {address: self._evm.whole_storage(address) for address in self._adapter.contracts}

    def _differ(
        self, kind: str, seen: Seen, outcome: _Outcome, moment: int, message: Message, expected: str, found: str
    ) -> None:
        _, step = self._step(outcome.trial)
        self._note(kind, seen, outcome.trial.clock, Sent(moment, message, step), expected, found)

    def _note(self, kind: str, seen: Seen, clock: int, sent: Sent, expected: str, found: str) -> None:
        """Write a divergence down, unless one of its kind by the same message in the same words is known."""
        divergences = self._result.divergences
        new = Divergence(kind, self._path(seen, clock), sent, expected, found)
        alike = [each for each in divergences if each.sent.message.text == sent.message.text and each.kind == kind]
        if not alike:
            divergences.append(new)
        elif len(new.path) < len(alike[0].path):
            divergences[divergences.index(alike[0])] = new
        if len(divergences) >= self._most:
            raise _Enough

    def _path(self, seen: Seen, clock: int) -> tuple[Sent, ...]:
        """A shortest run of accepted calls that leads to a place by `clock`, each no earlier than the one before it."""
        arrivals: dict[Seen, int] = {next(iter(self._places)): 0}
        paths: dict[Seen, tuple[_Outcome, ...]] = {place: () for place in arrivals}
        while arrivals.get(seen, clock + 1) > clock:
            level, arrivals, known = arrivals, {}, paths
            paths = {}
            for place, arrived in level.items():
                for outcome in self._outcomes[place]:
                    at, after = outcome.trial.clock, outcome.after
                    if outcome.refusal is None and at >= arrived and at < arrivals.get(after, clock + 1):
                        arrivals[after], paths[after] = at, (*known[place], outcome)
        return tuple(self._sent(outcome) for outcome in paths[seen])

    def _sent(self, outcome: _Outcome) -> Sent:
        message, moment = next(self._forms(outcome.trial))
        return Sent(moment, message, self._step(outcome.trial)[1])

    def _show(self, answer: Answer) -> str:
        if answer.succeeded:
            return f"returns {_hex(answer.output)}" if answer.output else "accepts it"
        errors = (artifact.explain_error(answer.output) for artifact in self._adapter.artifacts)
        return f"reverts with {next(filter(None, errors), _hex(answer.output))}"

    def _list(self, logs: Sequence[Log]) -> str:
        def explain(log: Log) -> str:
            events = (artifact.explain_event(log.topics, log.data) for artifact in self._adapter.artifacts)
            return next(filter(None, events), " ".join(map(_hex, (*log.topics, log.data))))

        return f"emits {', '.join(map(explain, logs)) or 'nothing'}"

    def _contrast(self, wanted: Mapping[Address, Words], found: Mapping[Address, Mapping[int, int]]) -> tuple[str, str]:
        """What differs between two storages, by name where the names are known."""
        sides: tuple[list[str], list[str]] = [], []
        for address, name in self._adapter.contracts.items():
            want, have = wanted[address], found[address]
            for slot in sorted(slot for slot in want.keys() | have.keys() if want.get(slot, 0) != have.get(slot, 0)):
                members = [member for member in want.members if member.slot == slot] or [Member(f"[{slot:#x}]", slot, 0, 32)]
                for member in members:
                    values = member.of(want.get(slot, 0)), member.of(have.get(slot, 0))
                    if values[0] != values[1]:
                        for side, value in zip(sides, values, strict=True):
                            side.append(f"{name}.{member.name} = {value}")
        return f"stores {', '.join(sides[0])}", f"stores {', '.join(sides[1])}"


def _hex(data: bytes) -> str:
    return "0x" + data.hex() if data else "no data"
