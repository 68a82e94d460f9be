"""Asking a node over JSON-RPC.

Client("http://127.0.0.1:8645").call("submitEpochProofBid", epoch=123, basisPointFee=1_000)
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from coordination.json_text import parse_json
from coordination.node.api.errors import ApiError, NodeRefuses
from coordination.node.api.guard import TOKEN, check_token
from coordination.node.api.parameters import plain

CONNECT_TIME, ANSWER_TIME = 5.0, 60.0  # seconds; a node answers or gives up earlier
LINE = 300  # characters of what a node says


class Client:
    """The node at `url`, which asks for `token` if it is not None. Raises ApiError if either cannot be one."""

    def __init__(self, url: str, token: str | None = None) -> None:
        _check_url(url)
        self.url = url
        self._headers = {"Authorization": f"Bearer {check_token(token, 'the token')}"} if token is not None else {}

    def call(self, method: str, **params: object) -> Any:
        """The result of a call. Raises NodeRefuses if the node refuses it, else ApiError if there is none."""
        request = {
            "jsonrpc": "2.0",
            "method": method,
            "params": {name: plain(value) for name, value in params.items()},
            "id": 1,
        }
        response = self._post(request)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise ApiError(f"the node at {self.url} asks for its token: set {TOKEN}, or name a file that holds it")
        if response.status_code != HTTPStatus.OK:
            raise ApiError(f"the node at {self.url} answers {response.status_code}: {_line(response.text)}")
        return self._result(response)

    def _post(self, request: Mapping[str, Any]) -> requests.Response:
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither proxy nor netrc: the token goes to the node, and to nobody else
                return session.post(
                    self.url,
                    json=request,
                    headers=self._headers,
                    timeout=(CONNECT_TIME, ANSWER_TIME),
                    allow_redirects=False,
                )
        except (requests.RequestException, ValueError) as error:
            raise ApiError(f"no node answers at {self.url} ({type(error).__name__})") from error

    def _result(self, response: requests.Response) -> Any:
        try:
            answered = parse_json(response.content.decode())
        except ValueError:
            answered = None
        match answered:
            case {"jsonrpc": "2.0", "id": 1, "result": result}:
                return result
            case {"jsonrpc": "2.0", "error": {"code": int(), "message": str(why)}}:
                raise NodeRefuses(f"the node refuses: {_line(why)}")
        raise ApiError(f"what answers at {self.url} does not speak JSON-RPC 2.0")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
        _ = parts.port
    except ValueError:
        is_address = False
    if not is_address:
        raise ApiError(f"{url!r} is no address of a node; write http://HOST:PORT")


def _line(text: str) -> str:
    """The first line of what a node says, as a terminal can show it."""
    line = (text.strip().splitlines() or ["nothing"])[0]
    return "".join(character if character.isprintable() else "?" for character in line)[:LINE]
