"""Stateful conformance: long runs of calls with numbers of any size, made by Hypothesis, on contract and oracle alike.

Exhaustive conformance leaves out nothing of a small world; this looks beyond small worlds. Its rules are made of the
specification's own actions: for each parameter a strategy by its sort. The first run in which the contract does
anything else than the specification is made as short as can be.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY
from coordination.conform.adapter import Message
from coordination.conform.divergence import Divergence, Sent
from coordination.conform.experiments import Report, silent
from coordination.conform.fuzz.openworld import OpenWorld
from coordination.conform.fuzz.recipes import Draft, Moment, Recipe
from coordination.conform.fuzz.strategies import MOMENTS, RECIPES, SHAPES, setups
from coordination.conform.programs.scenario import Scenario, scenario_of
from coordination.conform.repeatable import run_rules
from coordination.conform.rollup.adapter import ACTIONS
from coordination.conform.rollup.answers import Answers
from coordination.conform.rollup.setup import Setup
from coordination.machine.action import Action
from coordination.machine.machine import Machine
from coordination.machine.trace import Step


@dataclass(frozen=True)
class Failure:
    """The shortest run found in which the contract does something else, in words and as something to run."""

    divergence: Divergence
    scenario: Scenario


@dataclass
class Fuzzed:
    """What was sent until the end, or until the first failure.

    `accepted` counts calls by action, `rejected` by the name of the error, `malformed` those whose calldata was cut
    short. The same machine, contract, seed, examples and steps give the same run.
    """

    machine: Machine
    contract: str
    seed: int
    examples: int
    steps: int
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    seconds: float = 0.0
    failure: Failure | None = None
    is_over: bool = False  # what comes after the first failure only makes it shorter, and is not counted

    @property
    def calls(self) -> int:
        return self.accepted.total() + self.rejected.total() + self.malformed


class _Failed(Exception):
    """A run in which the two differ. There are no answers if the contract was not even deployed."""

    def __init__(self, divergence: Divergence, setup: Setup, answers: Answers | None) -> None:
        super().__init__(divergence.kind)
        self.divergence, self.setup, self.answers = divergence, setup, answers

    def shown_on(self, rollup: Artifact) -> Failure:
        if self.answers is None:
            return Failure(self.divergence, Scenario(self.divergence.found, self.setup))
        return Failure(self.divergence, scenario_of(self.divergence, self.answers, rollup))


def run(
    machine: Machine,
    artifact: Artifact | None = None,
    *,
    seed: int,
    examples: int,
    steps: int,
    shrink: bool = True,
    report: Report = silent,
) -> Fuzzed:
    """Make so many runs of so many steps on `artifact`, the shipped contract of the machine's design if None is given.

    A step is a call, or time that passes. Stops at the first failure, and makes it as short as can be (`shrink`).
    Raises EvmMissing where there is no EVM, and ArtifactError for a contract that lacks what the specification calls.
    """
    Evm()  # which says what to do where there is none
    version = next(iter(machine.instances.values())).constants.design.version
    contract = artifact or shipped(ROLLUPS[version])
    result = Fuzzed(machine, contract.name, seed, examples, steps)
    started = time.perf_counter()
    rules = _rules(machine, version, contract, result, report)
    try:
        run_rules(rules, seed=seed, examples=examples, steps=steps, shrink=shrink)
    except _Failed as failed:
        result.failure = failed.shown_on(contract)
    result.seconds = time.perf_counter() - started
    return result


def _rules(
    machine: Machine, version: str, artifact: Artifact, result: Fuzzed, report: Report
) -> type[RuleBasedStateMachine]:
    """Rules for each of the specification's actions that is a call, for time, and a deployment to start with.

    An action has as many rules, all the same, as arguments beside its caller: what can go wrong in more ways is tried
    more often.
    """
    calls = [_call(action) for action in map(machine.action, ACTIONS) for _ in action.sorts()[1:]]
    rules = {f"rule {number}": each for number, each in enumerate([_time(), _time(), *calls])}

    def deploy(runs: _Runs, setup: Setup, moment: Moment) -> None:
        report(f"{result.calls:,} calls" + (", making what was found shorter" if result.is_over else ""))
        runs.deploy(machine, artifact, setup, result)
        runs.pass_time(moment)

    return type("Runs", (_Runs,), {**rules, "start": initialize(setup=setups(version), moment=MOMENTS)(deploy)})


# Hypothesis leaves out some rules in some runs, by the names of their functions. No run gets far without all of them,
# so they all have the same name.


def _time() -> Callable[..., None]:
    def step(runs: _Runs, moment: Moment) -> None:
        runs.pass_time(moment)

    return rule(moment=MOMENTS)(step)


def _call(action: Action) -> Callable[..., None]:
    def step(runs: _Runs, recipes: tuple[Recipe, ...], shape: int) -> None:
        runs.call(action, recipes, shape)

    return rule(recipes=st.tuples(*(RECIPES[sort] for sort in action.sorts())), shape=SHAPES)(step)


class _Runs(RuleBasedStateMachine):
    """One run: a world, and what is counted of it."""

    world: OpenWorld
    result: Fuzzed

    def deploy(self, machine: Machine, artifact: Artifact, setup: Setup, result: Fuzzed) -> None:
        self.result = result
        try:
            self.world = OpenWorld(machine, artifact, setup, timestamp=1)
        except RuntimeError as error:
            creation = Sent(1, Message(NOBODY, NOBODY, b"", "deployment"), None)
            raise _Failed(Divergence("deployment", (), creation, "accepts it", str(error)), setup, None) from error
        self._judge(self.world.check_deployment())

    def pass_time(self, moment: Moment) -> None:
        self.world.pass_time(moment.read(self.world))

    def call(self, action: Action, recipes: tuple[Recipe, ...], shape: int) -> None:
        """Make a call, with calldata that is `shape` bytes longer or shorter than it should be.

        What comes after the calldata is ignored by Solidity's decoder. Calldata that ends early it refuses without
        data, but for the zeros that fill up the last word of a proof, which it does not look at.
        """
        draft, carried = Draft(self.world, {}), list[Any]()
        for label, recipe in zip(action.labels(), recipes, strict=True):
            draft.given[label], value = recipe.read(draft)
            carried.append(value)
        message = getattr(self.world.calls, action.name)(*carried)
        filling = -len(carried[-1][1]) % 32 if action.name == "submit_epoch_proof" else 0
        length = max(len(message.data) + shape, 0)
        if length < len(message.data) - filling:
            cut = replace(message, data=message.data[:length], text=f"{message.text}, cut to {length} bytes")
            divergence, step = self.world.make_malformed(cut), None
        else:
            message = replace(message, data=message.data[:length].ljust(length, b"\xff"))
            step, divergence = self.world.make(action, tuple(draft.given.values()), message)
        if not self.result.is_over:
            self._count(step)
        self._judge(divergence)

    def _count(self, step: Step | None) -> None:
        if step is None:
            self.result.malformed += 1
        elif step.error is None:
            self.result.accepted[step.action] += 1
        else:
            self.result.rejected[step.error] += 1

    def _judge(self, divergence: Divergence | None) -> None:
        if divergence is not None:
            self.result.is_over = True
            raise _Failed(divergence, self.world.setup, self.world.answers)
