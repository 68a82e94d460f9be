"""Exhaustive conformance: every transition of an instance is executed on the contract's bytecode and compared.

The contract is led, by calls alone, to each place: each state that it can tell apart from others. There, every call
that the specification makes is sent, in all its forms, and the answer, the logs and the whole storage must be what the
specification says. A place is reached by one sequence of calls; other ways to it are compared where they arrive.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from math import lcm, prod

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer
from coordination.chain.evm import Evm
from coordination.chain.quote import Address
from coordination.conform.adapter import MakeAdapter, Message
from coordination.conform.divergence import (
    ACCEPTED,
    Divergence,
    Mismatch,
    Sent,
    compare_answer,
    compare_storage,
    compare_view,
)
from coordination.conform.experiments import Experiments, Report, Seen, Trial, silent
from coordination.conform.plan import Outcome, Plan
from coordination.explore.kernel import Refusal
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.state import SpecificationError


@dataclass
class Conformance:
    """What was executed and compared.

    `transitions` are the specification's, each counted once for each state that it was executed for; `calls` are the
    messages sent for them, of which `distinct_calls` differ from one another in place, message or moment; `views` are
    the questions asked. `planned` is how many transitions there are; fewer are executed only where a divergence bars
    the way, or where as many as were asked for have been found (`is_cut_short`). `accepted` and `refused` count those
    transitions only that were answered as specified. `never` are the guards that refuse nothing in this instance.
    `seconds` is the time of execution, comparison included.
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
    distinct_calls: int = 0
    views: int = 0
    accepted: Counter[str] = field(default_factory=Counter)  # transitions, by action
    refused: Counter[Refusal] = field(default_factory=Counter)  # transitions, by the guard that did it
    never: tuple[Refusal, ...] = ()
    divergences: list[Divergence] = field(default_factory=list)
    is_cut_short: bool = False
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
    report: Report = silent,
) -> Conformance:
    """Execute every transition of `instance` that is a call on the contract.

    Each is executed for every state of the specification; with `is_distinct` once for all states that the contract
    cannot tell apart, which is enough if the EVM is deterministic. In both cases in each form that the adapter gives a
    call at least once. Stops early at `most_divergences`. `report` is told, from time to time, how far the work is.

    Raises SpecificationError where the answer to a call depends on something that the contract cannot see, and where
    the adapter contradicts the specification or itself.
    """
    evm = Evm()
    adapter = make_adapter(machine, instance, artifact, evm)
    experiments = Experiments(machine, instance, adapter.actions, adapter.visible, report)
    plan = Plan(experiments, adapter, Oracle(machine, instance), report)
    return execute(plan, evm, artifact.name, is_distinct=is_distinct, most_divergences=most_divergences, report=report)


def execute(
    plan: Plan,
    evm: Evm,
    contract: str,
    *,
    is_distinct: bool,
    most_divergences: int,
    report: Report = silent,
) -> Conformance:
    """Execute a plan on a chain where the contract called `contract` is deployed as the plan's adapter deploys it.

    For many contracts with one interface, one plan does. Options and errors are those of `conform`.
    """
    machine, instance, experiments = plan.oracle.machine, plan.oracle.instance, plan.experiments
    result = Conformance(machine, instance, contract, is_distinct, experiments.states, len(experiments.places))
    _Run(evm, plan, result, most_divergences, report).execute()
    return result


class _Enough(Exception):
    """As many divergences as were asked for."""


