"""Exhaustive conformance: every transition of an instance is executed on the contract's bytecode and compared.

The contract is led, by calls alone, to each place: each state that it can tell apart from others. There, every call that
the specification makes is sent, in all its forms, and the answer, the logs and the whole storage must be what the
specification says. A place is reached by one sequence of calls; other ways to it are compared where they arrive.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer, Chain
from coordination.chain.evm import Evm
from coordination.chain.quote import Address
from coordination.conform.adapter import Adapter, Message
from coordination.conform.divergence import Divergence, Sent, contrast, show_answer, show_bytes, show_logs
from coordination.conform.experiments import Experiments, Place, Seen, Trial
from coordination.conform.plan import Outcome, Plan
from coordination.explore.kernel import Refusal
from coordination.explore.search import Progress
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle

MakeAdapter = Callable[[Machine, Instance, Artifact, Chain], Adapter]


@dataclass
class Conformance:
    """What was executed and compared.

    `transitions` are the specification's, each counted once for each state that it was executed for; `calls` are the
    messages sent for them, `views` the questions asked. `planned` is how many transitions there are; fewer are executed
    only where a divergence bars the way. `never` are the guards that no transition failed. `seconds` is the time of
    execution, comparison included.
    """

    machine: Machine
    instance: Instance
    contract: str
    is_distinct: bool
    states: int = 0
    places: int = 0
    planned: int = 0
    transitions: int = 0
    calls: int = 0
    views: int = 0
    accepted: Counter[str] = field(default_factory=Counter)  # transitions, by action
    refused: Counter[Refusal] = field(default_factory=Counter)  # transitions, by the guard that did it
    never: tuple[Refusal, ...] = ()
    divergences: list[Divergence] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def errors(self) -> Counter[str]:
        """Refused transitions by the name of the error."""
        names: Counter[str] = Counter()
        for (_, _, error), times in self.refused.items():
            names[error] += times
        return names


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
    plan = Plan(experiments, adapter, Oracle(machine, instance))
    result = Conformance(machine, instance, artifact.name, is_distinct, experiments.states, len(experiments.places))
    run = _Run(evm, adapter, experiments, plan, result, most_divergences, report)
    with suppress(_Enough):
        run.visit(plan.root)
    result.divergences.sort(key=lambda divergence: len(divergence.path))
    result.never = tuple(sorted(experiments.guards - result.refused.keys()))
    return result


class _Enough(Exception):
    """As many divergences as were asked for."""


class _Run:
    def __init__(
        self,
        evm: Evm,
        adapter: Adapter,
        experiments: Experiments,
        plan: Plan,
        result: Conformance,
        most_divergences: int,
        report: Callable[[Conformance], None] | None,
    ) -> None:
        self._evm, self._adapter, self._plan, self._result = evm, adapter, plan, result
        self._experiments, self._most, self._report = experiments, most_divergences, report
        trials = [trial for place in experiments.places.values() for trial in place.trials]
        result.planned = sum(map(self._weight, trials))
        self._started = time.perf_counter()

    def _weight(self, trial: Trial) -> int:
        return 1 if self._result.is_distinct else trial.states

    def visit(self, seen: Seen) -> None:
        """Try everything at a place that the contract is at, then lead it on to those beyond."""
        place = self._experiments.places[seen]
        for clock in place.clocks:
            self._ask(seen, place, clock)
        for outcome in self._plan.outcomes[seen]:
            self._try(seen, outcome)
        self._result.seconds = time.perf_counter() - self._started
        if self._report:
            self._report(self._result)
        for outcome in self._plan.tree[seen]:
            snapshot = self._evm.snapshot()
            self._send(*next(self._forms(outcome.trial)))
            if (
                self._stored() == self._plan.storage[outcome.after]
            ):  # else a divergence was noted, and the way is barred
                self.visit(outcome.after)
            self._evm.revert(snapshot)

    def _ask(self, seen: Seen, place: Place, clock: int) -> None:
        views = self._adapter.views(self._experiments.state_at(place, clock))
        for moment in self._adapter.timestamps(clock):
            for view in views:
                answer = self._send(view.message, moment)
                if not answer.succeeded or answer.output != view.returns:
                    wanted = f"returns {show_bytes(view.returns)}"
                    self._note("view", seen, clock, Sent(moment, view.message, None), wanted, self._show(answer))
            self._result.views += len(views)

    def _try(self, seen: Seen, outcome: Outcome) -> None:
        trial, result = outcome.trial, self._result
        messages, moments = self._choices(trial)
        least = max(len(messages), len(moments))
        times = least if result.is_distinct else max(least, trial.states)
        compare = self._compare_refused if outcome.refusal else self._compare_accepted
        for message, moment in islice(self._forms(trial), times):
            compare(seen, outcome, message, moment)
        result.calls += times
        result.transitions += self._weight(trial)
        if outcome.refusal:
            result.refused[outcome.refusal] += self._weight(trial)
        else:
            result.accepted[trial.action.name] += self._weight(trial)

    def _choices(self, trial: Trial) -> tuple[Sequence[Message], Sequence[int]]:
        messages = self._adapter.messages(trial.action.name, trial.arguments, trial.clock)
        return messages, self._adapter.timestamps(trial.clock)

    def _forms(self, trial: Trial) -> Iterator[tuple[Message, int]]:
        """Messages that stand for a call, at moments that must do, each at least once, over and over."""
        messages, moments = self._choices(trial)
        for number in count():
            moment = moments[(number + number // len(messages)) % len(moments)]
            yield messages[number % len(messages)], moment

    def _compare_refused(self, seen: Seen, outcome: Outcome, message: Message, moment: int) -> None:
        answer = self._send(message, moment)
        reverts = outcome.expected.reverts
        assert reverts is not None, f"the adapter expects that {message.text} succeeds, the specification refuses it"
        if answer.succeeded or not answer.output.startswith(reverts):
            wanted = self._show(Answer(False, reverts))
            self._differ("answer", seen, outcome, message, moment, wanted, self._show(answer))

    def _compare_accepted(self, seen: Seen, outcome: Outcome, message: Message, moment: int) -> None:
        snapshot = self._evm.snapshot()
        answer = self._send(message, moment)
        if not answer.succeeded:
            self._differ("answer", seen, outcome, message, moment, "accepts it", self._show(answer))
        else:
            logs = tuple(log for log in answer.logs if log.address in self._adapter.speakers)
            if logs != outcome.expected.logs:
                told = (show_logs(each, self._adapter.artifacts) for each in (outcome.expected.logs, logs))
                self._differ("events", seen, outcome, message, moment, *told)
            stored, wanted = self._stored(), self._plan.storage[outcome.after]
            if stored != wanted:
                told = iter(contrast(wanted, stored, self._adapter.contracts))
                self._differ("storage", seen, outcome, message, moment, *told)
        self._evm.revert(snapshot)

    def _send(self, message: Message, moment: int) -> Answer:
        self._evm.at(moment)
        return self._evm.call(message.sender, message.to, message.data)

    def _stored(self) -> dict[Address, dict[int, int]]:
        return {address: self._evm.whole_storage(address) for address in self._adapter.contracts}

    def _show(self, answer: Answer) -> str:
        return show_answer(answer, self._adapter.artifacts)

    def _differ(
        self, kind: str, seen: Seen, outcome: Outcome, message: Message, moment: int, expected: str, found: str
    ) -> None:
        _, step = self._plan.step(outcome.trial)
        self._note(kind, seen, outcome.trial.clock, Sent(moment, message, step), expected, found)

    def _note(self, kind: str, seen: Seen, clock: int, sent: Sent, expected: str, found: str) -> None:
        """Write a divergence down; of those of a kind by the same message, the one that is reached by fewest calls."""
        divergences = self._result.divergences
        new = Divergence(kind, tuple(map(self._sent, self._plan.path(seen, clock))), sent, expected, found)
        alike = [each for each in divergences if (each.kind, each.sent.message.text) == (kind, sent.message.text)]
        if not alike:
            divergences.append(new)
        elif len(new.path) < len(alike[0].path):
            divergences[divergences.index(alike[0])] = new
        if len(divergences) >= self._most:
            raise _Enough

    def _sent(self, trial: Trial) -> Sent:
        message, moment = next(self._forms(trial))
        return Sent(moment, message, self._plan.step(trial)[1])
