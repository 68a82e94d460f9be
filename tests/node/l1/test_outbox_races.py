"""The outbox against a chain in memory, which does what real chains do only at bad times."""

from __future__ import annotations

from typing import Any

import pytest

from coordination.node.core.effects import SendProof
from coordination.node.l1.decisions import RAISES
from coordination.node.l1.endpoints import Answer, Failure
from coordination.node.l1.outbox import PATIENCE
from coordination.node.l1.transactions import read
from tests.node.l1.pretence import World, data, send, stop


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_sent_is_mined_and_watched_until_it_is_deep(world: World) -> None:
    world.outbox.send(send(1))
    assert world.advance() == ["sent"]
    world.chain.mine()
    assert world.advance() == ["mined"]
    world.chain.mine()
    assert world.advance() == []
    world.chain.mine()
    assert world.advance() == ["confirmed"]
    assert world.rows  # it may be asked for again


def test_however_often_it_is_asked_for_it_is_sent_once(world: World) -> None:
    for _ in range(10):
        world.outbox.send(send(1))
        world.advance()
        world.chain.mine()
    assert world.count_mined(1) == 1


def test_what_would_revert_is_told_once_and_tried_again_but_not_all_the_time(world: World) -> None:
    world.chain.would_revert = True
    world.outbox.send(send(1))
    assert world.wait(20) == ["would revert"]
    assert world.said[0].detail == "InvalidProof(epoch=7)"
    assert world.chain.exchanges == 2 * 10  # a look and an estimate every two seconds
    world.chain.would_revert = False
    assert world.wait(2) == ["sent"]


def test_what_reverts_in_a_block_is_told_with_its_reason_and_not_sent_again(world: World) -> None:
    world.chain.reverts = True
    world.outbox.send(send(1))
    world.advance()
    world.chain.mine()
    assert world.advance() == ["reverted"]
    assert world.said[-1].detail.endswith(" in block 1: InvalidProof(epoch=7)")
    world.outbox.send(send(1))
    world.wait(20)
    assert world.count_mined(1) == 1
    assert not world.chain.pool


