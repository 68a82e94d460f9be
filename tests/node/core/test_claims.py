"""N5: a prover whose quote is taken claims, once a slot, and stops when that is of no more use."""

from __future__ import annotations

import pytest

from coordination.chain.quote import NOBODY, Claim, Quote, Signature, Status
from coordination.node.core.effects import Claimed, Effect, Remember, SendClaim, StopClaim
from tests.node.core.stage import ALICE, BOB, CAROL, MALLORY, OPEN, C, E, Stage, claimed, head, only, with_claim

EPOCH = 2
FIRST = (EPOCH + 1) * E
LAST = FIRST + C - 1
QUOTE = Quote(ALICE, EPOCH, 1_000)


@pytest.fixture
def alice(version: str) -> Stage:
    """She has bid for epoch 2, and it is the first slot in which that can be claimed; bob proposes."""
    stage = Stage(version, prover="alice")
    stage.at(FIRST - 2)
    stage.bid(EPOCH, QUOTE.basis_point_fee)
    stage.at(FIRST)
    return stage


def claims(effects: list[Effect]) -> list[Effect]:
    """What concerns claims: remembered, sent or stopped."""
    return [effect for effect in effects if isinstance(effect, SendClaim | StopClaim) or remembers_claim(effect)]


def remembers_claim(effect: Effect) -> bool:
    return isinstance(effect, Remember) and isinstance(effect.fact, Claimed)


def claim_by(slot: int, signature: Signature, quote: Quote = QUOTE) -> list[Effect]:
    return [Remember(Claimed(slot, quote, signature)), SendClaim(slot, quote, signature)]


def test_a_take_by_this_slots_proposer_is_claimed_and_remembered_first(alice: Stage) -> None:
    assert alice.hear_take(QUOTE) == claim_by(FIRST, alice.taken(QUOTE).signature)


@pytest.mark.parametrize("slot", [FIRST, LAST])
def test_a_claim_can_be_sent_in_any_slot_of_the_claim_phase(alice: Stage, slot: int) -> None:
    alice.at(slot)
    assert claims(alice.hear_take(QUOTE)) == claim_by(slot, alice.taken(QUOTE).signature)


@pytest.mark.parametrize("slot", [FIRST - 1, LAST + 1])
def test_out_of_the_claim_phase_nothing_is_claimed(version: str, slot: int) -> None:
    stage = Stage(version, prover="alice")
    stage.at(FIRST - 2)
    stage.bid(EPOCH, 1_000)
    stage.at(slot, head(slot, after=CAROL))
    assert claims(stage.hear_take(QUOTE)) == []


def test_a_claim_is_sent_once_a_slot_however_often_the_take_is_heard(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    assert claims([*alice.hear_take(QUOTE), *alice.see(head(FIRST)), *alice.tick(FIRST)]) == []


def test_of_two_takes_in_one_slot_the_first_is_claimed(alice: Stage) -> None:
    alice.bid(EPOCH, 900)
    assert claims(alice.hear_take(QUOTE)) == claim_by(FIRST, alice.taken(QUOTE).signature)
    assert claims(alice.hear_take(QUOTE._replace(basis_point_fee=900))) == []


def test_a_take_of_somebody_elses_quote_is_not_claimed(alice: Stage) -> None:
    assert claims(alice.hear_take(Quote(CAROL, EPOCH, 1_000))) == []


def test_a_take_of_a_quote_that_was_never_made_is_not_claimed(alice: Stage) -> None:
    """In the seed's design, or with a stolen key, anybody might say so."""
    assert claims(alice.hear_take(QUOTE._replace(basis_point_fee=999))) == []


def test_a_take_by_somebody_who_does_not_propose_now_is_not_claimed(alice: Stage) -> None:
    assert claims(alice.hear_take(QUOTE, by="mallory")) == []


def test_a_take_for_another_epoch_is_not_claimed(alice: Stage) -> None:
    alice.bid(EPOCH + 1, 1_000)
    assert claims(alice.hear_take(QUOTE._replace(epoch=EPOCH + 1))) == []


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.PROVEN, Status.PRUNED])
def test_what_is_not_open_is_not_claimed(alice: Stage, status: Status) -> None:
    alice.see(with_claim(head(FIRST), EPOCH, claimed(CAROL, FIRST, status)))
    assert claims(alice.hear_take(QUOTE)) == []


