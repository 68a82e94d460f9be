"""The rollup contract's rules, one call at a time, in the protocol's own amounts: a bond of 1000, a reward of 999."""

from __future__ import annotations

from typing import Any

import pytest

from coordination.machine.trace import Event, Valuation
from coordination_spec.instances import ALICE, BOB, MALLORY
from coordination_spec.words import (
    BOND_NOT_TRANSFERRED,
    CALLER_NOT_PROVER,
    EPOCH_ALREADY_CLAIMED,
    EPOCH_ALREADY_PROVEN,
    EPOCH_ALREADY_PRUNED,
    EPOCH_NOT_CLAIMED,
    INSUFFICIENT_BALANCE,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROOF,
    INVALID_PROPOSER_SIGNATURE,
    NOBODY,
    NOT_IN_CLAIM_PHASE,
    NOT_PREVIOUS_EPOCH,
    NOTHING_TO_PRUNE,
    PANIC,
    PROOF_PHASE_ENDED,
    Status,
)
from tests.spec.worlds import HARDENED, LEDGER, LEDGER_FEES, SEED, Calls, difference, edited, quote

LEDGERS = {machine.design: Calls.of(machine) for machine in (SEED, HARDENED)}
E, C, P = LEDGER.durations
BOND, REWARD = LEDGER.bond, LEDGER.reward


@pytest.fixture(params=LEDGERS.values(), ids=LEDGERS.keys())
def ledger(request: pytest.FixtureRequest) -> Calls:
    found: Calls = request.param
    return found


def claimed(ledger: Calls, *, fee: int = 2_500, slot: int = 4, now: int | None = None, **edits: Any) -> Valuation:
    """Epoch 0 is claimed by alice under mallory, or under bob in slot 5, and the bond paid."""
    proposer = BOB if slot == 5 else MALLORY
    state = ledger.state(
        status={0: Status.CLAIMED},
        claim_prover={0: ALICE},
        claim_fee={0: fee},
        claim_proposer={0: proposer},
        claim_slot={0: slot},
        balance={ALICE: LEDGER.balances[ALICE] - BOND},
        held=LEDGER.reward_pool + BOND,
        now=slot if now is None else now,
    )
    return edited(state, **edits)


# claimProofRight


def test_a_claim_stores_the_quote_the_proposer_and_the_slot_and_takes_the_bond(ledger: Calls) -> None:
    offer = quote(ALICE, 0, 2_500)
    before = ledger.state(now=5, made={offer: 1}, taken={(5, offer): 1}, sent={(5, offer): 1})
    step = ledger.call(before, "claim_proof_right", ALICE, offer, BOB)
    assert step.error is None
    assert difference(before, step.state) == {
        "status[0]": Status.CLAIMED,
        "claim_prover[0]": ALICE,
        "claim_fee[0]": 2_500,
        "claim_proposer[0]": BOB,
        "claim_slot[0]": 5,
        "claim_sender[0]": ALICE,
        f"balance[{ALICE}]": -BOND,
        "held": BOND,
    }
    fields = (("epoch", 0), ("prover", ALICE), ("proposer", BOB), ("basis_point_fee", 2_500))
    assert step.events == (Event("ProofRightClaimed", fields),)


def test_the_checks_of_a_claim_run_in_order_and_the_first_that_fails_names_the_error(ledger: Calls) -> None:
    """All of them fail at first; then they are mended one by one: each is told before all that come later."""
    now, epoch, caller, prover, fee, recovered = 10, 0, MALLORY, BOB, 20_000, NOBODY
    state = ledger.state(status={0: Status.CLAIMED, 1: Status.CLAIMED}, balance={MALLORY: BOND - 1})

    def error() -> str | None:
        at = edited(state, now=now)
        return ledger.error(at, "claim_proof_right", caller, quote(prover, epoch, fee), recovered)

    assert error() == NOT_IN_CLAIM_PHASE
    now = 8
    assert error() == EPOCH_ALREADY_CLAIMED
    state = edited(state, status={0: Status.PROVEN})
    assert error() == EPOCH_ALREADY_PROVEN
    state = edited(state, status={0: Status.PRUNED})
    assert error() == EPOCH_ALREADY_PRUNED
    state = edited(state, status={0: Status.OPEN, 1: Status.OPEN})
    assert error() == INVALID_PROPOSER_SIGNATURE
    recovered = MALLORY
    assert error() == CALLER_NOT_PROVER
    prover = MALLORY
    assert error() == NOT_PREVIOUS_EPOCH
    epoch = 1
    assert error() == INVALID_BASIS_POINT_FEE
    fee = 10_000
    assert error() == BOND_NOT_TRANSFERRED
    state = edited(state, balance={MALLORY: BOND})
    assert error() is None


