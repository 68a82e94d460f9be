"""Many questions in one exchange, from the first endpoint that answers, and an end to every exchange."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from coordination.node.l1 import endpoints as module
from coordination.node.l1.endpoints import Call, Endpoints, Failure
from coordination.node.l1.errors import L1Error
from tests.node.l1.town import Answering, Drip, Elsewhere, Way

Make = Callable[[Answering], Way]
ECHO = [Call("echo", [number]) for number in range(25)]


def echo(request: Any) -> Any:
    """Tells chain 7, and says back what it is asked; batches in reverse order."""
    if isinstance(request, list):
        return [echo(each) for each in reversed(request)]
    result = "0x7" if request["method"] == "eth_chainId" else request["params"]
    return {"jsonrpc": "2.0", "id": request["id"], "result": result}


def error(code: int, message: str = "no", data: Any = None) -> Answering:
    """Tells chain 7, and otherwise fails in this way."""

    def answer(request: Any) -> Any:
        if isinstance(request, list):
            return [answer(each) for each in request]
        if request["method"] == "eth_chainId":
            return echo(request)
        return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}}

    return answer


def test_many_questions_are_one_exchange_and_answers_come_in_their_order(way: Make) -> None:
    there = way(echo)
    endpoints = Endpoints([there.url], 7)
    assert endpoints.ask(ECHO) == [[number] for number in range(25)]
    assert len(there.asked) == 2  # the first asked for the chain
    endpoints.ask(ECHO)
    assert len(there.asked) == 3


@pytest.mark.parametrize(
    "refusal",
    [413, b"<html>too large</html>", {"id": None, "error": {"code": -32_600, "message": "no batches"}}, []],
    ids=["status", "text", "error", "nothing"],
)
def test_who_takes_no_batch_is_asked_one_by_one(way: Make, refusal: Any) -> None:
    there = way(lambda request: refusal if isinstance(request, list) else echo(request))
    endpoints = Endpoints([there.url], 7)
    assert endpoints.ask(ECHO) == [[number] for number in range(25)]
    there.asked.clear()
    endpoints.ask(ECHO)
    assert len(there.asked) == 25  # it is remembered


def test_who_takes_small_batches_gets_small_ones(way: Make) -> None:
    there = way(lambda request: 413 if len(request) > 4 and isinstance(request, list) else echo(request))
    endpoints = Endpoints([there.url], 7)
    assert endpoints.ask(ECHO) == [[number] for number in range(25)]
    there.asked.clear()
    endpoints.ask(ECHO)
    assert {len(each) for each in there.asked if isinstance(each, list)} == {2}


def test_the_next_endpoint_is_asked_when_one_is_gone_and_the_first_again_after_its_respite(way: Make) -> None:
    now = 0.0
    first, second = way(echo), way(echo)
    endpoints = Endpoints([first.url, second.url], 7, clock=lambda: now)
    endpoints.ask(ECHO)
    first.close()
    assert endpoints.ask(ECHO[:1]) == [[0]]
    first.open()
    first.asked.clear()
    endpoints.ask(ECHO)
    assert not first.asked
    now += module.RESPITE
    endpoints.ask(ECHO)
    assert first.asked


def test_the_only_endpoint_is_asked_whenever_there_is_something_to_ask(way: Make) -> None:
    there = way(echo)
    endpoints = Endpoints([there.url], 7)
    endpoints.ask(ECHO)
    there.close()
    with pytest.raises(L1Error, match=r"^no Ethereum node answers at http://127.0.0.1:\d+ \(ConnectionError\)$"):
        endpoints.ask(ECHO)
    there.open()
    assert endpoints.ask(ECHO[:1]) == [[0]]


@pytest.mark.parametrize("code", [-32_700, -32_600, -32_601, -32_603, -32_005, 429])
def test_who_does_not_do_its_work_is_passed_over(way: Make, code: int) -> None:
    broken, whole = way(error(code)), way(echo)
    assert Endpoints([broken.url, whole.url], 7).ask(ECHO[:2]) == [[0], [1]]
    with pytest.raises(L1Error, match=r"^the node at .* refuses echo: no$"):
        Endpoints([broken.url], 7).ask(ECHO[:2])


@pytest.mark.parametrize(
    ("code", "data", "found"),
    [
        (3, "0x1234", b"\x12\x34"),
        (-32_603, "0x1234", b"\x12\x34"),
        (-32_015, "Reverted 0x1234", b"\x12\x34"),
        (-32_000, {"data": "0x1234"}, b"\x12\x34"),
        (-32_000, None, b""),
        (-32_000, "0x123", b""),
        (-32_000, 7, b""),
    ],
)
def test_what_the_chain_refuses_is_its_answer(way: Make, code: int, data: Any, found: bytes) -> None:
    there = way(error(code, "execution reverted\n", data))
    assert Endpoints([there.url], 7).ask(ECHO[:1]) == [Failure(code, "execution reverted ", found)]


@pytest.mark.parametrize(
    "answer",
    [
        b"hello",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        404,
        "text",
        {"id": 0},
        {"id": 0, "error": 7},
        {"id": 0, "result": "zz"},
    ],
    ids=["text", "bytes", "deep", "list", "status", "string", "empty", "error", "chain"],
)
def test_what_is_no_ethereum_node_is_said_to_be_none(way: Make, answer: Any) -> None:
    with pytest.raises(L1Error, match=r"^what answers at http://127.0.0.1:.* is no Ethereum node"):
        Endpoints([way(lambda request: answer).url], None).ask(ECHO)


def test_another_chain_is_named_with_the_one_expected(way: Make) -> None:
    with pytest.raises(L1Error, match=r"^the node at http://127.0.0.1:\d+ is on chain 7, not on 8$"):
        Endpoints([way(echo).url], 8).ask(ECHO)


def test_the_first_that_answers_says_which_chain_it_is_and_others_have_to_agree(way: Make) -> None:
    first = way(echo)
    other = way(lambda request: {"id": 0, "result": "0x8"})
    endpoints = Endpoints([first.url, other.url], None)
    endpoints.ask(ECHO)
    assert endpoints.chain_id == 7
    first.close()
    with pytest.raises(L1Error, match=r"ConnectionError.*; the node at http://127.0.0.1:\d+ is on chain 8, not on 7$"):
        endpoints.ask(ECHO)


def test_an_endpoint_that_comes_back_as_another_chain_is_found_out(way: Make) -> None:
    there = way(echo)
    endpoints = Endpoints([there.url], 7)
    endpoints.ask(ECHO)
    there.close()
    with pytest.raises(L1Error):
        endpoints.ask(ECHO)
    there.answering = lambda request: {"id": 0, "result": "0x8"}
    there.open()
    with pytest.raises(L1Error, match="on chain 8"):
        endpoints.ask(ECHO)


def test_nobody_is_waited_for_longer_than_the_timeout(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    release = threading.Event()
    there = way(lambda request: release.wait(10) and None)
    begun = time.monotonic()
    with pytest.raises(L1Error, match=r"ReadTimeout|ConnectionError"):
        Endpoints([there.url], 7).ask(ECHO)
    assert time.monotonic() - begun < 2
    release.set()


def test_an_answer_that_trickles_in_is_not_waited_for(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    begun = time.monotonic()
    with pytest.raises(L1Error, match="does not come to an end"):
        Endpoints([way(lambda request: Drip(5)).url], 7).ask(ECHO)
    assert time.monotonic() - begun < 2


def test_an_answer_that_breaks_off_is_none(way: Make) -> None:
    with pytest.raises(L1Error, match=r"no Ethereum node"):
        Endpoints([way(lambda request: Drip(0.05)).url], 7).ask(ECHO)


def test_nobody_is_asked_elsewhere(way: Make) -> None:
    other = way(echo)
    with pytest.raises(L1Error, match=r"is no Ethereum node"):
        Endpoints([way(lambda request: Elsewhere(other.url)).url], 7).ask(ECHO)
    assert not other.asked


def test_who_was_busy_for_a_while_gets_batches_again(way: Make) -> None:
    there = way(echo)
    endpoints = Endpoints([there.url], 7)
    there.answering = lambda request: echo(request) if "eth_chainId" in str(request) else 503
    with pytest.raises(L1Error, match=r"is no Ethereum node: it says HTTP status 503$"):
        endpoints.ask(ECHO)
    there.answering = echo
    there.asked.clear()
    endpoints.ask(ECHO)
    assert len(there.asked) == 2  # the chain, and the batch


def test_an_answer_without_an_end_is_not_read_to_it(way: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE", 1_000)
    with pytest.raises(L1Error, match="does not come to an end"):
        Endpoints([way(lambda request: b" " * 100_000).url], 7).ask(ECHO)


@pytest.mark.parametrize(
    "url", ["", "localhost:8545", "ftp://localhost", "http://", "ws://localhost", "http://a:b:c", "/"]
)
def test_what_is_no_url_of_a_node_is_refused_at_once(url: str) -> None:
    with pytest.raises(L1Error, match=r"^'.*' is no URL"):
        Endpoints([url], 7)


def test_no_url_at_all_is_refused_at_once() -> None:
    with pytest.raises(L1Error, match=r"^no URL of L1 is given$"):
        Endpoints([], 7)


def test_secrets_in_a_url_are_told_to_nobody_but_its_host() -> None:
    with pytest.raises(L1Error) as raised:
        Endpoints(["http://user:password@127.0.0.1:9/apikey?token=abc"], 7).ask(ECHO)
    assert str(raised.value) == "no Ethereum node answers at http://127.0.0.1:9 (ConnectionError)"


def test_who_takes_no_batch_and_is_slow_is_not_waited_for_without_end(
    way: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Any) -> Any:
        time.sleep(0.05)
        return 413 if isinstance(request, list) else echo(request)

    monkeypatch.setattr(module, "LONGEST", 0.3)
    there = way(answer)
    with pytest.raises(L1Error, match="takes too long for 25 questions"):
        Endpoints([there.url], 7).ask(ECHO)
    assert len(there.asked) < 12
