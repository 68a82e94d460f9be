"""Asking a node: what it refuses, and what is told in one line when no node, or none of ours, is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from coordination.node.api import client
from coordination.node.api.client import Client
from coordination.node.api.errors import ApiError, NodeRefuses
from coordination.node.api.guard import Settings
from tests.node.api.stage import BOUND, EPOCH, Node, serving

SECRET = "a-token-of-this-length"


@contextmanager
def answering(body: bytes, status: int = 200, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a server that answers everything with the same, and the headers of what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(dict(self.headers))
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as there:
        thread = Thread(target=there.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{there.server_port}", asked
        finally:
            there.shutdown()
            thread.join(BOUND)


def test_a_call_gives_its_result() -> None:
    node = Node()
    with serving(node) as url:
        assert Client(url).call("submitEpochProofBid", epoch=EPOCH, basisPointFee=7) is None
        assert [quote["basisPointFee"] for quote in Client(url).call("getQuotes", epoch=EPOCH)] == [7]
    assert node.calls == [("bid", EPOCH, 7)]


def test_numbers_of_any_size_and_bytes_arrive() -> None:
    node = Node()
    with serving(node) as url:
        Client(url).call("submitEpochProof", epoch=2**256 - 1, proof=b"\xab\xcd")
    assert node.calls == [("hand_in", 2**256 - 1, b"\xab\xcd")]


def test_what_the_node_refuses_is_told_with_its_name() -> None:
    with serving(Node()) as url, pytest.raises(NodeRefuses, match=r"^the node refuses: InvalidBasisPointFee: .*10001$"):
        Client(url).call("submitEpochProofBid", epoch=EPOCH, basisPointFee=10_001)


def test_a_token_is_asked_for_and_taken() -> None:
    with serving(Node(), Settings(port=0, token=SECRET)) as url:
        assert Client(url, SECRET).call("getStatus")["epoch"] == EPOCH
        for wrong in (None, SECRET + "-or-another"):
            with pytest.raises(ApiError, match="asks for its token: set AZTEC_NODE_TOKEN"):
                Client(url, wrong).call("getStatus")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no.such.name.invalid:8645", "http://[::1]:9"])
def test_that_nobody_is_there_is_told_in_one_line(url: str) -> None:
    with pytest.raises(ApiError) as error:
        Client(url).call("getStatus")
    assert str(error.value) == f"no node answers at {url} (ConnectionError)"


def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_TIME", 0.2)
    node = Node()
    node.is_held = True
    with serving(node) as url, pytest.raises(ApiError, match=r"no node answers at .* \(ReadTimeout\)"):
        Client(url).call("submitEpochProofBid", epoch=EPOCH, basisPointFee=7)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"\xff", b"[]", b"{}", b"null", b"[" * 10_000, b'{"jsonrpc": "2.0", "id": 1}'),
        *(b'{"jsonrpc": "2.0", "id": 2, "result": null}', b'{"jsonrpc": "1.0", "id": 1, "result": null}'),
        b'{"jsonrpc": "2.0", "id": 1, "error": "no"}',
    ],
)
def test_what_is_no_node_is_told_in_one_line(body: bytes) -> None:
    with answering(body) as (url, _), pytest.raises(ApiError) as error:
        Client(url).call("getStatus")
    assert str(error.value) == f"what answers at {url} does not speak JSON-RPC 2.0"


def test_an_answer_that_is_none_is_told_by_its_status() -> None:
    with answering(b"busy\nsorry", 503) as (url, _), pytest.raises(ApiError, match=r"answers 503: busy$"):
        Client(url).call("getStatus")


def test_what_a_node_says_cannot_steer_a_terminal() -> None:
    error = {"code": 1, "message": "Odd: \x1b[2J\u202e\nmore" + "x" * 1_000}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    with answering(body) as (url, _), pytest.raises(NodeRefuses) as refused:
        Client(url).call("getStatus")
    assert str(refused.value) == "the node refuses: Odd: ?[2J?"


def test_a_token_goes_to_the_node_and_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b"", 200) as (other, asked_of_other), answering(b"", 307, Location=other) as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", other)
        with pytest.raises(ApiError, match="answers 307"):
            Client(url, SECRET).call("getStatus")
    assert [headers["Authorization"] for headers in asked] == [f"Bearer {SECRET}"]
    assert asked_of_other == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8645",
        "localhost",
        "ftp://host",
        "http://",
        "http://[",
        "http://h:x",
        "http://h:99999",
        "http://a:b@h",
    ],
)
def test_what_is_no_address_is_told_at_once(url: str) -> None:
    with pytest.raises(ApiError, match="write http://HOST:PORT"):
        Client(url)


def test_what_cannot_be_a_token_is_not_sent_and_not_shown() -> None:
    with pytest.raises(ApiError) as refused:
        Client("http://localhost", "secret\r\nHost: x")
    assert "secret" not in str(refused.value)