@pytest.mark.parametrize(("slot", "error"), [(3, NOT_IN_CLAIM_PHASE), (4, None), (5, None), (6, NOT_IN_CLAIM_PHASE)])
def test_c1_the_claim_phase_is_the_first_slots_of_the_next_epoch(ledger: Calls, slot: int, error: str | None) -> None:
    state = ledger.state(now=slot, taken={(5, quote(MALLORY, 0, 0)): 1})
    proposer = BOB if slot == 5 else MALLORY
    assert ledger.error(state, "claim_proof_right", MALLORY, quote(MALLORY, 0, 0), proposer) == error


def test_c3_nothing_can_be_claimed_in_a_slot_that_has_no_proposer(ledger: Calls) -> None:
    state = ledger.state(now=9)
    for recovered in (NOBODY, MALLORY):
        error = ledger.error(state, "claim_proof_right", MALLORY, quote(MALLORY, 1, 0), recovered)
        assert error == INVALID_PROPOSER_SIGNATURE


def test_c3_a_take_by_another_slots_proposer_is_none(ledger: Calls) -> None:
    state = ledger.state(now=5)
    error = ledger.error(state, "claim_proof_right", MALLORY, quote(MALLORY, 0, 0), MALLORY)
    assert error == INVALID_PROPOSER_SIGNATURE


def test_c3_an_honest_proposers_signature_cannot_be_presented_before_it_exists(ledger: Calls) -> None:
    offer = quote(MALLORY, 0, 0)
    assert ledger.attempt(ledger.state(now=5), "claim_proof_right", MALLORY, offer, BOB) is None
    signed = ledger.state(now=5, taken={(5, offer): 1})
    assert ledger.error(signed, "claim_proof_right", MALLORY, offer, BOB) is None
    dearer = quote(MALLORY, 0, 1)
    assert ledger.attempt(signed, "claim_proof_right", MALLORY, dearer, BOB) is None


def test_c3_a_claim_that_lands_a_slot_late_fails(ledger: Calls) -> None:
    """The take of slot 4 is shown in slot 5: to 0.1.0 it is another's, to 0.2.0 nobody's."""
    offer = quote(ALICE, 0, 1)
    state = ledger.state(now=5, made={offer: 1}, sent={(4, offer): 1})
    recovered = MALLORY if ledger is LEDGERS["0.1.0"] else NOBODY
    error = ledger.error(state, "claim_proof_right", ALICE, offer, recovered)
    assert error == INVALID_PROPOSER_SIGNATURE


def test_c5_in_epoch_zero_there_is_no_previous_epoch(ledger: Calls) -> None:
    for epoch in range(LEDGER.epochs):
        error = ledger.error(ledger.state(now=0), "claim_proof_right", MALLORY, quote(MALLORY, epoch, 0), MALLORY)
        assert error == NOT_PREVIOUS_EPOCH


@pytest.mark.parametrize(("epoch", "error"), [(0, NOT_PREVIOUS_EPOCH), (1, None), (2, NOT_PREVIOUS_EPOCH)])
def test_c5_only_the_previous_epoch_can_be_claimed(ledger: Calls, epoch: int, error: str | None) -> None:
    state = ledger.state(now=8)
    assert ledger.error(state, "claim_proof_right", MALLORY, quote(MALLORY, epoch, 0), MALLORY) == error


