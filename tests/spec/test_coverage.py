"""What happens in the instances: all that a rule speaks of, for what never happens is not checked. No gift matters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from coordination.explore.check import check
from coordination.machine import Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Valuation
from coordination_spec import words
from coordination_spec.words import (
    BOND_NOT_TRANSFERRED,
    CALLER_NOT_PROVER,
    EPOCH_ALREADY_CLAIMED,
    EPOCH_ALREADY_PROVEN,
    EPOCH_ALREADY_PRUNED,
    EPOCH_NO_LONGER_CLAIMABLE,
    EPOCH_NOT_CLAIMED,
    EPOCH_NOT_CURRENT_OR_PREVIOUS,
    INSUFFICIENT_BALANCE,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROOF,
    INVALID_PROPOSER_SIGNATURE,
    INVALID_PROVER_SIGNATURE,
    NOT_IN_CLAIM_PHASE,
    NOT_PREVIOUS_EPOCH,
    NOTHING_TO_PRUNE,
    PANIC,
    PROOF_PHASE_ENDED,
    Amount,
)
from tests.spec.worlds import HARDENED, SEED, difference, edited

DESIGNS = pytest.mark.parametrize("machine", [SEED, HARDENED], ids=lambda machine: machine.design)

REJECTIONS = {
    "make_quote": {INVALID_BASIS_POINT_FEE, EPOCH_NO_LONGER_CLAIMABLE},
    "receive_quote": {
        INVALID_PROVER_SIGNATURE,
        INVALID_BASIS_POINT_FEE,
        EPOCH_NOT_CURRENT_OR_PREVIOUS,
    },
    "claim_proof_right": {
        NOT_IN_CLAIM_PHASE,
        EPOCH_ALREADY_CLAIMED,
        EPOCH_ALREADY_PROVEN,
        EPOCH_ALREADY_PRUNED,
        INVALID_PROPOSER_SIGNATURE,
        CALLER_NOT_PROVER,
        NOT_PREVIOUS_EPOCH,
        INVALID_BASIS_POINT_FEE,
        BOND_NOT_TRANSFERRED,
    },
    "submit_epoch_proof": {
        EPOCH_NOT_CLAIMED,
        EPOCH_ALREADY_PROVEN,
        EPOCH_ALREADY_PRUNED,
        PROOF_PHASE_ENDED,
        INVALID_PROOF,
    },
    "prune": {NOTHING_TO_PRUNE},
    "fund_rewards": {INSUFFICIENT_BALANCE},
    "give_tokens": {INSUFFICIENT_BALANCE},
}
REFUSALS = {(action, error) for action, errors in REJECTIONS.items() for error in errors}


def error_names() -> set[str]:
    return {value for name, value in vars(words).items() if name.isupper() and isinstance(value, str)}


def wander(oracle: Oracle, runs: int) -> Iterator[tuple[Valuation, list[Step]]]:
    """States of so many random runs, each with all of its steps; the same ones every time."""
    chance = random.Random(8509)
    for _ in range(runs):
        state = oracle.initial()
        while True:
            steps = list(oracle.steps(state))
            yield state, steps
            moves = [step.state for step in steps if step.state != state]
            if not moves:
                break
            state = chance.choice(moves)


@DESIGNS
@pytest.mark.parametrize("name", ["tiny", "twins", "ci"])
def test_every_check_but_the_evms_fails_at_some_time_and_every_action_is_accepted(machine: Machine, name: str) -> None:
    checked = check(machine, machine.instance(name), ())
    assert checked.exhausted == ""
    assert checked.never == ("submit_epoch_proof EVM Panic",)
    failed = {refusal for refusal, times in checked.tally.rejected.items() if times}
    assert {(action, error) for action, _, error in failed} == REFUSALS
    assert {error for _, _, error in failed} == error_names() - {PANIC}
    assert {name for name, times in checked.tally.accepted.items() if times} == {
        action.name for action in machine.actions
    }


@DESIGNS
def test_every_error_occurs_at_every_action_that_names_it(machine: Machine) -> None:
    """One error can be named by several actions: that a node drops a fee says nothing about the contract."""
    wanted = REFUSALS | {(action.name, None) for action in machine.actions}
    missing = set(wanted)
    for _, steps in wander(Oracle(machine, machine.instance("tiny")), runs=100):
        found = {(step.action, step.error) for step in steps}
        assert found <= wanted
        missing -= found
        if not missing:
            break
    assert missing == set()


def test_a_gift_changes_nothing_that_a_rule_reads() -> None:
    """Every call is answered as without the gift, by the same error or the same changes and events."""
    instance = HARDENED.instance("tiny")
    supply = instance.constants.supply
    oracle = Oracle(HARDENED, replace(instance, domains={**instance.domains, Amount: range(2 * supply)}))
    seen = 0
    for state, steps in wander(oracle, runs=6):
        given = edited(state, gifts=state["gifts"] + 1, held=state["held"] + 1)
        for step, with_gift in zip(steps, oracle.steps(given), strict=True):
            assert (with_gift.action, with_gift.arguments) == (step.action, step.arguments)
            assert (with_gift.error, with_gift.rule, with_gift.events) == (step.error, step.rule, step.events)
            assert difference(given, with_gift.state) == difference(state, step.state)
            seen += 1
    assert seen > 1_000
