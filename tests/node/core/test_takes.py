"""N3 and N4: a proposer takes one quote in its slot, the cheapest whose prover can pay, the earliest seen on a tie."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import NOBODY, Address, Quote, SignedQuote, Status
from coordination.chain.signing import recover, sign
from coordination.node.core import proposer as proposer_module
from coordination.node.core.core import Verdict
from coordination.node.core.effects import AskFunds, Chosen, Effect, Publish, Remember, SendClaim, Topic
from coordination.node.core.proposer import PATIENCE
from tests.node.core.stage import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    MALLORY,
    C,
    E,
    Stage,
    claimed,
    head,
    kinds,
    only,
    published,
    with_claim,
)

EPOCH = 2
FIRST = (EPOCH + 1) * E
LAST = FIRST + C - 1


@pytest.fixture
def bob(version: str) -> Stage:
    """A proposer, just before the slots in which epoch 2 can be claimed."""
    stage = Stage(version, proposer="bob")
    stage.at(FIRST - 1)
    return stage


def offer(stage: Stage, *offers: tuple[str, int]) -> None:
    """Quotes for epoch 2, in the order in which they are heard."""
    for by, fee in offers:
        stage.hear_make(by, EPOCH, fee)


def take_in(stage: Stage, slot: int, poor: Sequence[Address] = ()) -> list[Effect]:
    """What the proposer does in its slot, once it has been told who can pay."""
    effects = stage.at(slot)
    return [*effects, *stage.fund(effects, poor)] if only(AskFunds, effects) else effects


def taken(effects: Sequence[Effect]) -> list[Quote]:
    return [message.quote for message in published(Topic.TAKE, effects)]


def test_a_take_is_remembered_and_then_published_with_the_proposers_signature(bob: Stage) -> None:
    offer(bob, ("alice", 1_000))
    effects = bob.fund(bob.tick(FIRST))
    quote = Quote(ALICE, EPOCH, 1_000)
    assert effects == [Remember(Chosen(FIRST, quote)), Publish(Topic.TAKE, bob.taken(quote))]
    [message] = published(Topic.TAKE, effects)
    assert recover(bob.signing.take_digest(quote, FIRST), message.signature) == BOB


def test_the_cheapest_is_taken(bob: Stage) -> None:
    offer(bob, ("alice", 1_000), ("carol", 900), ("dave", 950))
    assert taken(take_in(bob, FIRST)) == [Quote(CAROL, EPOCH, 900)]


def test_a_provers_cheaper_quote_takes_the_place_of_its_dearer_one(bob: Stage) -> None:
    offer(bob, ("alice", 1_000), ("carol", 900), ("alice", 800))
    assert taken(take_in(bob, FIRST)) == [Quote(ALICE, EPOCH, 800)]


@pytest.mark.parametrize("order", [("alice", "carol", "dave"), ("dave", "carol", "alice"), ("carol", "dave", "alice")])
def test_of_equal_ones_the_earliest_is_taken(bob: Stage, order: tuple[str, ...]) -> None:
    offer(bob, *((name, 1_000) for name in order))
    [quote] = taken(take_in(bob, FIRST))
    assert quote.prover == {"alice": ALICE, "carol": CAROL, "dave": DAVE}[order[0]]


def test_what_is_heard_again_is_not_older_than_it_was(bob: Stage) -> None:
    offer(bob, ("alice", 1_000), ("carol", 1_000))
    assert bob.core.hear_make(bob.made("alice", EPOCH, 1_000)).verdict is Verdict.IGNORE
    assert taken(take_in(bob, FIRST)) == [Quote(ALICE, EPOCH, 1_000)]


def test_one_who_cannot_pay_the_bond_is_passed_over(bob: Stage) -> None:
    offer(bob, ("alice", 800), ("carol", 900), ("dave", 1_000))
    assert taken(take_in(bob, FIRST, poor=[ALICE])) == [Quote(CAROL, EPOCH, 900)]


def test_where_nobody_can_pay_nothing_is_taken_and_nobody_is_asked_for_again_in_the_slot(bob: Stage) -> None:
    offer(bob, ("alice", 800), ("carol", 900))
    assert taken(take_in(bob, FIRST, poor=[ALICE, CAROL])) == []
    assert bob.see(head(FIRST)) == []


def test_a_rich_one_that_comes_after_the_poor_is_asked_for_and_taken(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    take_in(bob, FIRST, poor=[ALICE])
    effects = bob.hear_make("carol", EPOCH, 900)
    assert only(AskFunds, effects) == [AskFunds(FIRST, (CAROL,))]
    assert taken(bob.fund(effects)) == [Quote(CAROL, EPOCH, 900)]


def test_a_poor_one_that_gave_way_is_asked_for_again_if_it_comes_back(
    bob: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bob.core.pool, "_capacity", 1)
    offer(bob, ("alice", 800))
    take_in(bob, FIRST, poor=[ALICE])
    bob.fund(bob.hear_make("carol", EPOCH, 900), poor=[CAROL])
    assert bob.hear_make("alice", EPOCH, 700) == [AskFunds(FIRST, (ALICE,))]


def test_in_the_next_slot_the_poor_are_asked_for_again(bob: Stage) -> None:
    offer(bob, ("alice", 800), ("carol", 900))
    assert taken(take_in(bob, FIRST, poor=[ALICE])) == [Quote(CAROL, EPOCH, 900)]
    effects = bob.tick(FIRST + 1)
    assert only(AskFunds, effects) == [AskFunds(FIRST + 1, (ALICE, CAROL))]
    assert taken(bob.fund(effects)) == [Quote(ALICE, EPOCH, 800)]


def test_the_answer_to_a_question_of_an_earlier_slot_is_too_old(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    bob.at(FIRST)
    assert only(AskFunds, bob.at(FIRST + 1))
    assert bob.learn(FIRST, {ALICE: True}) == []
    assert taken(bob.learn(FIRST + 1, {ALICE: True})) == [Quote(ALICE, EPOCH, 800)]


def test_there_is_one_question_at_a_time_until_l1_answers_again(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    assert only(AskFunds, bob.tick(FIRST)) == [AskFunds(FIRST, (ALICE,))]
    assert bob.hear_make("carol", EPOCH, 700) == []
    assert bob.hear_make("dave", EPOCH, 750) == []
    assert only(AskFunds, bob.see(head(FIRST))) == [AskFunds(FIRST, (CAROL, DAVE, ALICE))]


def test_what_came_while_it_was_asked_is_asked_for_next_if_it_is_cheaper(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    bob.at(FIRST)
    offer(bob, ("carol", 700), ("dave", 900))
    assert bob.learn(FIRST, {ALICE: True}) == [AskFunds(FIRST, (CAROL,))]
    assert taken(bob.learn(FIRST, {CAROL: False})) == [Quote(ALICE, EPOCH, 800)]


@pytest.mark.parametrize("first", [True, False])
def test_of_two_answers_to_what_was_asked_twice_the_first_counts(bob: Stage, first: bool) -> None:
    offer(bob, ("alice", 800))
    bob.at(FIRST)
    bob.see(head(FIRST))
    effects = [*bob.learn(FIRST, {ALICE: first}), *bob.learn(FIRST, {ALICE: not first})]
    assert taken(effects) == ([Quote(ALICE, EPOCH, 800)] if first else [])


def test_the_dearer_one_is_not_taken_while_the_cheaper_ones_funds_are_unknown(bob: Stage) -> None:
    offer(bob, ("alice", 800), ("carol", 900))
    bob.at(FIRST)
    assert bob.learn(FIRST, {CAROL: True}) == []
    assert taken(bob.learn(FIRST, {ALICE: False})) == [Quote(CAROL, EPOCH, 900)]


def test_one_that_the_answer_leaves_out_is_asked_for_again(bob: Stage) -> None:
    offer(bob, ("alice", 800), ("carol", 900))
    bob.at(FIRST)
    assert bob.learn(FIRST, {CAROL: True}) == []
    assert only(AskFunds, bob.see(head(FIRST))) == [AskFunds(FIRST, (ALICE,))]


def poor_quote(stage: Stage, number: int, fee: int = 100) -> SignedQuote:
    """By one of as many provers as there are numbers, none of whom can pay."""
    key = development_key(f"poor {number}")
    quote = Quote(address_of(key), EPOCH, fee)
    return SignedQuote(quote, sign(key, stage.signing.make_digest(quote)))


def press(stage: Stage) -> list[Effect]:
    """A cheaper quote of a prover who cannot pay comes before each answer. Only alice can pay."""
    effects = stage.at(FIRST)
    for number in range(PATIENCE):
        question = only(AskFunds, effects)[-1]
        stage.core.hear_make(poor_quote(stage, number))
        effects = stage.learn(FIRST, {prover: prover == ALICE for prover in question.provers})
    return effects


def test_ever_new_cheaper_quotes_of_those_who_cannot_pay_do_not_keep_a_proposer_from_taking(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    assert taken(press(bob)) == [Quote(ALICE, EPOCH, 800)]


def test_under_pressure_an_honest_quote_that_comes_late_is_asked_for_and_taken(bob: Stage) -> None:
    offer(bob, ("dave", 800))
    effects = press(bob)
    bob.hear_make("alice", EPOCH, 900)
    effects = bob.fund(effects, poor=only(AskFunds, effects)[-1].provers)
    assert only(AskFunds, effects) == [AskFunds(FIRST, (ALICE,))]
    assert taken(bob.fund(effects)) == [Quote(ALICE, EPOCH, 900)]


def test_under_pressure_it_is_everybodys_turn_however_many_cheaper_ones_come(
    bob: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposer_module, "AT_ONCE", 2)
    offer(bob, ("dave", 800))
    effects = press(bob)
    bob.hear_make("alice", EPOCH, 900)
    for number in range(PATIENCE, PATIENCE + 20, 2):
        for cheaper in (number, number + 1):
            bob.core.hear_make(poor_quote(bob, cheaper, fee=50))
        question = only(AskFunds, effects)[-1]
        effects = bob.learn(FIRST, {prover: prover == ALICE for prover in question.provers})
        if taken(effects):
            break
    assert taken(effects) == [Quote(ALICE, EPOCH, 900)]


def test_not_more_than_so_many_are_asked_for_at_once(bob: Stage) -> None:
    many = [development_key(f"prover {number}") for number in range(2 * proposer_module.AT_ONCE + 10)]
    for fee, key in enumerate(many):
        quote = Quote(address_of(key), EPOCH, fee)
        message = bob.made("alice", EPOCH, 0)._replace(quote=quote, signature=sign(key, bob.signing.make_digest(quote)))
        assert bob.core.hear_make(message).verdict is Verdict.ACCEPT
    asked: list[Address] = []
    effects = bob.tick(FIRST)
    while not published(Topic.TAKE, effects):
        [question] = only(AskFunds, effects)
        assert len(question.provers) <= proposer_module.AT_ONCE
        asked += question.provers
        richest = address_of(many[-1])
        effects = bob.learn(FIRST, {prover: prover == richest for prover in question.provers})
    assert asked == [address_of(key) for key in many]
    assert taken(effects) == [Quote(address_of(many[-1]), EPOCH, len(many) - 1)]


@pytest.mark.parametrize("slot", [FIRST, LAST])
def test_a_quote_is_taken_in_any_slot_of_the_claim_phase(bob: Stage, slot: int) -> None:
    offer(bob, ("alice", 800))
    assert taken(take_in(bob, slot)) == [Quote(ALICE, EPOCH, 800)]


@pytest.mark.parametrize("slot", [FIRST - 1, LAST + 1])
def test_out_of_the_claim_phase_nothing_is_taken(version: str, slot: int) -> None:
    stage = Stage(version, proposer="bob")
    stage.at(FIRST - 2)
    for epoch in (EPOCH - 1, EPOCH):
        stage.core.hear_make(stage.made("alice", epoch, 800))
    assert kinds(take_in(stage, slot)) in ([], ["Forget"])


@pytest.mark.parametrize("slot", [0, C - 1])
def test_in_the_first_epoch_nothing_is_taken(version: str, slot: int) -> None:
    stage = Stage(version, proposer="bob")
    stage.at(slot)
    assert only(AskFunds, stage.hear_make("alice", 0, 800)) == []
    assert only(AskFunds, stage.see(head(slot))) == []


@pytest.mark.parametrize("proposer", [MALLORY, NOBODY])
def test_in_a_slot_that_is_not_its_own_a_proposer_takes_nothing(bob: Stage, proposer: Address) -> None:
    offer(bob, ("alice", 800))
    bob.see(head(FIRST - 1, proposer))
    assert bob.at(FIRST, head(FIRST, proposer)) == []


def test_before_l1_has_said_whose_slot_it_is_nothing_is_taken(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    bob.see(head(FIRST)._replace(proposers={}))
    assert bob.tick(FIRST) == []
    assert kinds(bob.see(head(FIRST))) == ["AskFunds"]


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.PROVEN, Status.PRUNED])
def test_for_an_epoch_that_is_not_open_nothing_is_taken(bob: Stage, status: Status) -> None:
    offer(bob, ("alice", 800))
    closed = with_claim(head(FIRST), EPOCH, claimed(CAROL, FIRST, status))
    bob.see(closed)
    assert bob.at(FIRST, closed) == []


def test_before_l1_has_said_how_the_epoch_stands_nothing_is_taken(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    unknown = head(FIRST)._replace(claims={})
    bob.see(unknown)
    assert bob.at(FIRST, unknown) == []


def test_what_was_open_when_funds_were_asked_for_is_not_taken_once_it_is_claimed(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    asked = bob.at(FIRST)
    bob.see(with_claim(head(FIRST), EPOCH, claimed(CAROL, FIRST)))
    assert bob.fund(asked) == []


def test_quotes_for_the_current_epoch_are_not_taken_yet(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    bob.at(FIRST, head(FIRST, MALLORY))
    bob.hear_make("carol", EPOCH + 1, 100)
    assert taken(take_in(bob, FIRST + 1)) == [Quote(ALICE, EPOCH, 800)]


def test_one_quote_is_taken_in_a_slot_whatever_comes_after_it(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    assert len(taken(take_in(bob, FIRST))) == 1
    after = [*bob.hear_make("carol", EPOCH, 100), *bob.see(head(FIRST)), *bob.learn(FIRST, {CAROL: True})]
    assert after == []


def test_in_its_next_slot_a_proposer_takes_again_what_is_cheapest_then(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    take_in(bob, FIRST)
    bob.hear_make("carol", EPOCH, 100)
    assert taken(take_in(bob, FIRST + 1)) == [Quote(CAROL, EPOCH, 100)]


def test_a_clock_that_goes_back_does_not_bring_a_second_take(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    take_in(bob, FIRST + 1)
    assert bob.core.tick(0) == []
    bob.hear_make("carol", EPOCH, 100)
    assert bob.see(head(FIRST)) == []


def test_a_take_after_a_reorganisation_is_still_the_slots_only_one(bob: Stage) -> None:
    offer(bob, ("alice", 800))
    take_in(bob, FIRST)
    bob.see(with_claim(head(FIRST), EPOCH, claimed(ALICE, FIRST)))
    bob.hear_make("carol", EPOCH, 100)
    assert bob.see(head(FIRST)) == []


def test_a_proposer_that_proves_too_takes_and_claims_its_own_quote(version: str) -> None:
    stage = Stage(version, prover="bob", proposer="bob")
    stage.at(FIRST)
    effects = stage.bid(EPOCH, 700)
    assert kinds(effects) == ["Remember", "Publish", "AskFunds"]
    quote = Quote(BOB, EPOCH, 700)
    signature = stage.taken(quote).signature
    assert kinds(stage.fund(effects)) == ["Remember", "Publish", "Remember", "SendClaim"]
    assert stage.disk.chosen == Chosen(FIRST, quote)
    assert stage.disk.claimed is not None
    assert SendClaim(*stage.disk.claimed) == SendClaim(FIRST, quote, signature)


def test_a_node_that_does_not_propose_asks_for_nobodys_funds(version: str) -> None:
    stage = Stage(version, prover="carol")
    stage.at(FIRST)
    assert stage.hear_make("alice", EPOCH, 800) == []
    assert stage.learn(FIRST, {ALICE: True}) == []