@pytest.mark.parametrize("fee", LEDGER_FEES)
def test_c6_a_fee_is_at_most_the_whole(ledger: Calls, fee: int) -> None:
    error = ledger.error(ledger.state(now=4), "claim_proof_right", MALLORY, quote(MALLORY, 0, fee), MALLORY)
    assert error == (INVALID_BASIS_POINT_FEE if fee > 10_000 else None)


@pytest.mark.parametrize(("balance", "error"), [(BOND, None), (BOND - 1, BOND_NOT_TRANSFERRED)])
def test_c7_the_prover_pays_the_bond(ledger: Calls, balance: int, error: str | None) -> None:
    state = ledger.state(now=4, balance={MALLORY: balance})
    assert ledger.error(state, "claim_proof_right", MALLORY, quote(MALLORY, 0, 0), MALLORY) == error


# submitEpochProof


@pytest.mark.parametrize("caller", [ALICE, BOB, MALLORY])
def test_a_proof_pays_the_stored_prover_and_proposer_whoever_hands_it_in(ledger: Calls, caller: int) -> None:
    before = claimed(ledger, slot=5)
    step = ledger.call(before, "submit_epoch_proof", caller, 0, True)
    assert step.error is None
    assert difference(before, step.state) == {
        "status[0]": Status.PROVEN - Status.CLAIMED,
        f"balance[{ALICE}]": BOND + 249,
        f"balance[{BOB}]": 750,
        "held": -BOND - REWARD,
        "reward_pool": -REWARD,
    }
    assert step.events == (Event("EpochProven", (("epoch", 0), ("prover_share", 249), ("proposer_share", 750))),)


@pytest.mark.parametrize(
    ("fee", "pool", "prover_share", "proposer_share"),
    [
        (0, 5000, 0, 999),
        (1, 5000, 0, 999),  # 0.0999 rounds down; the dust is the proposer's
        (2_500, 5000, 249, 750),  # of 249.75
        (3_333, 5000, 332, 667),  # of 332.9667
        (9_999, 5000, 998, 1),  # of 998.9001
        (10_000, 5000, 999, 0),
        (2_500, 999, 249, 750),  # the last full reward
        (2_500, 998, 249, 749),  # a short pool is shared out whole, in the same proportion
        (2_500, 3, 0, 3),
        (10_000, 3, 3, 0),
        (2_500, 0, 0, 0),  # no reward is left, and the bond still goes back
    ],
)
def test_rewards_are_shared_by_the_stored_fee(
    ledger: Calls, fee: int, pool: int, prover_share: int, proposer_share: int
) -> None:
    before = claimed(ledger, fee=fee, slot=5, reward_pool=pool, held=pool + BOND)
    step = ledger.call(before, "submit_epoch_proof", MALLORY, 0, True)
    assert step.error is None
    balances = {who: step.state.entry("balance", (who,)) - before.entry("balance", (who,)) for who in (ALICE, BOB)}
    assert balances == {ALICE: BOND + prover_share, BOB: proposer_share}
    assert step.state["reward_pool"] == pool - prover_share - proposer_share
    assert step.state["held"] == step.state["reward_pool"]


def test_who_is_prover_and_proposer_at_once_gets_both_shares(ledger: Calls) -> None:
    before = claimed(ledger, slot=5, claim_prover={0: BOB})
    step = ledger.call(before, "submit_epoch_proof", MALLORY, 0, True)
    assert step.state.entry("balance", (BOB,)) - before.entry("balance", (BOB,)) == BOND + REWARD


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.OPEN, EPOCH_NOT_CLAIMED),
        (Status.PROVEN, EPOCH_ALREADY_PROVEN),
        (Status.PRUNED, EPOCH_ALREADY_PRUNED),
    ],
)
def test_the_checks_of_a_proof_run_in_order_and_the_first_that_fails_names_the_error(
    ledger: Calls, status: Status, error: str
) -> None:
    state = claimed(ledger, fee=20_000, now=4 + P, status={0: status})
    assert ledger.error(state, "submit_epoch_proof", ALICE, 0, False) == error  # F1 before F2, F3 and the split
    state = edited(state, status={0: Status.CLAIMED})
    assert ledger.error(state, "submit_epoch_proof", ALICE, 0, False) == PROOF_PHASE_ENDED
    state = edited(state, now=4)
    assert ledger.error(state, "submit_epoch_proof", ALICE, 0, False) == INVALID_PROOF
    assert ledger.error(state, "submit_epoch_proof", ALICE, 0, True) == PANIC
    state = edited(state, claim_fee={0: 10_000})
    assert ledger.error(state, "submit_epoch_proof", ALICE, 0, True) is None


