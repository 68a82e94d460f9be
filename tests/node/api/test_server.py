"""A node's interface over HTTP: what is answered, and that nothing that is sent keeps it from answering others."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import trio

from coordination.chain.quote import Quote
from coordination.node.api import server
from coordination.node.api.errors import ApiError
from coordination.node.api.guard import Settings
from coordination.node.api.parameters import PROOF_SIZE
from coordination.node.api.server import BODY_SIZE, serve
from tests.node.api.stage import BOUND, EPOCH, Node, serving

SECRET = "a-token-of-this-length"
STATUS = {"jsonrpc": "2.0", "method": "getStatus", "id": 1}


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def url(node: Node) -> Iterator[str]:
    with serving(node) as url:
        yield url


def post(url: str, body: object, **headers: str) -> requests.Response:
    """Headers are named with underscores. Bytes are sent as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(url, data, headers={"content-type": "application/json", **named}, timeout=BOUND)


def is_served(url: str) -> bool:
    return bool(post(url, STATUS).json()["result"]["isHealthy"])


def bid(epoch: int = EPOCH, fee: int = 1_000) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "submitEpochProofBid", "params": [epoch, fee], "id": 1}


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), BOUND)


def request_of(size: int) -> bytes:
    return (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the other side closes; within the connection's time."""
    received = bytearray()
    while chunk := connection.recv(2**16):
        received += chunk
    return bytes(received)


def test_a_request_is_answered(url: str, node: Node) -> None:
    response = post(url, bid())
    assert response.status_code == HTTPStatus.OK
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"jsonrpc": "2.0", "result": None, "id": 1}
    assert node.calls == [("bid", EPOCH, 1_000)]


def test_a_notification_is_answered_by_nothing(url: str, node: Node) -> None:
    response = post(url, {name: value for name, value in bid().items() if name != "id"})
    assert (response.status_code, response.content) == (HTTPStatus.NO_CONTENT, b"")
    assert node.calls == [("bid", EPOCH, 1_000)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (bid(epoch=EPOCH - 1), 2),
        (bid(fee=10_001), 1),
        ({"bid": 1}, -32600),
        (b"bid!", -32700),
        (b"", -32700),
        (b"[" * 100_000, -32700),
    ],
)
def test_what_is_wrong_with_a_request_is_told_by_json_rpc(url: str, message: object, code: int) -> None:
    response = post(url, message)
    assert response.status_code == HTTPStatus.OK
    assert response.json()["error"]["code"] == code


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_content_type_is_refused(url: str, node: Node, kind: str) -> None:
    assert post(url, bid(), content_type=kind).status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert node.calls == []


def test_a_content_type_may_name_its_encoding(url: str) -> None:
    assert post(url, STATUS, content_type="Application/JSON; charset=utf-8").status_code == HTTPStatus.OK


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
@pytest.mark.parametrize("path", ["", "/metrics", "/health", "/nothing"])
def test_a_web_page_is_turned_away_everywhere(url: str, node: Node, headers: dict[str, str], path: str) -> None:
    method = requests.get if path else requests.post
    assert method(url + path, headers=headers, timeout=BOUND).status_code == HTTPStatus.FORBIDDEN
    assert node.calls == []


@pytest.mark.parametrize("path", ["", "/metrics", "/health", "/nothing"])
def test_without_its_token_nothing_is_answered(node: Node, path: str) -> None:
    with serving(node, Settings(port=0, token=SECRET)) as url:
        method = requests.get if path else requests.post
        for headers in ({}, {"authorization": "Bearer another-one-of-this-length"}):
            response = method(url + path, headers=headers, timeout=BOUND)
            assert response.status_code == HTTPStatus.UNAUTHORIZED
            assert response.headers["www-authenticate"] == "Bearer"
        assert post(url, STATUS, authorization=f"Bearer {SECRET}").status_code == HTTPStatus.OK


def test_metrics_and_health_are_shown(url: str, node: Node) -> None:
    metrics = requests.get(f"{url}/metrics", timeout=BOUND)
    assert (metrics.status_code, metrics.text) == (HTTPStatus.OK, "slot 180.0\n")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert requests.get(f"{url}/health", timeout=BOUND).status_code == HTTPStatus.OK
    node.is_healthy = False
    assert requests.get(f"{url}/health", timeout=BOUND).status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_other_methods_and_paths_are_refused(url: str) -> None:
    assert requests.get(url, timeout=BOUND).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert requests.put(url, timeout=BOUND).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert requests.get(f"{url}/docs", timeout=BOUND).status_code == HTTPStatus.NOT_FOUND


def test_the_longest_proof_fits(url: str, node: Node) -> None:
    message = {"jsonrpc": "2.0", "method": "submitEpochProof", "id": 1}
    assert post(url, {**message, "params": [EPOCH, "0x" + "ab" * PROOF_SIZE]}).json()["result"] is None
    assert len(node.calls) == 1