def test_nothing_is_claimed_before_l1_has_said_how_the_epoch_stands(alice: Stage) -> None:
    unknown = head(FIRST)._replace(claims={})
    alice.see(unknown)
    assert claims(alice.hear_take(QUOTE)) == []
    assert claims(alice.see(head(FIRST))) == claim_by(FIRST, alice.taken(QUOTE).signature)


def test_a_take_for_the_next_slot_is_claimed_when_that_begins(alice: Stage) -> None:
    alice.see(head(FIRST, MALLORY, after=BOB))
    assert claims(alice.hear_take(QUOTE, slot=FIRST + 1)) == []
    assert claims(alice.tick(FIRST + 1)) == claim_by(FIRST + 1, alice.taken(QUOTE, slot=FIRST + 1).signature)


def test_of_two_takes_for_the_next_slot_the_first_is_claimed(alice: Stage) -> None:
    other = Quote(ALICE, EPOCH, 900)
    alice.bid(EPOCH, other.basis_point_fee)
    alice.see(head(FIRST, MALLORY, after=BOB))
    for quote in (QUOTE, other):
        alice.hear_take(quote, slot=FIRST + 1)
    assert claims(alice.tick(FIRST + 1)) == claim_by(FIRST + 1, alice.taken(QUOTE, slot=FIRST + 1).signature)


def test_a_take_for_the_first_slot_of_the_claim_phase_may_come_a_slot_too_early(version: str) -> None:
    """Clocks differ. It is the same proposer's slot before, too, which must not confuse anybody."""
    stage = Stage(version, prover="alice")
    stage.at(FIRST - 1, head(FIRST - 1, BOB))
    stage.bid(EPOCH, 1_000)
    stage.hear_take(QUOTE, slot=FIRST)
    assert claims(stage.at(FIRST)) == claim_by(FIRST, stage.taken(QUOTE, slot=FIRST).signature)


def test_a_take_that_comes_too_late_is_not_claimed(alice: Stage) -> None:
    alice.at(FIRST + 1, head(FIRST + 1, MALLORY, before=BOB))
    assert claims(alice.hear_take(QUOTE, slot=FIRST)) == []


def test_a_take_is_not_claimed_in_a_later_slot(alice: Stage) -> None:
    alice.see(with_claim(head(FIRST), EPOCH, claimed(CAROL, FIRST)))
    alice.hear_take(QUOTE)
    reorganised = head(FIRST + 1, MALLORY, before=BOB)
    assert claims(alice.at(FIRST + 1, reorganised)) == []


def test_the_hardened_take_of_a_slot_serves_no_other_slot_of_the_same_proposer() -> None:
    stage = Stage("0.2.0", prover="alice")
    stage.at(FIRST)
    stage.bid(EPOCH, 1_000)
    stage.at(FIRST + 1)
    assert claims(stage.hear_take(QUOTE, slot=FIRST)) == []


def test_the_seeds_take_serves_in_every_slot_of_its_proposer() -> None:
    """Its digest names no slot, and the contract takes it: this is known of that design."""
    stage = Stage("0.1.0", prover="alice")
    stage.at(FIRST)
    stage.bid(EPOCH, 1_000)
    stage.at(FIRST + 1)
    assert claims(stage.hear_take(QUOTE, slot=FIRST)) == claim_by(FIRST + 1, stage.taken(QUOTE).signature)


