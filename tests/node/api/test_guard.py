"""Who may ask a node, and what its token may be."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest

from coordination.node.api.errors import ApiError
from coordination.node.api.guard import TOKEN, TOKEN_FILE, Settings, find_token, refusal

SECRET = "a-token-of-this-length"


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    monkeypatch.delenv(TOKEN_FILE, raising=False)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8645", "127.0.0.1", "127.0.0.1:8645", "127.9.9.9", "[::1]:1"])
def test_without_a_token_a_program_on_this_machine_may_ask(host: str) -> None:
    assert refusal(Settings(), {"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:8645", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0"),
        *("evil@localhost", "localhost@evil", "192.168.0.1", "[::2]", "::1", "localhost:8645:1", "127.0.0.1, evil"),
    ],
)
def test_without_a_token_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    refused = refusal(Settings(), {"host": host})
    assert refused
    assert refused.status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("token", [None, SECRET])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:8645", "null", ""])
def test_a_web_page_is_refused(origin: str, token: str | None) -> None:
    headers = {"host": "localhost", "origin": origin, "authorization": f"Bearer {SECRET}"}
    refused = refusal(Settings(token=token), headers)
    assert refused
    assert refused.status == HTTPStatus.FORBIDDEN


def test_with_its_token_a_node_may_be_asked_by_any_name() -> None:
    headers = {"host": "node.example", "authorization": f"Bearer {SECRET}"}
    assert refusal(Settings("0.0.0.0", token=SECRET), headers) is None


@pytest.mark.parametrize(
    "given", [None, "", SECRET, f"bearer {SECRET}", f"Bearer {SECRET} ", f"Bearer {SECRET[:-1]}", "Bearer ", "Bearer é"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_without_its_token_a_node_that_has_one_refuses(given: str | None, host: str) -> None:
    headers = {"host": "localhost", **({} if given is None else {"authorization": given})}
    refused = refusal(Settings(host, token=SECRET), headers)
    assert refused
    assert refused.status == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.0.1", "node.example", "localhost.example"])
def test_nobody_else_is_let_in_without_a_token(host: str) -> None:
    with pytest.raises(ApiError, match=r"set a token in AZTEC_NODE_TOKEN\b.*127\.0\.0\.1"):
        Settings(host)
    assert Settings(host, token=SECRET).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_is_let_in_without_a_token(host: str) -> None:
    assert Settings(host).token is None


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(ApiError, match=f"no port {port}"):
        Settings(port=port)


@pytest.mark.parametrize("token", ["", "short", "with a space in it", "über-geheimes-wort", "x" * 300, SECRET + "\n"])
def test_what_cannot_be_a_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ApiError) as refused:
        Settings(token=token)
    assert not token or token not in str(refused.value)


def test_a_token_is_not_shown_with_the_settings() -> None:
    assert SECRET not in repr(Settings(token=SECRET))


def test_a_token_comes_from_the_environment_or_from_a_file_and_the_file_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_token() is None
    monkeypatch.setenv(TOKEN, SECRET)
    assert find_token() == SECRET
    for name, set_by in (("one", "environment"), ("other", "argument")):
        file = tmp_path / name
        file.write_text(f"{SECRET}-{name}\n")
        if set_by == "environment":
            monkeypatch.setenv(TOKEN_FILE, str(file))
        assert find_token(file if set_by == "argument" else None) == f"{SECRET}-{name}"


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff" * 20, b"two words, and long enough"])
def test_a_file_without_a_token_is_named_and_not_shown(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ApiError, match="token") as refused:
        find_token(file)
    assert str(file) in str(refused.value)
    assert "two words" not in str(refused.value)
