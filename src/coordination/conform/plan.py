"""What the specification says of every trial, and how a contract is led from place to place."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from coordination.chain.quote import Address
from coordination.chain.storage import Words
from coordination.conform.adapter import Adapter, Expected
from coordination.conform.experiments import Experiments, Report, Seen, Trial, silent
from coordination.explore.kernel import Refusal
from coordination.machine.oracle import Oracle
from coordination.machine.state import SpecificationError
from coordination.machine.trace import Step, Valuation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the specification says of a trial: the answer, the guard that refuses it, and the place it leads to."""

    trial: Trial
    expected: Expected
    refusal: Refusal | None
    after: Seen


class Plan:
    """The outcomes of all trials, by place; `storage` is what the contracts hold there. It knows nothing of bytecode.

    `tree` has, for each place, the accepted calls that lead on from it to new ones, so that each is reached just once.
    """

    def __init__(self, experiments: Experiments, adapter: Adapter, oracle: Oracle, report: Report = silent) -> None:
        """Raises SpecificationError if something else than the calls changes what the contract sees."""
        self.experiments, self.adapter, self.oracle = experiments, adapter, oracle
        self.outcomes: dict[Seen, list[Outcome]] = {}
        self.storage: dict[Seen, Mapping[Address, Words]] = {}
        for number, (seen, place) in enumerate(experiments.places.items(), start=1):
            self.outcomes[seen] = [self._judge(trial) for trial in place.trials]
            self.storage[seen] = self._stored(experiments.state_at(place, place.clocks[0]))
            report(f"asked the specification at {number:,} of {len(experiments.places):,} places")
        self.tree = self._grow()

    @property
    def root(self) -> Seen:
        return next(iter(self.outcomes))

    def _judge(self, trial: Trial) -> Outcome:
        before, step = self.step(trial)
        refusal = None if step.error is None else (step.action, str(step.rule), step.error)
        visible = replace(step, state=self.experiments.visible_of(step.state))
        expected = self.adapter.expected(self.experiments.visible_of(before), visible)
        if (expected.reverts is None) is not (refusal is None):
            says = "succeeds" if expected.reverts is None else "reverts"
            does = f"refuses it with {step.error}" if step.error else "accepts it"
            raise SpecificationError(f"by the adapter {step.action} {says} where the specification {does}")
        if not self.adapter.messages(step.action, step.arguments, trial.clock):
            raise SpecificationError(f"the adapter has no message for {step.action}{step.arguments}")
        if not self.adapter.timestamps(trial.clock):
            raise SpecificationError(f"the adapter has no moment in slot {trial.clock}")
        return Outcome(trial, expected, refusal, self.experiments.seen(step.state))

    def _stored(self, state: Valuation) -> Mapping[Address, Words]:
        stored, names = self.adapter.storage(state), self.adapter.contracts
        if stored.keys() != names.keys() or not all(isinstance(words, Words) for words in stored.values()):
            told = ", ".join(names.values())
            raise SpecificationError(f"the adapter must say, as Words, what {told} store, and nothing else")
        return stored

    def step(self, trial: Trial) -> tuple[Valuation, Step]:
        """The oracle's step for a trial, and the state that it is taken in."""
        before = self.experiments.state(trial.clock, trial.row)
        step = self.oracle.run(before, trial.action, trial.arguments)
        assert step is not None, "the kernels found a step that the oracle does not make"
        return before, step

    def _grow(self) -> dict[Seen, list[Outcome]]:
        tree: dict[Seen, list[Outcome]] = {self.root: []}
        queue = deque([self.root])
        while queue:
            seen = queue.popleft()
            for outcome in self.outcomes[seen]:
                if outcome.refusal is None and outcome.after not in tree:
                    tree[outcome.after] = []
                    tree[seen].append(outcome)
                    queue.append(outcome.after)
        if len(tree) < len(self.outcomes):
            raise SpecificationError("some of what the contract sees is changed by steps that are no calls on it")
        return tree

    def path(self, seen: Seen, clock: int) -> list[Trial]:
        """A shortest run of accepted calls that leads to a place by `clock`, none earlier than the one before it."""
        arrivals: dict[Seen, int] = {self.root: 0}
        paths: dict[Seen, list[Trial]] = {self.root: []}
        while arrivals.get(seen, clock + 1) > clock:
            level, known = arrivals, paths
            arrivals, paths = {}, {}
            for place, arrived in level.items():
                for outcome in self.outcomes[place]:
                    at, after = outcome.trial.clock, outcome.after
                    if outcome.refusal is None and arrived <= at < arrivals.get(after, clock + 1):
                        arrivals[after], paths[after] = at, [*known[place], outcome.trial]
        return paths[seen]
