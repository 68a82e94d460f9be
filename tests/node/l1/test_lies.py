"""An L1 that tells what cannot be: nothing of it is signed, and nothing ends the node."""

from __future__ import annotations

from typing import Any

import pytest

from coordination.chain.artifacts import shipped
from coordination.node.l1.endpoints import Endpoints
from coordination.node.l1.views import View
from tests.node.l1.pretence import World, send
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


def test_a_text_of_impossible_length_is_no_answer() -> None:
    version = View(shipped("HardenedProverCoordination"), "version")
    assert version.told("0x" + (32).to_bytes(32, "big").hex() + "ff" * 32) is None


def test_a_proxy_in_the_environment_is_not_asked(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = way(echo)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert Endpoints([way(echo).url], 7).ask(ECHO[:2]) == [[0], [1]]
    assert proxy.asked == []