def test_a_body_too_long_is_refused_whether_its_length_is_told_or_not(url: str, node: Node) -> None:
    with connect(url) as connection:
        connection.sendall(request_of(BODY_SIZE + 1))
        assert b"413" in read_all(connection).split(b"\r\n")[0], "before any of it is read"
    with connect(url) as connection:
        chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
        head = request_of(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(head + chunk * (BODY_SIZE // 2**16 + 1))
        assert b"413" in connection.recv(2**12).split(b"\r\n")[0]
    assert is_served(url)


@pytest.mark.parametrize("sent", [b"", b"POST / HT", request_of(100), request_of(100) + b"{"])
def test_a_client_that_dawdles_is_given_up(node: Node, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "BODY_TIME", 0.3)
    monkeypatch.setattr(server, "IDLE_TIME", 0.3)
    with serving(node) as url, connect(url) as connection:
        begun = time.monotonic()
        connection.sendall(sent)
        received = read_all(connection)
        assert time.monotonic() - begun < 5
        assert b"408" in received.split(b"\r\n")[0] if sent.endswith((b"\n", b"{")) else not received
        assert is_served(url)


def test_a_client_that_does_not_read_keeps_nobody(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_TIME", 1.0)
    quotes = [Quote(f"0x{number:040x}", EPOCH, 5) for number in range(60_000)]  # type: ignore[arg-type]
    monkeypatch.setattr(node.core.pool, "best_first", lambda _: quotes)
    message = json.dumps({"jsonrpc": "2.0", "method": "getQuotes", "params": [EPOCH], "id": 1}).encode()
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**12)
        with serving(node) as url:
            connection.connect(("127.0.0.1", urlsplit(url).port))
            connection.sendall(request_of(len(message)) + message)
            assert is_served(url)
        # It has stopped, which `serving` asserts, though its client still has not read.


def test_a_node_that_takes_too_long_is_not_waited_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_TIME", 0.2)
    node.is_held = True
    with serving(node) as url:
        assert post(url, bid()).status_code == HTTPStatus.GATEWAY_TIMEOUT
        assert is_served(url)


def test_more_requests_than_can_be_answered_are_turned_away(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "AT_ONCE", 2)
    node.is_held = True
    message = json.dumps(bid()).encode()
    with serving(node) as url, connect(url) as one, connect(url) as other:
        for connection in (one, other):
            connection.sendall(request_of(len(message)) + message)
        deadline = time.monotonic() + BOUND
        while len(node.calls) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert post(url, STATUS).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        node.is_held = False
        for connection in (one, other):
            assert connection.recv(2**12).startswith(b"HTTP/1.1 200")
        assert is_served(url), "their places are free again"


def test_a_client_that_goes_away_leaves_its_place(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "AT_ONCE", 1)
    with serving(node) as url:
        for _ in range(3):
            with connect(url) as connection:
                connection.sendall(request_of(100) + b"{")
            deadline = time.monotonic() + BOUND
            while post(url, STATUS).status_code != HTTPStatus.OK:
                assert time.monotonic() < deadline
    assert caplog.records == [], "it is no error of the node's"


@pytest.mark.parametrize(
    "sent", [b"\x00\xff" * 50 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nx" * 9]
)
def test_what_is_no_http_keeps_nobody(node: Node, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "IDLE_TIME", 0.3)
    with serving(node) as url, connect(url) as connection:
        connection.sendall(sent)
        read_all(connection)
        assert is_served(url)


def test_a_port_in_use_is_told_in_one_line(node: Node) -> None:
    with serving(node) as url:
        port = urlsplit(url).port or 0
        with pytest.raises(ApiError, match=rf"cannot listen on 127\.0\.0\.1, port {port}: Address already in use"):
            trio.run(serve, node, Settings(port=port), bytes)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.name.invalid"])
def test_an_address_that_is_not_this_machines_is_told_in_one_line(node: Node, host: str) -> None:
    with pytest.raises(ApiError, match=rf"cannot listen on {host}, port 0: .") as refused:
        trio.run(serve, node, Settings(host, 0, SECRET), bytes)
    assert len(str(refused.value).splitlines()) == 1


def test_a_port_is_free_again_once_the_node_has_stopped(node: Node) -> None:
    with closing(socket.socket()) as connection:
        with serving(node) as url:
            port = urlsplit(url).port or 0
            connection.connect(("127.0.0.1", port))
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(2**12).startswith(b"HTTP/1.1 200")
        with serving(node, Settings(port=port)) as again:  # though the connection that it closed lingers
            assert again == url
            assert is_served(again)


def test_the_other_loopback_is_served_too(node: Node) -> None:
    with serving(node, Settings("::1", 0)) as url:
        assert url.startswith("http://[::1]:")
        assert is_served(url)
