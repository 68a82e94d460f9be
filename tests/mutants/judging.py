"""Holding mutants to the specification, cheapest check first; the first divergence kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from multiprocessing import Pool

from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from coordination.conform.divergence import Divergence
from coordination.conform.exhaustive import execute
from coordination.conform.experiments import Experiments
from coordination.conform.fuzz import stateful
from coordination.conform.plan import Plan
from coordination.conform.rollup.adapter import RollupAdapter
from coordination.conform.rollup.parameters import check_parameters
from coordination.machine import Instance
from coordination.machine.oracle import Oracle
from coordination.machine.state import SpecificationError
from coordination_spec import DESIGNS
from tests.mutants.compiling import compiled
from tests.mutants.edges import edges
from tests.mutants.mutant import Mutant

INSTANCE = "tiny"
SEED, EXAMPLES, STEPS = 1, 60, 50  # of stateful conformance

Say = Callable[[str], None]  # tells whoever waits what is being done


class Outcome(StrEnum):
    DOES_NOT_COMPILE = "does not compile"
    SAME = "same bytecode"  # as the contract itself
    REPEATED = "repeated"  # the bytecode of an earlier mutant that was killed
    KILLED = "killed"
    SURVIVED = "survived"


class Check(StrEnum):
    """The part of conformance that saw a difference, in the order in which they are made."""

    PARAMETERS = "parameters"
    DEPLOYMENT = "deployment"
    EXHAUSTIVE = "exhaustive"
    STATEFUL = "stateful"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; if it was killed, by which check in which design, and what the difference was."""

    outcome: Outcome
    check: Check | None = None
    design: str = ""
    difference: str = ""


class Judge:
    """The contract of one design with other bytecode, held to the specification.

    What is to be executed depends on the interface alone, which no operator changes, so it is planned once.
    """

    def __init__(self, design: str) -> None:
        self.design, self._machine = design, DESIGNS[design]
        self._contract = shipped(ROLLUPS[design])
        self._plans = [self._plan(instance) for instance in (self._machine.instance(INSTANCE), edges(self._machine))]

    def _plan(self, instance: Instance) -> Plan:
        adapter = RollupAdapter(self._machine, instance, self._contract, Evm())
        experiments = Experiments(self._machine, instance, adapter.actions, adapter.visible)
        return Plan(experiments, adapter, Oracle(self._machine, instance))

    def __call__(self, code: bytes) -> Verdict:
        """By all but stateful conformance."""
        if code == self._contract.bytecode:
            return Verdict(Outcome.SAME)
        contract = replace(self._contract, bytecode=code)
        if verdict := self._deploy(contract):
            return verdict
        for plan in self._plans:
            if verdict := self._execute(plan, contract):
                return verdict
        return Verdict(Outcome.SURVIVED)

    def _deploy(self, contract: Artifact) -> Verdict | None:
        divergence = next(check_parameters(self._plans[0].oracle.instance, contract), None)
        return self._killed(Check.PARAMETERS, tell(divergence)) if divergence else None

    def _execute(self, plan: Plan, contract: Artifact) -> Verdict | None:
        evm = Evm()
        RollupAdapter(self._machine, plan.oracle.instance, contract, evm)
        try:
            divergences = execute(plan, evm, contract.name, is_distinct=True, most_divergences=1).divergences
        except SpecificationError as error:  # the plan stands, so this can only be what deployment left behind
            return self._killed(Check.DEPLOYMENT, str(error))
        return self._killed(Check.EXHAUSTIVE, tell(divergences[0])) if divergences else None

    def _killed(self, check: Check, difference: str) -> Verdict:
        return Verdict(Outcome.KILLED, check, self.design, difference)


@cache
def judge_of(design: str) -> Judge:
    return Judge(design)


def tell(divergence: Divergence) -> str:
    return f"{divergence.sent.message.text}: expected that it {divergence.expected}, but it {divergence.found}"


def fuzz(design: str, code: bytes) -> Verdict:
    """By stateful conformance: seconds."""
    contract = replace(shipped(ROLLUPS[design]), bytecode=code)
    fuzzed = stateful.run(DESIGNS[design], contract, seed=SEED, examples=EXAMPLES, steps=STEPS, shrink=False)
    if fuzzed.failure is None:
        return Verdict(Outcome.SURVIVED)
    return Verdict(Outcome.KILLED, Check.STATEFUL, design, tell(fuzzed.failure.divergence))


def judge(mutants: Sequence[Mutant], say: Say) -> dict[str, Verdict]:
    """The verdicts, by the mutants' ids. Only what lives in the first of its designs is judged in the second too."""
    verdicts: dict[str, Verdict] = {}
    alive: dict[str, tuple[str, bytes]] = {}
    for design in DESIGNS:
        todo = [mutant for mutant in mutants if design in mutant.designs and _is_open(verdicts.get(mutant.id))]
        for mutant, code, verdict in _judge_quickly(todo, design, say):
            if verdict.outcome is not Outcome.SAME or mutant.id not in verdicts:  # a mutant may change one design only
                verdicts[mutant.id] = verdict
            if verdict.outcome is Outcome.SURVIVED:
                alive[mutant.id] = design, code
    survivors = {each: alive[each] for each, verdict in verdicts.items() if verdict.outcome is Outcome.SURVIVED}
    return verdicts | _fuzz_all(survivors, say)


def _is_open(verdict: Verdict | None) -> bool:
    return verdict is None or verdict.outcome in (Outcome.SURVIVED, Outcome.SAME)


def _judge_quickly(mutants: Sequence[Mutant], design: str, say: Say) -> Iterator[tuple[Mutant, bytes, Verdict]]:
    """By all but stateful conformance, while the next ones are being compiled."""
    killed: set[bytes] = set()
    for number, (mutant, code) in enumerate(zip(mutants, compiled(mutants, design), strict=True), start=1):
        say(f"{design}: mutant {number} of {len(mutants)}, {mutant.id}")
        if code is None:
            yield mutant, b"", Verdict(Outcome.DOES_NOT_COMPILE)
            continue
        with _naming(mutant):
            verdict = Verdict(Outcome.REPEATED) if code in killed else judge_of(design)(code)
        if verdict.outcome is Outcome.KILLED:
            killed.add(code)
        yield mutant, code, verdict


def _fuzz_all(survivors: Mapping[str, tuple[str, bytes]], say: Say) -> dict[str, Verdict]:
    """Each in a process of its own, as many at once as there are cores."""
    verdicts = {}
    cores = len(os.sched_getaffinity(0))
    with Pool(cores, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        running = {identity: pool.apply_async(fuzz, given) for identity, given in survivors.items()}
        for identity, fuzzed in running.items():
            say(f"stateful: {identity}")
            verdicts[identity] = fuzzed.get()
    return verdicts


@contextmanager
def _naming(mutant: Mutant) -> Iterator[None]:
    """An error of the driver's own is no kill: it ends the run, with the mutant's id."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while judging {mutant.id}: {mutant.after}")
        raise
