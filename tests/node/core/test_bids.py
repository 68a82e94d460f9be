"""N1: a bid is signed, remembered and published, and published again while it is of use."""

from __future__ import annotations

import pytest

from coordination.chain.quote import NOBODY, Quote, Status
from coordination.chain.signing import recover
from coordination.node.core.effects import Forget, Made, Publish, Remember, Topic
from coordination.node.core.errors import EPOCH_NO_LONGER_CLAIMABLE, INVALID_BASIS_POINT_FEE, NOT_A_PROVER, Refused
from tests.node.core.stage import ALICE, BOB, C, E, Stage, claimed, head, only, published, with_claim

EPOCH = 2
FIRST = (EPOCH + 1) * E  # the slot in which epoch 2 can be claimed first
LAST = FIRST + C - 1


@pytest.fixture
def alice(version: str) -> Stage:
    """In the middle of epoch 2."""
    stage = Stage(version, prover="alice")
    stage.at(EPOCH * E + 5)
    return stage


def test_a_bid_is_remembered_and_then_published_with_the_provers_signature(alice: Stage) -> None:
    remembered, publication = alice.bid(EPOCH, 1_000)
    quote = Quote(ALICE, EPOCH, 1_000)
    assert remembered == Remember(Made(quote))
    assert publication == Publish(Topic.MAKE, alice.made("alice", EPOCH, 1_000))
    assert recover(alice.signing.make_digest(quote), publication.message.signature) == ALICE


def test_a_bid_made_before_is_published_again_and_remembered_once(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    assert alice.bid(EPOCH, 1_000) == [Publish(Topic.MAKE, alice.made("alice", EPOCH, 1_000))]


def test_a_bid_is_a_quote_that_this_node_keeps(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    assert alice.core.pool.quotes(EPOCH) == [Quote(ALICE, EPOCH, 1_000)]


@pytest.mark.parametrize("fee", [0, 1, 9_999, 10_000])
def test_any_share_of_the_reward_can_be_asked_for(alice: Stage, fee: int) -> None:
    [message] = published(Topic.MAKE, alice.bid(EPOCH, fee))
    assert message.quote.basis_point_fee == fee


@pytest.mark.parametrize("fee", [-1, 10_001, 2**32])
def test_no_more_than_the_whole_reward_can_be_asked_for(alice: Stage, fee: int) -> None:
    with pytest.raises(
        Refused, match=rf"^InvalidBasisPointFee: a fee is 0 to 10000 basis points, not {fee}$"
    ) as refusal:
        alice.core.bid(EPOCH, fee)
    assert refusal.value.error == INVALID_BASIS_POINT_FEE
    assert alice.core.memory.made == set()


def test_the_previous_epoch_can_be_bid_for_until_its_claim_phase_ends(alice: Stage) -> None:
    alice.at(LAST)
    assert published(Topic.MAKE, alice.bid(EPOCH, 1_000))
    alice.at(LAST + 1)
    with pytest.raises(Refused, match=r"^EpochNoLongerClaimable: it is slot 27, and .* epoch 2 is over$") as refusal:
        alice.core.bid(EPOCH, 900)
    assert refusal.value.error == EPOCH_NO_LONGER_CLAIMABLE


@pytest.mark.parametrize("slot", [0, 1, C, E])
def test_there_is_no_epoch_before_the_first_to_bid_for(version: str, slot: int) -> None:
    stage = Stage(version, prover="alice")
    stage.at(slot)
    with pytest.raises(Refused) as refusal:
        stage.core.bid(-1, 1_000)
    assert refusal.value.error == EPOCH_NO_LONGER_CLAIMABLE


def test_the_first_epoch_can_be_bid_for_before_genesis(version: str) -> None:
    stage = Stage(version, prover="alice")
    stage.core.tick(0)
    assert published(Topic.MAKE, stage.bid(0, 1_000))


def test_a_bid_for_a_later_epoch_is_published_when_that_begins(alice: Stage) -> None:
    assert alice.bid(EPOCH + 1, 1_000) == [Remember(Made(Quote(ALICE, EPOCH + 1, 1_000)))]
    assert published(Topic.MAKE, alice.at(FIRST - 1)) == []
    assert published(Topic.MAKE, alice.tick(FIRST)) == [alice.made("alice", EPOCH + 1, 1_000)]


def test_each_slot_the_cheapest_bid_for_each_epoch_is_published_again(alice: Stage) -> None:
    for epoch, fee in [(EPOCH, 1_000), (EPOCH, 900), (EPOCH, 950), (EPOCH + 1, 700)]:
        alice.bid(epoch, fee)
    for slot in range(FIRST, LAST + 1):
        again = published(Topic.MAKE, alice.at(slot))
        assert again == [alice.made("alice", EPOCH, 900), alice.made("alice", EPOCH + 1, 700)]
    assert published(Topic.MAKE, alice.at(LAST + 1)) == [alice.made("alice", EPOCH + 1, 700)]


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.PROVEN, Status.PRUNED])
def test_a_bid_for_an_epoch_that_is_not_open_is_not_published_again(alice: Stage, status: Status) -> None:
    alice.bid(EPOCH, 1_000)
    alice.at(FIRST, with_claim(head(FIRST), EPOCH, claimed(BOB, FIRST, status)))
    assert published(Topic.MAKE, alice.tick(FIRST + 1)) == []


def test_a_bid_is_published_again_while_l1_has_not_said_how_the_epoch_stands(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    alice.see(head(FIRST)._replace(claims={}))
    assert len(published(Topic.MAKE, alice.tick(FIRST))) == 1


def test_nothing_is_published_again_within_a_slot(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    alice.at(FIRST)
    assert published(Topic.MAKE, [*alice.tick(FIRST), *alice.see(head(FIRST, NOBODY))]) == []


def test_after_a_restart_what_was_bid_is_published_again(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    alice.restart()
    assert published(Topic.MAKE, alice.tick(alice.slot)) == [alice.made("alice", EPOCH, 1_000)]
    assert only(Remember, alice.bid(EPOCH, 1_000)) == []


def test_a_bid_is_forgotten_with_its_epoch(alice: Stage) -> None:
    alice.bid(EPOCH, 1_000)
    assert only(Forget, alice.tick(LAST)) == []
    assert only(Forget, alice.tick(LAST + 1)) == [Forget(EPOCH + 1)]
    assert alice.core.memory.made == alice.disk.made == set()


@pytest.mark.parametrize("roles", [{}, {"proposer": "bob"}])
def test_a_node_without_a_provers_key_does_not_bid(version: str, roles: dict[str, str]) -> None:
    stage = Stage(version, **roles)
    stage.at(EPOCH * E)
    with pytest.raises(Refused) as refusal:
        stage.core.bid(EPOCH, 1_000)
    assert refusal.value.error == NOT_A_PROVER
