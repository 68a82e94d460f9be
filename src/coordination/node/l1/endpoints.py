"""JSON-RPC over several endpoints of one chain: many questions at once, from the first endpoint that answers.

By hand rather than by web3, whose middleware fills in, caches and tries again: here each question is asked as it
stands, of nobody but the given URLs, and is answered or has failed in bounded time.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from threading import local
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from coordination.json_text import parse_json
from coordination.node.l1.errors import L1Error

TIMEOUT = 4.0  # seconds for one exchange
LONGEST = 20.0  # seconds for all exchanges that questions take of an endpoint that wants few of them at once
RESPITE = 60.0  # seconds for which an endpoint that failed comes after the others
AT_ONCE = 1_000  # questions; geth takes no more
SIZE = 1 << 25  # bytes of an answer

# Codes by which an endpoint says that it will not do its work now, or does not know how; another may.
_FAULTS = (-32_700, -32_600, -32_601, -32_001, -32_002, -32_005, 429)
_INTERNAL = -32_603  # said of reverts too, by some
_HEX_AT_END = re.compile(r"0x((?:[0-9a-fA-F]{2})*)$")


class Call(NamedTuple):
    method: str
    parameters: Sequence[Any]


class Failure(NamedTuple):
    """What the chain answers instead of a result: `data` is what a call reverted with."""

    code: int
    message: str
    data: bytes


Answer = Any  # a result as JSON has it, or a Failure


class Endpoints:
    """The endpoints at `urls`, the preferred one first. Raises L1Error if a URL is none of HTTP.

    `chain_id` is that of the first that answers, unless it is given; one of another chain is as good as dead. May be
    used by several threads.
    """

    def __init__(self, urls: Sequence[str], chain_id: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        if not urls:
            raise L1Error("no URL of L1 is given")
        self.chain_id = chain_id
        self._clock = clock
        self._endpoints = [_Endpoint(url) for url in urls]

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers, in order, all of the same endpoint. Raises L1Error if none answers."""
        troubles = []
        now = self._clock()
        for endpoint in sorted(self._endpoints, key=lambda each: each.avoided_until > now):
            try:
                if not endpoint.is_checked:
                    self._check(endpoint)
                return endpoint.ask(calls)
            except _Trouble as trouble:
                endpoint.is_checked, endpoint.avoided_until = False, self._clock() + RESPITE
                troubles.append(str(trouble))
        raise L1Error("; ".join(troubles))

    def _check(self, endpoint: _Endpoint) -> None:
        [answer] = endpoint.ask([Call("eth_chainId", [])])
        try:
            found = int(answer, 16)
        except (TypeError, ValueError) as error:
            raise _Trouble(f"what answers at {endpoint.name} is no Ethereum node") from error
        if self.chain_id is None:
            self.chain_id = found
        if found != self.chain_id:
            raise _Trouble(f"the node at {endpoint.name} is on chain {found}, not on {self.chain_id}")
        endpoint.is_checked = True


class _Trouble(Exception):
    """One endpoint does not do its work; the message says which, and why."""


class _Refused(_Trouble):
    """It answers, but not to this: a smaller batch may do."""


class _Endpoint:
    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise L1Error(f"{url!r} is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise L1Error(f"{url!r} is no URL of an Ethereum node: it has to begin with http:// or https://")
        self.name = f"{parts.scheme}://{parts.hostname}{port}"  # paths and passwords are secrets of their providers'
        self.is_checked, self.avoided_until = False, 0.0
        self._url, self._at_once, self._threads = url, AT_ONCE, local()

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """In as few exchanges as the endpoint allows. Raises _Trouble."""
        answers: list[Answer] = []
        deadline = time.monotonic() + LONGEST
        while len(answers) < len(calls):
            if time.monotonic() > deadline:
                raise _Trouble(f"the node at {self.name} takes too long for {len(calls)} questions")
            chunk = calls[len(answers) : len(answers) + self._at_once]
            try:
                answers += self._ask_at_once(chunk) if len(chunk) > 1 else [self._ask_one(chunk[0])]
            except _Refused:
                if len(chunk) == 1:
                    self._at_once = AT_ONCE  # so it was not that
                    raise
                self._at_once = max(1, len(chunk) // 10)
        return answers

    def _ask_one(self, call: Call) -> Answer:
        return self._read(call, self._exchange(_request(0, call)))

    def _ask_at_once(self, calls: Sequence[Call]) -> list[Answer]:
        responses = self._exchange([_request(number, call) for number, call in enumerate(calls)])
        if not isinstance(responses, list):
            raise _Refused(f"the node at {self.name} takes no batches")
        told = (each for each in responses if isinstance(each, dict))
        by_number = {each["id"]: each for each in told if isinstance(each.get("id"), int)}
        return [self._read(call, by_number.get(number)) for number, call in enumerate(calls)]

    def _read(self, call: Call, response: object) -> Answer:
        if isinstance(response, dict) and "result" in response:
            return response["result"]
        if not isinstance(response, dict) or not isinstance(response.get("error"), dict):
            raise _Refused(f"what answers at {self.name} is no Ethereum node")
        failure = _failure(response["error"])
        is_internal = failure.code == _INTERNAL and not failure.data and "revert" not in failure.message
        if failure.code in _FAULTS or is_internal:
            raise _Refused(f"the node at {self.name} refuses {call.method}: {failure.message}")
        return failure

    def _exchange(self, request: object) -> object:
        """One POST, and the JSON of its answer whatever the status; no redirects."""
        deadline = time.monotonic() + TIMEOUT
        headers = {"Content-Type": "application/json"}
        body = bytearray()
        try:
            with self._session().post(
                self._url,
                json.dumps(request).encode(),
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                while piece := response.raw.read1(1 << 16, True):  # what is there: more is not waited for
                    body += piece
                    if len(body) > SIZE or time.monotonic() > deadline:
                        raise _Trouble(f"the node at {self.name} does not come to an end")
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise _Trouble(f"no Ethereum node answers at {self.name} ({type(error).__name__})") from error
        try:
            return parse_json(body.decode())
        except ValueError:
            what = "no JSON" if response.status_code == 200 else f"HTTP status {response.status_code}"
            raise _Refused(f"what answers at {self.name} is no Ethereum node: it says {what}") from None

    def _session(self) -> requests.Session:
        """A thread's own: sessions are not made to be shared."""
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            self._threads.session.trust_env = False  # neither proxy nor netrc
        session: requests.Session = self._threads.session
        return session


def _request(number: int, call: Call) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.parameters}


def _failure(error: Mapping[str, Any]) -> Failure:
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if isinstance(data, dict):
        data = data.get("data")
    found = _HEX_AT_END.search(data) if isinstance(data, str) else None
    return Failure(
        code if isinstance(code, int) else 0, one_line(str(message)), bytes.fromhex(found[1]) if found else b""
    )


def one_line(text: str) -> str:
    """What somebody else wrote, so that it can stand in a message."""
    return "".join(each if each.isprintable() else " " for each in text[:300])