@pytest.mark.parametrize(
    ("slot", "now", "in_time"),
    [(4, 4, True), (4, 5, True), (4, 6, False), (5, 6, True), (5, 7, False), (5, 15, False)],
)
def test_f2_and_x1_a_claim_can_be_proven_until_its_proof_phase_ends_and_pruned_from_then_on(
    ledger: Calls, slot: int, now: int, in_time: bool
) -> None:
    state = claimed(ledger, slot=slot, now=now)
    proof = ledger.error(state, "submit_epoch_proof", ALICE, 0, True)
    prune = ledger.error(state, "prune", MALLORY, 0)
    assert (proof, prune) == ((None, NOTHING_TO_PRUNE) if in_time else (PROOF_PHASE_ENDED, None))


# prune


@pytest.mark.parametrize(("epoch", "first"), [(0, E + C), (1, 2 * E + C)])
def test_x1_an_unclaimed_epoch_can_be_pruned_once_its_claim_phase_is_over(
    ledger: Calls, epoch: int, first: int
) -> None:
    assert ledger.error(ledger.state(now=first - 1), "prune", MALLORY, epoch) == NOTHING_TO_PRUNE
    before = ledger.state(now=first)
    step = ledger.call(before, "prune", MALLORY, epoch)
    assert step.error is None
    assert difference(before, step.state) == {f"status[{epoch}]": Status.PRUNED}
    assert step.events == (Event("EpochPruned", (("epoch", epoch), ("slashed", 0))),)


def test_x1_an_overdue_claims_bond_becomes_part_of_the_reward_pool(ledger: Calls) -> None:
    before = claimed(ledger, now=4 + P)
    step = ledger.call(before, "prune", BOB, 0)
    assert difference(before, step.state) == {"status[0]": Status.PRUNED - Status.CLAIMED, "reward_pool": BOND}
    assert step.events == (Event("EpochPruned", (("epoch", 0), ("slashed", BOND))),)


@pytest.mark.parametrize("status", [Status.PROVEN, Status.PRUNED])
def test_x1_what_has_ended_cannot_be_pruned(ledger: Calls, status: Status) -> None:
    state = claimed(ledger, now=LEDGER.last_slot, status={0: status})
    assert ledger.error(state, "prune", MALLORY, 0) == NOTHING_TO_PRUNE


# Money from outside


def test_funding_moves_tokens_from_the_caller_into_the_reward_pool() -> None:
    calls = Calls.of()
    before = calls.state()
    step = calls.call(before, "fund_rewards", BOB, 1500)
    assert difference(before, step.state) == {f"balance[{BOB}]": -1500, "held": 1500, "reward_pool": 1500}
    assert step.events == (Event("RewardsFunded", (("caller", BOB), ("amount", 1500))),)
    assert calls.error(before, "fund_rewards", BOB, 1501) == INSUFFICIENT_BALANCE


def test_a_gift_is_held_and_counted_as_nothing_else() -> None:
    calls = Calls.of()
    before = calls.state()
    step = calls.call(before, "give_tokens", BOB, 2)
    assert difference(before, step.state) == {f"balance[{BOB}]": -2, "held": 2, "gifts": 2}
    assert step.events == ()
    assert calls.error(before, "give_tokens", BOB, 1501) == INSUFFICIENT_BALANCE
