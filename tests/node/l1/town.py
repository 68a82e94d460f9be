"""A rollup on a live chain, in the claim phase for epoch 0 for a quarter of an hour; and a way to it that fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import requests
from eth_utils.address import to_checksum_address

from coordination.chain.accounts import DEPLOYER, address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import Parameters, deploy_development, find_proof
from coordination.chain.quote import Address, Claim, Quote
from coordination.chain.rollup import Rollup
from coordination.chain.signing import sign, signing
from coordination.node.core.effects import SendClaim, SendProof
from coordination.node.devnet.chain import LiveChain
from coordination.node.l1.client import L1

ALICE_KEY, BOB_KEY, CAROL_KEY = map(development_key, ("alice", "bob", "carol"))
ALICE, BOB, CAROL = map(address_of, (ALICE_KEY, BOB_KEY, CAROL_KEY))
SLOT, EPOCH = 4, 1  # of now
ETHER = 10**18
FORTUNE, BOND = 10_000, 700
PATIENCE = 0.6  # seconds


class Town:
    """Alice proves; carol has TST too, but has allowed nothing. Bob proposes until slot 8, nobody after it."""

    def __init__(self, url: str, version: str = "0.2.0") -> None:
        self.url = url
        for address in (address_of(DEPLOYER), ALICE, CAROL):
            self.ask("anvil_setBalance", address, hex(ETHER))
        self.chain = LiveChain(url)
        self.parameters = Parameters(
            genesis_time=int(time.time()) - SLOT * 1_000 - 10,
            slot_duration=1_000,
            slots_per_epoch=4,
            claim_slots=2,
            proof_slots=2,
            bond=BOND,
            reward_per_epoch=301,
        )
        token = shipped("TestToken")
        self.there = deploy_development(
            self.chain.deploy,
            version=version,
            chain_id=self.chain.chain_id,
            parameters=self.parameters,
            token=token.creation([ALICE, CAROL], [FORTUNE, FORTUNE]),
            schedule=shipped("FixedSchedule").creation([BOB] * 9),
        )
        self.signing = signing(version, self.there.chain_id, self.there.rollup)
        self.chain.send(ALICE_KEY, self.there.token, token.call("approve", self.there.rollup, FORTUNE))

    def ask(self, method: str, *parameters: Any) -> Any:
        """A question to the chain itself."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = requests.post(self.url, json=body, timeout=10).json()
        assert "error" not in answer, answer
        return answer["result"]

    def l1(self, *urls: str) -> L1:
        return L1(urls or (self.url,), self.there.rollup, self.there.chain_id)

    def claim(self, slot: int = SLOT, fee: int = 2_500) -> SendClaim:
        quote = Quote(ALICE, EPOCH - 1, fee)
        return SendClaim(slot, quote, sign(BOB_KEY, self.signing.take_digest(quote, slot)))

    def proof(self, *, valid: bool = True) -> SendProof:
        return SendProof(EPOCH - 1, SLOT, find_proof(EPOCH - 1, valid=valid))

    def claim_of(self, epoch: int = EPOCH - 1) -> Claim:
        return Rollup(self.chain.web3, self.there.rollup).claim_of(epoch)

    def mine(self) -> None:
        self.ask("evm_mine")

    def nonce(self, of: Address = ALICE) -> int:
        return int(self.ask("eth_getTransactionCount", of, "latest"), 16)

    def sent(self, since: int, by: Address = ALICE) -> list[tuple[int, str, str]]:
        """Nonce, recipient and data of what was mined after block `since`."""
        found = []
        for number in range(since + 1, self.height() + 1):
            block = self.ask("eth_getBlockByNumber", hex(number), True)
            for each in block["transactions"]:
                if to_checksum_address(each["from"]) == by:
                    found.append((int(each["nonce"], 16), to_checksum_address(each["to"]), each["input"]))
        return found

    def height(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)


class Elsewhere(NamedTuple):
    """A redirect."""

    url: str


class Drip(NamedTuple):
    """A byte at a time, for some seconds."""

    seconds: float


# What is answered to a request's JSON: JSON, bytes as they are, an HTTP status, one of these, or None to hang up.
Answering = Callable[[Any], Any]


class Way:
    """An endpoint that keeps what is asked of it, and answers as it is told to; on one port all its life."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.asked: list[Any] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.open()

    @classmethod
    def to(cls, url: str) -> Way:
        """One that passes everything on."""
        session = requests.Session()
        return cls(lambda request: session.post(url, json=request, timeout=10).json())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        way = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet: two would wait for each other

            def do_POST(self) -> None:
                if way._server is None:
                    self.close_connection = True
                    return
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                way.asked.append(request)
                answer = way.answering(request)
                if answer is None:
                    self.close_connection = True
                    return
                status = answer if isinstance(answer, int) else 307 if isinstance(answer, Elsewhere) else 200
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode() if status == 200 else b"no"
                self.send_response(status)
                if isinstance(answer, Elsewhere):
                    self.send_header("Location", answer.url)
                self.send_header("Content-Length", "1000" if isinstance(answer, Drip) else str(len(body)))
                self.end_headers()
                if isinstance(answer, Drip):
                    self._drip(answer.seconds)
                else:
                    self.wfile.write(body)

            def _drip(self, seconds: float) -> None:
                self.close_connection = True
                deadline = time.monotonic() + seconds
                with suppress(OSError):
                    while time.monotonic() < deadline:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.02)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: a test sees what was asked."""

        server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever hangs up may do so
        self._server, self._port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Nobody is there any more; open connections die at their next request."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
