"""Every transition of an instance is executed on the bytecode, and whatever is done otherwise is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import pytest

from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.chain import Chain
from coordination.chain.deployment import ROLLUPS
from coordination.chain.quote import Address
from coordination.chain.storage import Words
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.exhaustive import Conformance, conform
from coordination.conform.rollup.adapter import RollupAdapter
from coordination.explore.check import check
from coordination.machine import Instance, Machine, SpecificationError
from coordination.machine.action import Arguments
from coordination.machine.trace import Step, Valuation
from coordination_spec import DESIGNS
from coordination_spec.instances import ALICE, CAROL, CHEAP, SCENARIOS, offer

SEED, HARDENED = DESIGNS["0.1.0"], DESIGNS["0.2.0"]
TRANSITIONS = {"0.1.0": 404_386, "0.2.0": 146_270}  # of tiny, by calls


def held(
    machine: Machine = HARDENED,
    adapter: Callable[[Machine, Instance, Artifact, Chain], RollupAdapter] = RollupAdapter,
    contract: str = "",
    instance: str = "tiny",
    **options: bool | int,
) -> Conformance:
    artifact = shipped(contract or ROLLUPS[machine.design])
    return conform(machine, machine.instance(instance), artifact, adapter, **{"is_distinct": True, **options})  # type: ignore[arg-type]


@cache
def every_transition(design: str) -> Conformance:
    return held(DESIGNS[design], is_distinct=False)


@pytest.mark.parametrize("machine", DESIGNS.values(), ids=DESIGNS)
def test_every_transition_of_tiny_is_executed_and_answered_as_specified(machine: Machine) -> None:
    result = every_transition(machine.design)
    assert result.divergences == []
    assert result.transitions == result.planned == TRANSITIONS[machine.design]
    assert result.calls >= result.transitions


@pytest.mark.parametrize("machine", DESIGNS.values(), ids=DESIGNS)
def test_the_transitions_are_those_that_a_search_counts(machine: Machine) -> None:
    tally = check(machine, machine.instance("tiny"), []).tally
    result = every_transition(machine.design)
    calls = RollupAdapter.actions
    assert result.refused == {guard: times for guard, times in tally.rejected.items() if times and guard[0] in calls}
    assert result.accepted == {action: times for action, times in tally.accepted.items() if times and action in calls}


def test_each_guard_refuses_something_but_the_one_that_never_can() -> None:
    assert held().never == (("submit_epoch_proof", "EVM", "Panic"),)


def test_what_looks_alike_is_executed_once_and_gives_the_same_answers() -> None:
    every, once = every_transition("0.2.0"), held()
    assert once.refused.keys() == every.refused.keys()
    assert once.places == every.places
    assert once.transitions < every.transitions / 10


def test_two_runs_give_the_same() -> None:
    first, second = held(), held()
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)


def test_interchangeable_accounts_call_each_for_itself() -> None:
    twins = next(scenario for scenario in SCENARIOS if scenario.name == "twins")
    fewer = replace(twins, name="pair", bids=offer(ALICE, 0, CHEAP) | offer(CAROL, 0, CHEAP), forgeries=frozenset())
    pair = fewer.instance(HARDENED.instance("tiny").constants.design)
    assert pair.interchangeable is not None
    result = conform(HARDENED, pair, shipped(ROLLUPS["0.2.0"]), RollupAdapter, is_distinct=True)
    assert result.divergences == []
    assert result.states > check(HARDENED, pair, []).size.states


def test_the_contract_of_another_design_diverges_by_the_shortest_run() -> None:
    result = held(HARDENED, contract=ROLLUPS["0.1.0"], most_divergences=100)
    kinds = {divergence.kind for divergence in result.divergences}
    assert {"view", "answer"} <= kinds
    first = next(each for each in result.divergences if each.kind == "answer")
    assert first.path == ()
    assert first.expected == "accepts it"
    assert "reverts with InvalidProposerSignature" in first.found


def test_a_run_stops_at_as_many_divergences_as_were_asked_for() -> None:
    assert len(held(HARDENED, contract=ROLLUPS["0.1.0"], most_divergences=1).divergences) == 1


class WrongEvents(RollupAdapter):
    def expected(self, before: Valuation, step: Step) -> Expected:
        right = super().expected(before, step)
        return replace(right, logs=()) if step.action == "prune" and right.reverts is None else right


class WrongErrors(RollupAdapter):
    def expected(self, before: Valuation, step: Step) -> Expected:
        right = super().expected(before, step)
        return right if step.error != "NotInClaimPhase" else Expected(self.artifacts[0].error("NotInClaimPhase", 77))


class WrongViews(RollupAdapter):
    def views(self, state: Valuation) -> Sequence[View]:
        first, *rest = super().views(state)
        return [replace(first, returns=bytes(32)), *rest]


@pytest.mark.parametrize(
    ("adapter", "kind", "expected", "found"),
    [
        (WrongEvents, "events", "emits nothing", "emits EpochPruned(epoch=0, slashed=0)"),
        (WrongErrors, "answer", "reverts with NotInClaimPhase(slot=77)", "reverts with NotInClaimPhase(slot=3)"),
        (WrongViews, "view", "returns 0x" + "00" * 32, "returns 0x" + "00" * 31 + "03"),
    ],
)
def test_what_is_answered_otherwise_is_told(adapter: type[RollupAdapter], kind: str, expected: str, found: str) -> None:
    divergences = held(adapter=adapter, most_divergences=1).divergences
    assert [(each.kind, each.expected, each.found) for each in divergences] == [(kind, expected, found)]


class ForgetsTheSlot(RollupAdapter):
    """As if the contract stored the claim's slot wrongly: seen only where an epoch has been claimed."""

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        if not state.entry("claim_slot", (0,)):
            return super().storage(state)
        return super().storage(Valuation(dict(state.items()) | {"claim_slot": {(0,): 1}}))


