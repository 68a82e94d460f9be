"""What honest nodes do: which quotes they keep, which one they take, and that they take one only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordination.machine import action, ite, when
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Trace, Valuation
from coordination_spec.instances import ALICE, BOB, MALLORY
from coordination_spec.properties import no_equivocation
from coordination_spec.state import Coordination
from coordination_spec.words import (
    EPOCH_NO_LONGER_CLAIMABLE,
    EPOCH_NOT_CURRENT_OR_PREVIOUS,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROVER_SIGNATURE,
    NOBODY,
    Account,
    BasisPoints,
    Quote,
    Status,
)
from coordination_spec.world import World
from tests.spec.worlds import HARDENED, LEDGER, Calls, edited, explore, quote

CALLS = Calls.of()
BOND = LEDGER.bond


# N4, and what a proposer's disk is for


@action
def crash_proposer(s: Coordination, w: World, proposer: Account) -> None:
    """A proposer that keeps its choice in memory crashes: the choice is lost too."""
    when(w.is_honest(proposer))
    s.seen.reset(where=lambda owner, prover, epoch, fee: owner == proposer)
    forgets = w.schedule[s.now] == proposer
    s.choice_prover = ite(forgets, NOBODY, s.choice_prover)
    s.choice_fee = ite(forgets, BasisPoints(0), s.choice_fee)


def shortest_equivocation() -> Trace:
    (verdict,) = explore(HARDENED.replacing(crash_proposer), properties=[no_equivocation]).verdicts
    assert verdict.trace is not None, "a volatile choice breaks nothing"
    return verdict.trace


def test_a_volatile_choice_breaks_no_equivocation_by_a_crash_between_two_takes() -> None:
    trace = shortest_equivocation()
    actions = [step.action for step in trace.steps]
    assert actions.count("publish_take") == 2
    first, second = (number for number, name in enumerate(actions) if name == "publish_take")
    assert "crash_proposer" in actions[first + 1 : second]
    assert actions.count("crash_proposer") == 1
    assert len(trace.steps[-1].state["taken"]) == 2


def test_the_same_run_is_no_run_of_a_proposer_whose_choice_is_durable() -> None:
    """Step by step up to the second choice, which N4 forbids."""
    trace = shortest_equivocation()
    oracle = Oracle(HARDENED, HARDENED.instance("tiny"))
    actions = {each.name: each for each in HARDENED.actions}
    state, done = oracle.initial(), []
    for step in trace.steps:
        taken = oracle.run(state, actions[step.action], step.arguments)
        if taken is None:
            break
        done.append(step.action)
        state = taken.state
    assert "crash_proposer" in done
    assert trace.steps[len(done)].action == "choose_quote"
    assert done.count("choose_quote") == 1


def test_a_durable_choice_survives_a_crash_and_memory_does_not() -> None:
    offer = quote(ALICE, 0, 1)
    state = CALLS.state(now=5, seen={(BOB, offer): 1}, choice_prover=ALICE, choice_fee=1)
    after = CALLS.call(state, "crash_proposer", BOB).state
    assert after["seen"] == {}
    assert (after["choice_prover"], after["choice_fee"]) == (ALICE, 1)
    assert CALLS.attempt(after, "choose_quote", quote(MALLORY, 0, 0)) is None
    assert CALLS.attempt(after, "publish_take", offer) is not None


# N1 and N2


@pytest.mark.parametrize(
    ("bid", "error"),
    [
        (quote(ALICE, 0, 10_000), None),
        (quote(ALICE, 0, 10_001), INVALID_BASIS_POINT_FEE),
        (quote(ALICE, 1, 1), None),
    ],
)
def test_n1_a_bid_is_within_reason(bid: Quote, error: str | None) -> None:
    assert CALLS.error(CALLS.state(now=5), "make_quote", bid) == error


def test_n1_a_bid_is_for_an_epoch_that_can_still_be_claimed() -> None:
    assert CALLS.error(CALLS.state(now=6), "make_quote", quote(ALICE, 0, 10_001)) == INVALID_BASIS_POINT_FEE
    assert CALLS.error(CALLS.state(now=6), "make_quote", quote(ALICE, 0, 1)) == EPOCH_NO_LONGER_CLAIMABLE


def test_n2_the_checks_of_a_quote_run_in_order_and_the_first_that_fails_names_the_error() -> None:
    state = CALLS.state(now=9)

    def error(at: Valuation, offer: Quote, recovered: int) -> str | None:
        return CALLS.error(at, "receive_quote", BOB, offer, recovered)

    assert error(state, quote(MALLORY, 0, 20_000), NOBODY) == INVALID_PROVER_SIGNATURE
    assert error(state, quote(MALLORY, 0, 20_000), MALLORY) == INVALID_BASIS_POINT_FEE
    assert error(state, quote(MALLORY, 0, 0), MALLORY) == EPOCH_NOT_CURRENT_OR_PREVIOUS
    state = edited(state, now=5)
    assert error(edited(state, now=0), quote(MALLORY, 0, 1), MALLORY) is None  # the current epoch
    assert error(state, quote(MALLORY, 0, 1), MALLORY) is None  # the previous one
    assert error(state, quote(MALLORY, 2, 1), MALLORY) == EPOCH_NOT_CURRENT_OR_PREVIOUS


def test_n2_a_known_quote_is_ignored_whatever_is_wrong_with_what_repeats_it() -> None:
    offer, other = quote(MALLORY, 0, 0), quote(MALLORY, 0, 1)
    state = CALLS.call(CALLS.state(now=5), "receive_quote", BOB, offer, MALLORY).state
    for at in (state, edited(state, now=9)):
        for recovered in (MALLORY, NOBODY):
            assert CALLS.attempt(at, "receive_quote", BOB, offer, recovered) is None
            assert CALLS.attempt(at, "receive_quote", BOB, other, recovered) is not None
    crashed = CALLS.call(state, "crash_proposer", BOB).state
    assert CALLS.call(crashed, "receive_quote", BOB, offer, MALLORY).state["seen"] == state["seen"]


def test_n2_quotes_of_one_fee_are_ranked_as_they_arrive() -> None:
    state = CALLS.state(now=5, made={quote(ALICE, 0, 1): 1})
    state = CALLS.call(state, "receive_quote", BOB, quote(MALLORY, 0, 1), MALLORY).state
    state = CALLS.call(state, "receive_quote", BOB, quote(MALLORY, 0, 0), MALLORY).state
    state = CALLS.call(state, "receive_quote", BOB, quote(ALICE, 0, 1), ALICE).state
    ranks = {offer: state.entry("seen", (BOB, *offer)) for offer in (quote(MALLORY, 0, 1), quote(ALICE, 0, 1))}
    assert ranks == {quote(MALLORY, 0, 1): 1, quote(ALICE, 0, 1): 2}
    assert state.entry("seen", (BOB, *quote(MALLORY, 0, 0))) == 1


# N3


def choosable(state: Valuation) -> set[Quote]:
    offers = [quote(who, epoch, fee) for who in (ALICE, MALLORY) for epoch in (0, 1) for fee in (0, 1, 2_500)]
    return {offer for offer in offers if CALLS.attempt(state, "choose_quote", offer) is not None}


def seen(**edits: Any) -> Valuation:
    """In slot 5, which is bob's, bob has a dear quote of mallory's, then two cheaper ones at one fee, alice's first."""
    order = {quote(MALLORY, 0, 2_500): 1, quote(ALICE, 0, 1): 1, quote(MALLORY, 0, 1): 2}
    state = CALLS.state(now=5, seen={(BOB, offer): rank for offer, rank in order.items()})
    return edited(state, **edits)


