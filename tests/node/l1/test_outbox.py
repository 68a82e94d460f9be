"""The outbox on a real chain and a real disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from coordination.chain.quote import Status
from coordination.node.core.effects import StopClaim, StopProof
from coordination.node.l1.client import L1
from coordination.node.l1.outbox import Outbox
from coordination.node.l1.transactions import read
from coordination.node.store import Pending, Store
from tests.node.l1.town import ALICE, ALICE_KEY, BOB, EPOCH, ETHER, PATIENCE, SLOT, Answering, Town, Way


class Sender(NamedTuple):
    town: Town
    store: Store
    outbox: Outbox

    def until(self, *awaited: str) -> list[str]:
        """Drive the outbox until all of these have happened; what has."""
        happened: list[str] = []
        deadline = time.monotonic() + 15
        while set(awaited) - set(happened):
            assert time.monotonic() < deadline, f"{awaited} awaited, but only {happened}"
            happened += [each.what.value for each in self.outbox.advance()]
            time.sleep(0.02)
        return happened

    def mined(self) -> list[int]:
        """The nonces of what alice has sent since the town stands."""
        return [nonce for nonce, _, _ in self.town.sent(0) if nonce > 0]


def outbox(l1: L1, store: Store) -> Outbox:
    return Outbox(l1, store, ALICE_KEY, patience=PATIENCE)


@pytest.fixture
def sender(town: Town, store: Store) -> Sender:
    return Sender(town, store, outbox(town.l1(), store))


@pytest.fixture
def idle(sender: Sender) -> Sender:
    """On a chain that mines only when it is told to."""
    sender.town.ask("evm_setAutomine", False)
    return sender


def test_a_claim_and_its_proof_land(sender: Sender) -> None:
    sender.outbox.send(sender.town.claim())
    assert sender.until("mined") == ["sent", "mined"]
    assert sender.town.claim_of().prover == ALICE
    sender.outbox.send(sender.town.proof())
    assert sender.until("mined") == ["sent", "mined"]
    assert sender.town.claim_of().status is Status.PROVEN
    sender.town.mine()
    sender.town.mine()
    sender.until("confirmed")
    for effect in (StopClaim(SLOT), StopProof(EPOCH - 1, SLOT)):
        sender.outbox.stop(effect)
    sender.outbox.advance()
    assert sender.store.transactions() == []


def test_a_proof_that_comes_before_its_claim_waits_for_it(sender: Sender) -> None:
    sender.outbox.send(sender.town.proof())
    [outcome] = sender.outbox.advance()
    assert (outcome.what.value, outcome.detail) == ("would revert", "EpochNotClaimed(epoch=0)")
    sender.outbox.send(sender.town.claim())
    assert sender.until("mined") == ["sent", "mined"]
    assert sender.until("mined") == ["sent", "mined"]
    assert sender.town.claim_of().status is Status.PROVEN


def test_a_claim_and_its_proof_can_be_in_one_block(idle: Sender) -> None:
    idle.outbox.send(idle.town.claim())
    idle.until("sent")
    idle.outbox.send(idle.town.proof())
    idle.until("sent")
    idle.town.mine()
    assert idle.until("mined").count("mined") == 2
    assert idle.town.claim_of().status is Status.PROVEN


def test_the_contract_names_what_it_would_not_take(sender: Sender) -> None:
    sender.outbox.send(sender.town.claim(slot=SLOT + 1)._replace(slot=SLOT))
    [outcome] = sender.outbox.advance()
    assert outcome.what.value == "would revert"
    assert outcome.detail.startswith("InvalidProposerSignature(slot=4, proposer=0x")
    assert [row.raw for row in sender.store.transactions()] == [()]


def test_what_fails_in_its_block_is_told_with_the_contracts_reason(idle: Sender) -> None:
    idle.outbox.send(idle.town.claim())
    idle.until("sent")
    idle.town.ask("evm_increaseTime", 1_000)  # the next slot: the take was for this one
    idle.town.mine()
    [outcome] = idle.outbox.advance()
    assert outcome.what.value == "reverted"
    assert ": InvalidProposerSignature(slot=5, proposer=0x" in outcome.detail


class Killed(BaseException):
    pass


class MortalStore:
    """A store whose process ends before or after a certain write."""

    def __init__(self, store: Store, moment: int) -> None:
        self._store, self._left = store, moment
        self.transactions = store.transactions

    def put(self, pending: Pending) -> None:
        self._live()
        self._store.put(pending)
        self._live()

    def drop(self, key: str) -> None:
        self._live()
        self._store.drop(key)
        self._live()

    def _live(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


@pytest.mark.parametrize("moment", range(5))
def test_a_restart_between_any_two_writes_leads_to_one_transaction(town: Town, tmp_path: Path, moment: int) -> None:
    path, effect = tmp_path / "store", town.claim()
    store = Store(path, "a test's")
    first = Outbox(town.l1(), MortalStore(store, moment), ALICE_KEY, patience=PATIENCE)  # type: ignore[arg-type]
    try:
        first.send(effect)
        first.advance()
    except Killed:
        assert moment < 4
    store.close()
    store = Store(path, "a test's")
    second = Sender(town, store, outbox(town.l1(), store))
    second.outbox.send(effect)
    second.until("mined")
    for _ in range(5):
        second.outbox.advance()
    assert second.mined() == [1]
    assert town.claim_of().prover == ALICE
    store.close()


def test_a_dearer_version_replaces_what_is_not_mined(idle: Sender) -> None:
    idle.outbox.send(idle.town.claim())
    assert idle.until("replaced") == ["sent", "replaced"]
    [row] = idle.store.transactions()
    first, second = map(read, row.raw)
    assert (first.nonce, first.data) == (second.nonce, second.data)
    assert second.fees.most * 8 >= first.fees.most * 9
    idle.town.mine()
    idle.until("mined")
    assert idle.mined() == [1]
    assert idle.town.ask("eth_getTransactionReceipt", second.digest)["status"] == "0x1"


def test_what_is_stopped_is_cancelled_on_its_own_nonce(idle: Sender) -> None:
    idle.outbox.send(idle.town.claim())
    idle.until("sent")
    idle.outbox.stop(StopClaim(SLOT))
    idle.until("cancelling")
    idle.town.mine()
    idle.until("cancelled")
    assert idle.town.sent(0)[1:] == [(1, ALICE, "0x")]
    assert idle.town.claim_of().status is Status.OPEN


def test_what_a_reorganisation_unmines_lands_again(idle: Sender) -> None:
    before = idle.town.ask("evm_snapshot")
    idle.outbox.send(idle.town.claim())
    idle.until("sent")
    idle.town.mine()
    idle.until("mined")
    assert idle.town.ask("evm_revert", before)
    assert idle.town.claim_of().status is Status.OPEN
    assert idle.until("sent again") == ["unmined", "sent again"]
    idle.town.mine()
    idle.until("mined")
    assert idle.town.claim_of().prover == ALICE


def test_what_a_reorganisation_by_the_chain_itself_unmines_lands_again(sender: Sender) -> None:
    sender.outbox.send(sender.town.claim())
    sender.until("mined")
    sender.town.ask("anvil_reorg", 1, [])
    assert sender.until("unmined", "mined")[0] == "unmined"
    assert sender.town.claim_of().prover == ALICE


def test_a_nonce_that_somebody_else_uses_is_not_waited_for(idle: Sender) -> None:
    idle.outbox.send(idle.town.claim())
    idle.until("sent")
    [row] = idle.store.transactions()
    idle.town.ask("anvil_dropTransaction", read(row.raw[0]).digest)
    idle.town.ask("evm_setAutomine", True)
    idle.town.chain.send(ALICE_KEY, ALICE, b"")
    assert idle.until("nonce lost", "mined")[-3:] == ["nonce lost", "sent", "mined"]
    assert idle.mined() == [1, 2]
    assert idle.town.claim_of().prover == ALICE


def test_nothing_is_lost_while_the_endpoint_is_gone(town: Town, store: Store, way: Callable[[str], Way]) -> None:
    there = way(town.url)
    sender = Sender(town, store, outbox(town.l1(there.url), store))
    there.close()
    sender.outbox.send(town.claim())
    assert sender.until("unreachable") == ["unreachable"]
    there.open()
    assert sender.until("mined") == ["sent", "mined"]
    there.close()
    sender.until("unreachable")
    town.mine()
    town.mine()
    there.open()
    assert sender.until("confirmed") == ["confirmed"]


def test_what_is_asked_for_does_not_wait_for_l1(town: Town, store: Store, way: Callable[[Answering], Way]) -> None:
    asked, release = threading.Event(), threading.Event()

    def hang(request: object) -> None:
        asked.set()
        release.wait(10)

    waiting = outbox(town.l1(way(hang).url), store)
    waiting.send(town.claim())
    advancing = threading.Thread(target=waiting.advance)
    advancing.start()
    assert asked.wait(10)
    waiting.send(town.proof())
    waiting.stop(StopClaim(SLOT))
    assert [row.key.split(":")[0] for row in store.transactions()] == ["proof"]
    assert advancing.is_alive()
    release.set()
    advancing.join(10)
    assert not advancing.is_alive()


def test_an_endpoint_that_dies_on_a_transaction_does_not_make_it_two(
    town: Town, store: Store, way: Callable[[str], Way]
) -> None:
    there = way(town.url)
    pass_on = there.answering

    def hang_up(request: dict[str, str]) -> object:
        answer = pass_on(request)
        return None if isinstance(request, dict) and request["method"] == "eth_sendRawTransaction" else answer

    there.answering = hang_up
    sender = Sender(town, store, outbox(town.l1(there.url), store))
    sender.outbox.send(town.claim())
    assert sender.until("mined") == ["unreachable", "mined"]
    assert sender.mined() == [1]


def test_the_second_endpoint_takes_over(town: Town, store: Store, way: Callable[[str], Way]) -> None:
    first, second = way(town.url), way(town.url)
    sender = Sender(town, store, outbox(town.l1(first.url, second.url), store))
    sender.outbox.send(town.claim())
    first.close()
    assert sender.until("mined") == ["sent", "mined"]
    assert second.asked


def test_an_account_that_cannot_pay_is_told_and_its_transaction_goes_out_when_it_can(sender: Sender) -> None:
    sender.town.ask("anvil_setBalance", ALICE, hex(1))
    sender.outbox.send(sender.town.claim())
    told = sender.until("refused")
    assert told[-1] == "refused"
    sender.town.ask("anvil_setBalance", ALICE, hex(ETHER))
    sender.until("mined")
    assert sender.mined() == [1]


def test_one_exchange_tells_all_that_there_is_to_know(town: Town, store: Store, way: Callable[[str], Way]) -> None:
    there = way(town.url)
    sender = Sender(town, store, outbox(town.l1(there.url), store))
    sender.outbox.advance()
    assert not there.asked
    sender.outbox.send(town.claim())
    sender.until("mined")
    there.asked.clear()
    sender.outbox.advance()
    assert len(there.asked) == 1


def test_what_another_key_has_left_on_the_disk_is_left_alone(town: Town, store: Store) -> None:
    others = Pending("claim:3", BOB, 7, town.there.rollup, b"", (), False)
    store.put(others)
    sender = Sender(town, store, outbox(town.l1(), store))
    sender.outbox.send(town.claim())
    sender.until("mined")
    assert others in store.transactions()