class _Run:
    def __init__(
        self,
        evm: Evm,
        plan: Plan,
        result: Conformance,
        most_divergences: int,
        report: Report,
    ) -> None:
        self._evm, self._adapter, self._plan, self._result = evm, plan.adapter, plan, result
        self._experiments, self._most, self._report = plan.experiments, most_divergences, report
        trials = [trial for place in self._experiments.places.values() for trial in place.trials]
        result.planned = sum(map(self._weight, trials))
        asked = {outcome.refusal for outcomes in plan.outcomes.values() for outcome in outcomes}
        result.never = tuple(sorted(self._experiments.guards - asked))
        self._route: list[Sent] = []  # the calls that have led to the present place
        self._found: dict[tuple[str, object], tuple[Divergence, Seen, int]] = {}
        self._started = time.perf_counter()

    def execute(self) -> None:
        """Raises SpecificationError if deployment does not leave what the adapter says of the initial state."""
        if mismatch := self._compare_storage(self._plan.root):
            told = f"the contract {mismatch.expected}; it {mismatch.found}"
            raise SpecificationError(f"in the initial state, by the adapter, {told}")
        start = self._evm.snapshot()
        try:
            self._visit(self._plan.root)
        except _Enough:
            self._result.is_cut_short = True
        self._evm.revert(start)
        shortest = [self._shortened(*found) for found in self._found.values()]
        self._result.divergences = sorted(shortest, key=_rank)

    def _weight(self, trial: Trial) -> int:
        return 1 if self._result.is_distinct else trial.states

    def _visit(self, seen: Seen) -> None:
        """Try everything at a place that the contract is at, then lead it on to those beyond."""
        place = self._experiments.places[seen]
        for clock in place.clocks:
            self._ask(seen, clock)
        for outcome in self._plan.outcomes[seen]:
            self._try(seen, outcome)
        self._result.seconds = time.perf_counter() - self._started
        self._report(f"executed {self._result.transitions:,} of {self._result.planned:,} transitions")
        for outcome in self._plan.tree[seen]:
            self._lead(outcome)

    def _lead(self, outcome: Outcome) -> None:
        """Lead the contract on to a new place, by the first form of a call that brings it there.

        If none does, divergences were noted when the call was tried, and the place is not reached.
        """
        for message, moment in islice(self._forms(outcome.trial), self._least(outcome.trial)):
            snapshot = self._evm.snapshot()
            self._send(message, moment)
            is_there = self._stored() == self._plan.storage[outcome.after]
            if is_there:
                self._route.append(self._sent(outcome.trial, message, moment))
                self._visit(outcome.after)
                self._route.pop()
            self._evm.revert(snapshot)
            if is_there:
                return

    def _ask(self, seen: Seen, clock: int) -> None:
        views = self._adapter.views(self._experiments.state_at(self._experiments.places[seen], clock))
        for moment in self._adapter.timestamps(clock):
            for view in views:
                self._evm.at(moment)
                answer = self._evm.view(view.message.sender, view.message.to, view.message.data)
                if mismatch := compare_view(view, answer, self._adapter.artifacts):
                    self._note(seen, clock, Sent(moment, view.message, None), mismatch)
            self._result.views += len(views)

    def _try(self, seen: Seen, outcome: Outcome) -> None:
        trial, result, weight = outcome.trial, self._result, self._weight(outcome.trial)
        times = max(self._least(trial), weight)
        is_as_specified = True
        for message, moment in islice(self._forms(trial), times):
            result.calls += 1
            for mismatch in self._compare(outcome, message, moment):
                is_as_specified = False
                self._note(seen, trial.clock, self._sent(trial, message, moment), mismatch)
        result.distinct_calls += min(times, prod(map(len, self._choices(trial))))
        result.transitions += weight
        if is_as_specified and outcome.refusal:
            result.refused[outcome.refusal] += weight
        elif is_as_specified:
            result.accepted[trial.action.name] += weight

    def _choices(self, trial: Trial) -> tuple[Sequence[Message], Sequence[int]]:
        messages = self._adapter.messages(trial.action.name, trial.arguments, trial.clock)
        return messages, self._adapter.timestamps(trial.clock)

    def _least(self, trial: Trial) -> int:
        """How often to send a call, so that each message is sent, and one at each moment."""
        return max(map(len, self._choices(trial)))

    def _forms(self, trial: Trial) -> Iterator[tuple[Message, int]]:
        """Messages that stand for a call, at moments that must do, each at least once, over and over."""
        messages, moments = self._choices(trial)
        pairs = lcm(len(messages), len(moments))
        for number in count():
            yield messages[number % len(messages)], moments[(number + number // pairs) % len(moments)]

    def _compare(self, outcome: Outcome, message: Message, moment: int) -> list[Mismatch]:
        """Send a message, and undo what it changes. What a refused call stores is undone by the EVM itself."""
        snapshot = self._evm.snapshot()
        answer = self._send(message, moment)
        mismatches = [compare_answer(outcome.expected, answer, self._adapter.speakers, self._adapter.artifacts)]
        if outcome.refusal is None and answer.succeeded:
            mismatches.append(self._compare_storage(outcome.after))
        self._evm.revert(snapshot)
        return [mismatch for mismatch in mismatches if mismatch]

    def _compare_storage(self, seen: Seen) -> Mismatch | None:
        return compare_storage(self._plan.storage[seen], self._stored(), self._adapter.contracts)

    def _send(self, message: Message, moment: int) -> Answer:
        self._evm.at(moment)
        return self._evm.call(message.sender, message.to, message.data)

    def _stored(self) -> dict[Address, dict[int, int]]:
        return {address: self._evm.whole_storage(address) for address in self._adapter.contracts}

    def _sent(self, trial: Trial, message: Message, moment: int) -> Sent:
        return Sent(moment, message, self._plan.step(trial)[1])

    def _note(self, seen: Seen, clock: int, sent: Sent, mismatch: Mismatch) -> None:
        """Write a divergence down; of those of a kind in all forms of a call, the one that fewest calls lead to."""
        divergence = Divergence(mismatch.kind, tuple(self._route), sent, mismatch.expected, mismatch.found)
        call = (sent.step.action, sent.step.arguments) if sent.step else sent.message.text
        kind = divergence.kind, call
        known = self._found.get(kind)
        if known is None or len(self._plan.path(seen, clock)) < len(self._plan.path(*known[1:])):
            self._found[kind] = divergence, seen, clock
        if len(self._found) >= self._most:
            raise _Enough

    def _shortened(self, divergence: Divergence, seen: Seen, clock: int) -> Divergence:
        """The divergence after the fewest calls that lead there, if they do so on the contract too."""
        path = [self._sent(trial, *next(self._forms(trial))) for trial in self._plan.path(seen, clock)]
        snapshot = self._evm.snapshot()
        for sent in path:
            self._send(sent.message, sent.timestamp)
        is_there = self._stored() == self._plan.storage[seen]
        self._evm.revert(snapshot)
        return replace(divergence, path=tuple(path)) if is_there else divergence


def _rank(divergence: Divergence) -> tuple[int, bool]:
    """First what fewest calls lead to; and of that first what one side accepts and the other refuses."""
    return len(divergence.path), ACCEPTED not in (divergence.expected, divergence.found)