def test_n3_the_lowest_fee_is_taken_and_the_earliest_on_a_tie() -> None:
    assert choosable(seen()) == {quote(ALICE, 0, 1)}


def test_n3_a_prover_that_cannot_pay_the_bond_is_passed_over() -> None:
    assert choosable(seen(balance={ALICE: BOND - 1})) == {quote(MALLORY, 0, 1)}
    assert choosable(seen(balance={ALICE: BOND})) == {quote(ALICE, 0, 1)}
    assert choosable(seen(balance={ALICE: 0, MALLORY: 0})) == set()


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.PROVEN, Status.PRUNED])
def test_n3_only_an_open_epoch_is_taken(status: Status) -> None:
    assert choosable(seen(status={0: status})) == set()


@pytest.mark.parametrize("slot", [4, 6, 8, 9])
def test_n3_only_in_the_proposers_own_slot_in_the_claim_phase_for_the_previous_epoch(slot: int) -> None:
    """Slots 4 and 8 are mallory's, 6 lies outside of the claim phase, 9 is nobody's."""
    assert choosable(seen(now=slot)) == set()


def test_n3_a_claim_phase_later_the_quote_is_too_old() -> None:
    calls = Calls.of(scenario=replace(LEDGER, schedule={5: BOB, 9: BOB}))
    assert calls.attempt(seen(now=5), "choose_quote", quote(ALICE, 0, 1)) is not None
    assert calls.attempt(seen(now=9), "choose_quote", quote(ALICE, 0, 1)) is None


# N5 and N7


def test_n5_a_prover_sends_its_own_quote_once_a_slot_while_it_may_be_claimed() -> None:
    offer, other = quote(ALICE, 0, 1), quote(ALICE, 0, 2_500)
    bids = {offer: 1, other: 1}
    takes = {(5, offer): 1, (5, other): 1}
    ready = CALLS.state(now=5, made=bids, taken=takes)
    sent = CALLS.call(ready, "send_claim", offer).state
    assert sent["sent"] == {(5, *offer): 1}

    for state, which in (
        (sent, other),  # once in a slot, whatever the quote
        (CALLS.state(now=5, made=bids), offer),  # not taken
        (CALLS.state(now=5, taken=takes), offer),  # not its own
        (edited(ready, status={0: Status.CLAIMED}), offer),
        (edited(ready, now=6), offer),
        (edited(ready, now=9), offer),
    ):
        assert CALLS.attempt(state, "send_claim", which) is None


def test_n7_what_can_no_longer_be_claimed_is_forgotten() -> None:
    old, new = quote(ALICE, 0, 1), quote(ALICE, 1, 1)
    state = CALLS.state(
        now=4, seen={(BOB, old): 1, (BOB, new): 1}, sent={(4, old): 1}, choice_prover=ALICE, choice_fee=1
    )
    after = CALLS.call(state, "tick").state
    assert (after["now"], after["choice_prover"], after["choice_fee"]) == (5, NOBODY, 0)
    assert after["seen"] == state["seen"]
    assert after["sent"] == state["sent"]
    later = CALLS.call(after, "tick").state
    assert later["seen"] == {(BOB, *new): 1}
    assert later["sent"] == {}