def test_storage_is_compared_whole_and_told_by_name() -> None:
    result = held(adapter=ForgetsTheSlot, most_divergences=1)
    (divergence,) = result.divergences
    assert divergence.kind == "storage"
    assert divergence.sent.step is not None
    assert divergence.sent.step.action == "claim_proof_right"
    assert "HardenedProverCoordination._claims[0].slot = 1" in divergence.expected
    assert divergence.found.startswith("stores HardenedProverCoordination._claims[0].slot = ")


def test_what_lies_beyond_a_divergence_is_not_counted_as_executed() -> None:
    result = held(adapter=ForgetsTheSlot, most_divergences=10_000)
    assert 0 < result.transitions < result.planned
    assert {each.kind for each in result.divergences} == {"storage"}


class Blind(RollupAdapter):
    visible = tuple(name for name in RollupAdapter.visible if name != "balance")


class Deaf(RollupAdapter):
    actions = tuple(name for name in RollupAdapter.actions if name != "prune")


class Mute(RollupAdapter):
    def messages(self, action: str, arguments: Arguments, slot: int) -> Sequence[Message]:
        return []


class Lenient(RollupAdapter):
    def expected(self, before: Valuation, step: Step) -> Expected:
        return Expected(None)


class Poor(RollupAdapter):
    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        return {**super().storage(state), self.deployment.rollup: Words()}


@pytest.mark.parametrize(
    ("adapter", "complaint"),
    [
        (Blind, r"depends on balance, which the contract is not said to see"),
        (Deaf, r"prune is not said to be a call of the contract, but it changes (reward_pool|status)"),
        (Mute, r"the adapter has no message for claim_proof_right"),
        (Lenient, r"by the adapter claim_proof_right succeeds where the specification refuses it"),
        (Poor, r"in the initial state, by the adapter"),
    ],
)
def test_an_adapter_that_contradicts_the_specification_is_refused(adapter: type[RollupAdapter], complaint: str) -> None:
    with pytest.raises(SpecificationError, match=complaint):
        held(adapter=adapter)