def test_a_claim_is_stopped_when_its_slot_is_over_and_the_next_take_is_claimed(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    assert claims(alice.at(FIRST + 1)) == [StopClaim(FIRST)]
    assert claims(alice.hear_take(QUOTE)) == claim_by(FIRST + 1, alice.taken(QUOTE).signature)


def test_a_claim_is_stopped_before_the_next_one_is_sent(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    alice.see(head(FIRST, BOB, after=CAROL))
    alice.hear_take(QUOTE, by="carol", slot=FIRST + 1)
    taken = alice.taken(QUOTE, by="carol", slot=FIRST + 1)
    assert claims(alice.tick(FIRST + 1)) == [StopClaim(FIRST), *claim_by(FIRST + 1, taken.signature)]


@pytest.mark.parametrize("claim", [claimed(ALICE, FIRST), claimed(CAROL, FIRST), claimed(CAROL, FIRST, Status.PRUNED)])
def test_a_claim_is_stopped_when_the_epoch_is_not_open_any_more(alice: Stage, claim: Claim) -> None:
    alice.hear_take(QUOTE)
    assert claims(alice.see(with_claim(head(FIRST), EPOCH, claim))) == [StopClaim(FIRST)]
    assert claims(alice.see(with_claim(head(FIRST), EPOCH, claim))) == []
    assert claims(alice.at(FIRST + 1)) == []


def test_a_claim_is_not_stopped_while_l1_says_nothing(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    assert claims(alice.see(head(FIRST)._replace(claims={}))) == []


def test_the_same_claim_is_sent_again_when_a_reorganisation_reopens_the_epoch_in_its_slot(alice: Stage) -> None:
    [_, sent] = claims(alice.hear_take(QUOTE))
    alice.see(with_claim(head(FIRST), EPOCH, claimed(CAROL, FIRST)))
    assert claims(alice.see(with_claim(head(FIRST), EPOCH, OPEN))) == [sent]
    assert claims(alice.see(with_claim(head(FIRST), EPOCH, OPEN))) == []


def test_after_a_restart_the_same_claim_is_sent_again_in_its_slot(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    alice.restart()
    assert claims(alice.at(FIRST)) == claim_by(FIRST, alice.taken(QUOTE).signature)[1:]
    alice.bid(EPOCH, 900)
    assert claims(alice.hear_take(QUOTE._replace(basis_point_fee=900))) == []


def test_after_a_restart_in_a_later_slot_the_claim_is_stopped(alice: Stage) -> None:
    alice.hear_take(QUOTE)
    alice.restart()
    assert claims(alice.at(FIRST + 1)) == [StopClaim(FIRST)]


def test_after_a_restart_with_a_clock_that_went_back_the_claim_waits_for_its_slot(alice: Stage) -> None:
    alice.at(FIRST + 1)
    alice.hear_take(QUOTE)
    alice.restart()
    assert claims(alice.at(FIRST, head(FIRST))) == []
    assert claims(alice.hear_take(QUOTE)) == []
    assert claims(alice.at(FIRST + 1)) == claim_by(FIRST + 1, alice.taken(QUOTE).signature)[1:]


def test_a_clock_that_goes_back_while_the_node_runs_brings_no_slot_again(alice: Stage) -> None:
    alice.at(FIRST + 1)
    alice.hear_take(QUOTE)
    assert alice.core.tick(0) == []
    assert alice.core.view.slot == FIRST + 1
    assert claims(alice.see(head(FIRST + 1))) == []


def test_in_a_slot_without_a_proposer_nothing_is_claimed(alice: Stage) -> None:
    alice.see(head(FIRST, NOBODY))
    assert claims(alice.hear_take(QUOTE)) == []


def test_a_node_that_does_not_prove_claims_nothing(version: str) -> None:
    stage = Stage(version, proposer="carol")
    stage.at(FIRST)
    stage.hear_make("alice", EPOCH, 1_000)
    assert claims(stage.hear_take(QUOTE)) == []
    assert only(Remember, stage.hear_take(QUOTE)) == []