def test_what_lies_in_the_pool_is_replaced_by_what_pays_an_eighth_more(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    first = read(world.chain.pool[0])
    assert world.wait(PATIENCE) == []
    assert world.wait(1) == ["replaced"]
    second = read(world.chain.pool[0])
    assert (second.nonce, second.data, second.gas) == (first.nonce, first.data, first.gas)
    assert second.fees.most * 8 >= first.fees.most * 9
    assert second.fees.tip * 8 >= first.fees.tip * 9


def test_fees_are_not_raised_for_ever(world: World) -> None:
    world.outbox.send(send(1))
    assert world.wait(300).count("replaced") == RAISES
    assert read(world.chain.pool[0]).fees.most < 5 * read(next(iter(world.rows.values())).raw[0]).fees.most


def test_only_what_is_next_is_replaced(world: World) -> None:
    world.outbox.send(send(1))
    world.outbox.send(send(2))
    world.wait(PATIENCE + 1.5)
    assert sorted(len(row.raw) for row in world.rows.values()) == [1, 2]


def test_an_older_version_that_is_mined_counts(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    first = world.chain.pool[0]
    world.wait(PATIENCE + 1)
    world.chain.pool[0] = first
    world.chain.mine()
    assert world.advance() == ["mined"]
    assert world.said[-1].detail == f"{read(first).digest} in block 1"


def test_what_the_pool_has_lost_is_sent_again_with_the_same_bytes(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    lost = world.chain.pool.pop(0)
    assert world.wait(3) == ["sent again"]
    assert world.chain.pool == {0: lost}


def test_what_the_pool_has_lost_is_sent_again_in_the_order_of_nonces(world: World) -> None:
    world.chain.would_revert = True
    world.outbox.send(send(1))
    world.advance()
    world.chain.would_revert = False
    world.outbox.send(send(2))
    world.wait(4)
    first, second = world.chain.pool[0], world.chain.pool[1]
    assert read(first).data == data(2)
    world.chain.pool.clear()
    world.sent.clear()
    world.wait(3)
    assert world.sent == [first, second]


def test_what_a_reorganisation_unmines_is_sent_again_with_the_same_bytes(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain.mine()
    [mined] = world.chain.mined
    world.advance()
    world.chain.reorganise(1, is_kept=False)
    assert world.advance() == ["unmined", "sent again"]
    assert world.chain.pool == {0: mined}


def test_what_a_reorganisation_puts_back_into_the_pool_is_left_there(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain.mine()
    world.advance()
    world.chain.reorganise(1, is_kept=True)
    assert world.wait(2) == ["unmined"]


def test_what_was_never_sent_is_forgotten_when_it_is_stopped(world: World) -> None:
    world.chain.would_revert = True
    world.outbox.send(send(1))
    world.advance()
    world.outbox.stop(stop(1))
    assert not world.rows
    world.chain.would_revert = False
    assert world.wait(5) == []
    assert not world.chain.pool


def test_what_is_stopped_while_l1_is_asked_about_it_is_not_sent(world: World) -> None:
    estimate = world.chain._eth_estimateGas

    def stop_meanwhile(*arguments: str) -> Answer:
        world.outbox.stop(stop(1))
        return estimate(*arguments)

    world.chain._eth_estimateGas = stop_meanwhile  # type: ignore[method-assign]
    world.outbox.send(send(1))
    assert world.wait(3) == []
    assert not world.sent


def test_what_is_wanted_again_while_l1_is_asked_about_it_stays_known(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.outbox.stop(stop(1))
    world.wait(3)
    world.chain.pool.clear()
    world.chain.send_from_elsewhere()
    world.chain.mine()
    world.wait(1)
    look = world.chain._eth_getBlockByNumber

    def want_meanwhile(*arguments: Any) -> Answer:
        world.outbox.send(send(1))
        return look(*arguments)

    world.chain._eth_getBlockByNumber = want_meanwhile  # type: ignore[method-assign]
    world.wait(3)
    world.chain.mine()
    assert world.count_mined(1) == 1


def test_what_is_in_the_pool_is_cancelled_when_it_is_stopped_and_its_nonce_is_used(world: World) -> None:
    world.outbox.send(send(1))
    world.outbox.send(send(2))
    world.advance()
    world.outbox.stop(stop(1))
    assert world.wait(3) == ["cancelling"]
    world.chain.mine()
    assert sorted(world.advance()) == ["cancelled", "mined"]
    assert (world.count_mined(1), world.count_mined(2)) == (0, 1)
    world.chain.mine()
    world.chain.mine()
    world.wait(1)
    assert [row.stopped for row in world.rows.values()] == [False]


def test_what_lands_although_it_was_stopped_is_told(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.outbox.stop(stop(1))
    world.chain.mine()
    assert world.wait(3) == ["mined"]


def test_what_is_wanted_again_after_it_was_cancelled_takes_its_nonce_back(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.outbox.stop(stop(1))
    world.wait(3)
    world.outbox.send(send(1))
    assert world.wait(3) == ["replaced"]
    world.chain.mine()
    assert world.advance() == ["mined"]
    assert world.count_mined(1) == 1


@pytest.mark.parametrize("blocks", range(5))
def test_what_is_wanted_again_after_its_cancellation_was_mined_is_sent_again(world: World, blocks: int) -> None:
    world.outbox.send(send(1))
    world.wait(1)
    world.outbox.stop(stop(1))
    world.wait(4)
    for _ in range(blocks):
        world.chain.mine()
    world.wait(1)
    world.outbox.send(send(1))
    for _ in range(8):
        world.wait(3)
        world.chain.mine()
    assert world.count_mined(1) == 1


def test_what_was_stopped_because_it_landed_has_time_to_be_wanted_again_when_it_is_unmined(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain.mine()
    world.advance()
    world.outbox.stop(stop(1))
    world.chain.reorganise(1, is_kept=False)
    assert world.advance() == ["unmined"]
    world.outbox.send(send(1))
    assert world.wait(3) == ["sent again"]


def test_a_cancellation_that_is_outbid_is_raised_until_it_is_not(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    row = next(iter(world.rows.values()))
    world.wait(4 * PATIENCE)  # the pool has a version that pays more
    dearer = world.chain.pool[0]
    world.rows[row.key] = row
    world.start()
    world.outbox.stop(stop(1))
    assert set(world.wait(15)) == {"cancelling"}
    assert world.chain.pool[0] != dearer
    assert read(world.chain.pool[0]).data == b""


def test_a_nonce_that_went_to_somebody_else_is_given_up(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain.pool.clear()
    world.chain.send_from_elsewhere()
    world.chain.mine()
    assert world.wait(5) == ["nonce lost", "sent"]
    world.chain.mine()
    assert world.advance() == ["mined"]
    assert world.count_mined(1) == 1


def test_a_receipt_that_is_told_late_is_waited_for(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain.mine()
    world.chain.tells_receipts = False
    assert world.wait(1.5) == []
    world.chain.tells_receipts = True
    assert world.wait(5) == ["mined"]
    assert not world.chain.pool


def test_transactions_of_others_in_the_pool_are_waited_for(world: World) -> None:
    world.chain.send_from_elsewhere()
    world.outbox.send(send(1))
    assert world.wait(3 * PATIENCE) == ["sent"]
    assert len(world.rows) == 1
    world.chain.mine()
    world.advance()
    assert [read(raw).nonce for raw in world.chain.mined] == [0, 1]
    assert world.count_mined(1) == 1


def test_a_gap_that_others_have_left_is_filled_after_a_while(world: World) -> None:
    world.chain.send_from_elsewhere()
    world.outbox.send(send(1))
    world.advance()
    del world.chain.pool[0]
    assert world.wait(PATIENCE) == []
    assert world.wait(1) == ["cancelling"]
    world.chain.mine()
    assert sorted(world.wait(0.5)) == ["cancelled", "mined"]
    world.chain.mine()
    world.chain.mine()
    world.wait(1)
    assert [row.stopped for row in world.rows.values()] == [False]


@pytest.mark.parametrize("words", ["insufficient funds for gas * price + value", "txpool is full"])
def test_what_the_pool_refuses_is_told_once_and_tried_again(world: World, words: str) -> None:
    world.chain.refusal = words
    world.outbox.send(send(1))
    assert world.wait(10) == ["refused"]
    assert world.said[-1].detail == words
    world.chain.refusal = None
    assert world.wait(3) == ["sent again"]
    assert len(next(iter(world.rows.values())).raw) == 1


@pytest.mark.parametrize("words", ["already known", "ALREADY_EXISTS: already known", "transaction already imported"])
def test_what_the_pool_knows_is_no_trouble(world: World, words: str) -> None:
    world.chain.refusal = words
    world.outbox.send(send(1))
    assert world.wait(3) == []


@pytest.mark.parametrize(
    "words", ["replacement transaction underpriced", "ReplacementNotAllowed, existing", "could not replace existing tx"]
)
def test_what_is_underpriced_is_raised_without_waiting(world: World, words: str) -> None:
    world.chain.refusal = words
    world.outbox.send(send(1))
    world.wait(PATIENCE)
    assert len(next(iter(world.rows.values())).raw) == 3


def test_an_outage_is_told_once_loses_nothing_and_does_not_raise(world: World) -> None:
    world.chain.is_up = False
    world.outbox.send(send(1))
    assert world.wait(10) == ["unreachable"]
    world.chain.is_up = True
    assert world.advance() == ["sent"]
    world.chain.is_up = False
    assert world.wait(10) == ["unreachable"]
    world.chain.is_up = True
    world.chain.mine()
    assert world.advance() == ["mined"]


@pytest.mark.parametrize("answer", [None, "hello", 7, {}, Failure(-32_000, "not now", b"")])
@pytest.mark.parametrize(
    "method",
    ["getTransactionCount", "getTransactionReceipt", "getTransactionByHash", "getBlockByNumber", "estimateGas"],
)
def test_whatever_l1_answers_nothing_is_raised_and_nothing_sent_twice(world: World, method: str, answer: Any) -> None:
    sound = getattr(world.chain, f"_eth_{method}")
    world.outbox.send(send(1))
    for _ in range(2):
        setattr(world.chain, f"_eth_{method}", lambda *_: answer)
        world.wait(5)
        setattr(world.chain, f"_eth_{method}", sound)
        world.wait(3)
    world.chain.mine()
    world.wait(3)
    assert world.count_mined(1) == len(world.chain.mined) == 1


def test_what_l1_refuses_to_tell_is_not_taken_for_an_answer(world: World) -> None:
    world.outbox.send(send(1))
    world.advance()
    world.chain._eth_getTransactionByHash = lambda digest: Failure(-32_000, "not now", b"")  # type: ignore[method-assign]
    assert world.wait(1) == ["unreachable"]
    assert world.said[-1].detail.endswith("stands: not now")


def test_nothing_is_asked_of_l1_when_there_is_nothing_to_do(world: World) -> None:
    world.chain.is_up = False
    assert world.wait(5) == []


def test_a_claim_for_a_later_slot_ends_those_before_it(world: World) -> None:
    world.chain.would_revert = True
    world.outbox.send(SendProof(1, 4, b"old"))
    world.outbox.send(SendProof(2, 8, b"new"))
    assert [row.key.split(":")[1] for row in world.rows.values()] == ["2"]
