"""A development chain without Foundry: py-evm by eth-tester, served over HTTP to the processes of this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from web3 import EthereumTesterProvider, Web3

from coordination.chain.errors import ChainError


class TesterMissing(ChainError):
    """eth-tester is not installed; the message says what to do."""


@contextmanager
def tester_chain() -> Iterator[str]:
    """Serve a fresh chain on a free port of this machine; its URL. Its clock is this machine's."""
    try:
        from eth_tester import EthereumTester, PyEVMBackend
    except ImportError as error:
        raise TesterMissing(
            "there is no chain to start: install Foundry's anvil ('npm ci' in contracts/ of a checkout), "
            "or this package with its extra 'devnet'"
        ) from error
    chain = _Chain(EthereumTester(PyEVMBackend()))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = [chain.answer(each) for each in asked] if isinstance(asked, list) else chain.answer(asked)
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: whoever calls sees the answer."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a node that was killed has cut its connection."""


class _Chain:
    """One request at a time, each in the present: the tester's own clock stands still between blocks."""

    def __init__(self, tester: Any) -> None:
        self._tester = tester
        web3 = Web3(EthereumTesterProvider(tester))
        self._ask = web3.provider.request_func(web3, web3.middleware_onion)
        self._lock = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON-RPC response to a request."""
        response: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        # A block is mined whenever time has passed, so the last one is as good as the pending one.
        parameters = ["latest" if each == "pending" else each for each in request.get("params", [])]
        with self._lock:
            now = int(time.time())
            if now > self._tester.get_block_by_number("pending")["timestamp"]:
                self._tester.time_travel(now)
            try:
                answer: Mapping[str, Any] = self._ask(request["method"], parameters)
            except Exception as error:  # whatever py-evm raises is the answer of this chain
                answer = {"error": _error(error)}
        if "error" in answer:
            return {**response, "error": answer["error"]}
        return {**response, "result": _plain(answer["result"])}


def _error(error: BaseException) -> dict[str, Any]:
    """As a node says it: a revert has code 3, and its data."""
    data = _revert_data(error)
    if data is not None:
        return {"code": 3, "message": "execution reverted", "data": "0x" + data.hex()}
    return {"code": -32_000, "message": f"{type(error).__name__}: {error}"}


def _revert_data(error: BaseException | None) -> bytes | None:
    """What the contract said, which is in one of the exceptions that led to this one, or in what that holds."""
    while error is not None:
        said = error.args[0] if error.args else None
        said = said.args[0] if isinstance(said, Exception) and said.args else said
        if isinstance(said, bytes):
            return said
        error = error.__context__
    return None


def _plain(value: Any) -> Any:
    """The tester's values as JSON-RPC writes them: numbers and bytes in hexadecimal."""
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value]
