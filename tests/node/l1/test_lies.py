"""An L1 that tells what cannot be: nothing of it is signed, and nothing ends the node."""

from __future__ import annotations

from typing import Any

import pytest

from coordination.chain.artifacts import shipped
from coordination.node.l1.endpoints import Endpoints, Failure
from coordination.node.l1.transactions import read
from coordination.node.l1.views import View
from tests.node.l1.pretence import World, send, stop
from tests.node.l1.test_endpoints import ECHO, Make, echo

IMPOSSIBLE = ["-0x1", hex(2**64), "0x" + "f" * 200]


@pytest.mark.parametrize("told", IMPOSSIBLE)
@pytest.mark.parametrize("of", ["getTransactionCount", "estimateGas", "getBlockByNumber"])
def test_an_impossible_number_is_told_and_what_was_asked_for_is_sent_once_l1_is_right_again(of: str, told: str) -> None:
    world = World()
    world.outbox.send(send(1))
    answer: Any = {"number": told, "baseFeePerGas": told} if of == "getBlockByNumber" else told
    setattr(world.chain, f"_eth_{of}", lambda *_: answer)
    assert "unreachable" in world.wait(5)
    assert world.sent == []
    delattr(world.chain, f"_eth_{of}")
    assert "sent" in world.wait(5)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_base_fee_beyond_the_purse_told_once_does_not_keep_later_transactions_from_being_mined(
    is_stopped: bool,
) -> None:
    world = World()
    purse, take = 10**16, world.chain._eth_sendRawTransaction

    def send_if_paid_for(text: str) -> Any:
        sent = read(bytes.fromhex(text[2:]))
        costs = sent.gas * sent.fees.most
        return take(text) if costs <= purse else Failure(-32_000, "insufficient funds for gas * price + value", b"")

    world.chain._eth_sendRawTransaction = send_if_paid_for  # type: ignore[method-assign]
    tell = world.chain._eth_getBlockByNumber
    world.chain._eth_getBlockByNumber = lambda *_: {**tell(*_), "baseFeePerGas": hex(10**15)}  # type: ignore[method-assign]
    world.outbox.send(send(1))
    assert "refused" in world.wait(1)
    world.chain._eth_getBlockByNumber = tell  # type: ignore[method-assign]
    if is_stopped:
        world.outbox.stop(stop(1))
    world.outbox.send(send(2))
    world.wait(20)
    world.chain.mine()
    assert (world.count_mined(1), world.count_mined(2)) == (0 if is_stopped else 1, 1)


def test_a_text_of_impossible_length_is_no_answer() -> None:
    version = View(shipped("HardenedProverCoordination"), "version")
    assert version.told("0x" + (32).to_bytes(32, "big").hex() + "ff" * 32) is None


def test_a_proxy_in_the_environment_is_not_asked(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = way(echo)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert Endpoints([way(echo).url], 7).ask(ECHO[:2]) == [[0], [1]]
    assert proxy.asked == []
