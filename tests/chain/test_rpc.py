"""A development chain over JSON-RPC: what is sent is signed and mined at the time that was set, and told exactly."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from coordination.chain.accounts import DEPLOYER, address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.chain import Answer, Chain
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from coordination.chain.quote import Address
from coordination.chain.rpc import RpcChain, RpcError
from coordination.conform.adapter import Message
from coordination.conform.divergence import show_answer
from coordination.conform.rollup.adapter import GENESIS, SLOT_DURATION, RollupAdapter
from coordination.conform.rollup.replay import accounts
from coordination_spec import DESIGNS

ALICE = address_of(development_key("alice"))
KEYS = {ALICE: development_key("alice")}


def creation(code: str) -> bytes:
    """What deploys `code`, less than 256 bytes of it."""
    runtime = bytes.fromhex(code)
    return bytes([0x60, len(runtime)]) + bytes.fromhex("80 60 09 5f 39 5f f3") + runtime


# Stores the time at slot 7 and returns it; or, given any data, reverts with it.
CLOCK = creation("42 5f 52 36 600f 57 42 6007 55 6020 5f f3 5b 6020 5f fd")
STUCK = creation("fe")  # an invalid instruction
ONCE = creation("5f 5c 5f 52 6001 5f 5d 6020 5f f3")  # returns a word of transient storage, then sets it
REFUSED = bytes.fromhex("42 5f 52 6020 5f fd")  # a constructor that reverts with the time


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


@pytest.fixture
def chain(url: str) -> RpcChain:
    return RpcChain(url, KEYS)


@pytest.fixture
def clock(chain: RpcChain) -> Address:
    chain.at(900)
    return chain.deploy(CLOCK)


def test_a_transaction_is_mined_at_the_time_that_was_set(chain: RpcChain, clock: Address) -> None:
    for time in (1_000, 1_000, 1_005):
        chain.at(time)
        mined = chain.send(ALICE, clock, b"")
        receipt = chain.web3.eth.get_transaction_receipt(mined.transaction)  # type: ignore[arg-type]
        assert mined.answer == Answer(True, word(time))
        assert (receipt["status"], receipt["gasUsed"], receipt["from"]) == (1, mined.gas_used, ALICE)
        assert chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"] == time
        assert chain.whole_storage(clock) == {7: time}


def test_a_refused_transaction_is_mined_too_and_tells_why_at_its_own_time(chain: RpcChain, clock: Address) -> None:
    chain.at(1_000)
    mined = chain.send(ALICE, clock, b"\1")
    chain.at(1_100)
    receipt = chain.web3.eth.get_transaction_receipt(mined.transaction)  # type: ignore[arg-type]
    assert mined.answer == Answer(False, word(1_000))
    assert (receipt["status"], receipt["gasUsed"]) == (0, mined.gas_used)
    assert chain.whole_storage(clock) == {}


def test_a_transaction_carries_the_signature_of_its_sender(chain: RpcChain, clock: Address) -> None:
    sent = chain.web3.eth.get_transaction(chain.send(ALICE, clock, b"").transaction)  # type: ignore[arg-type]
    assert sent["from"] == ALICE
    assert sent["nonce"] == 0
    assert int.from_bytes(sent["r"], "big") > 0
    with pytest.raises(KeyError):
        chain.send(clock, clock, b"")


def test_where_the_evm_gives_up_there_is_no_data(chain: RpcChain) -> None:
    stuck = chain.deploy(STUCK)
    assert chain.call(ALICE, stuck, b"") == Answer(False, b"")


def test_a_constructor_that_reverts_is_told_with_its_data(chain: RpcChain) -> None:
    chain.at(1_000)
    with pytest.raises(RuntimeError, match="0x" + word(1_000).hex()):
        chain.deploy(REFUSED)


def test_a_view_tells_of_the_last_block_and_sends_nothing(chain: RpcChain, clock: Address) -> None:
    chain.at(1_000)
    before = chain.web3.eth.block_number
    assert chain.view(ALICE, clock, b"") == Answer(True, word(1_000))
    assert chain.view(ALICE, clock, b"\1") == Answer(False, word(1_000))
    assert chain.web3.eth.block_number == before
    assert chain.whole_storage(clock) == {}


def test_the_chains_own_clock_shows_the_time_that_was_set(chain: RpcChain) -> None:
    chain.at(1_000)
    assert chain.web3.eth.get_block("latest")["timestamp"] == 1_000


def test_the_whole_storage_is_what_the_slots_hold(chain: RpcChain) -> None:
    token = chain.deploy(shipped("TestToken").creation([ALICE], [5]))
    stored = chain.whole_storage(token)
    assert len(stored) == 4  # a balance, the supply, the name and the symbol
    assert {slot: int.from_bytes(chain.web3.eth.get_storage_at(token, slot), "big") for slot in stored} == stored


def test_time_does_not_go_back(chain: RpcChain) -> None:
    chain.at(1_000)
    with pytest.raises(RpcError, match=r"stands at 1000, past 999, and cannot go back") as raised:
        chain.at(999)
    assert len(str(raised.value).splitlines()) == 1


def test_a_second_visitor_starts_at_the_chains_time(chain: RpcChain) -> None:
    chain.at(1_000)
    with pytest.raises(RpcError, match="stands at 1000"):
        RpcChain(chain.url, KEYS).at(999)


@pytest.mark.parametrize(("method", "parameter"), [("evm_setAutomine", True), ("evm_setIntervalMining", 1)])
def test_automatic_mining_is_switched_off(url: str, method: str, parameter: object) -> None:
    visitor = RpcChain(url, {})
    visitor.web3.provider.make_request(method, [parameter])  # type: ignore[arg-type]
    chain = RpcChain(url, KEYS)
    chain.at(5_000_000_000)
    before = chain.web3.eth.block_number
    assert chain.call(ALICE, chain.deploy(CLOCK), b"") == Answer(True, word(5_000_000_000))
    assert chain.web3.eth.block_number == before + 2


def test_all_who_send_can_pay(chain: RpcChain) -> None:
    for account in (ALICE, address_of(DEPLOYER)):
        assert chain.web3.eth.get_balance(account) >= 10**18


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """Something that answers every request with the same bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join(10)


def assert_no_chain(url: str, words: str) -> None:
    with pytest.raises(RpcError, match=words) as raised:
        RpcChain(url, KEYS)
    assert len(str(raised.value).splitlines()) == 1
    assert url in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:8545", "http://127.0.0.1:1:1", "http://[", ""])
def test_a_node_that_cannot_be_reached_is_told_in_one_line(url: str) -> None:
    assert_no_chain(url, "no Ethereum node answers at ")


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"[]", b"7", b"{}", b"\xff"])
def test_what_answers_but_is_no_node_is_told_in_one_line(answer: bytes) -> None:
    with server(answer) as url:
        assert_no_chain(url, "no Ethereum node")


def test_a_node_that_is_no_development_chain_is_told_in_one_line() -> None:
    missing = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "the method does not exist"}}
    with server(json.dumps(missing).encode()) as url:
        assert_no_chain(url, "is no development chain: it has no eth_chainId; start anvil")


def test_what_a_node_refuses_is_told_in_its_words() -> None:
    refused = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "not today"}}
    with server(json.dumps(refused).encode()) as url:
        assert_no_chain(url, "refuses eth_chainId: not today")


@pytest.mark.parametrize("code", [CLOCK, STUCK, ONCE], ids=["clock", "stuck", "once"])
def test_each_call_is_a_transaction_of_its_own_in_either_evm(chain: RpcChain, evm: Evm, code: bytes) -> None:
    def answers(where: Chain) -> list[Answer]:
        where.at(1_000)
        there = where.deploy(code)
        return [where.call(ALICE, there, data) for data in (b"", b"", b"\1", b"")]

    assert answers(chain) == answers(evm)


CALLS = 300


class RandomCalls:
    """Calls on a rollup of the instance `ci`; of every two, one is preferably a call that will be accepted."""

    def __init__(self, evm: Evm, version: str) -> None:
        self.evm, self.machine = evm, DESIGNS[version]
        self.instance, self.rng = self.machine.instance("ci"), random.Random(version)
        self.adapter = self.deployed_on(evm)
        actions = map(self.machine.action, self.adapter.actions)
        self.calls = [(action.name, each) for action in actions for each in self.instance.arguments(action)]

    def deployed_on(self, chain: Chain) -> RollupAdapter:
        chain.at(GENESIS - SLOT_DURATION)
        return RollupAdapter(self.machine, self.instance, shipped(ROLLUPS[self.machine.design]), chain)

    def __iter__(self) -> Iterator[tuple[int, Message]]:
        """Messages, each with the time at which it is to be sent, from slot 3 on: three to a second."""
        for number in range(CALLS):
            time = self.adapter.parameters.timestamp(3) + number // 3
            slot = (time - GENESIS) // SLOT_DURATION
            self.evm.at(time)
            drawn = [self.message(slot) for _ in range(10 if number % 2 else 1)]
            yield time, next(filter(self.is_accepted, drawn), drawn[0])

    def message(self, slot: int) -> Message:
        return self.rng.choice(self.adapter.messages(*self.rng.choice(self.calls), slot))

    def is_accepted(self, message: Message) -> bool:
        snapshot = self.evm.snapshot()
        answer = self.evm.call(message.sender, message.to, message.data)
        self.evm.revert(snapshot)
        return answer.succeeded

    def outcome(self, message: Message, answer: Answer) -> str:
        """The name of the error; if there is none, of the function."""
        refused = show_answer(answer, self.adapter.artifacts).removeprefix("reverts with ")
        return (message.text if answer.succeeded else refused).partition("(")[0]


def test_the_evm_in_this_process_and_anvil_answer_alike(url: str, evm: Evm, version: str) -> None:
    """Random calls, sent to both: the same answers and logs, and the same storage, looked at after every tenth."""
    calls = RandomCalls(evm, version)
    node = RpcChain(url, accounts(calls.instance))
    assert calls.deployed_on(node).deployment == calls.adapter.deployment
    met = Counter[str]()
    for number, (time, message) in enumerate(calls, start=1):
        node.at(time)
        answer = node.call(message.sender, message.to, message.data)
        assert answer == evm.call(message.sender, message.to, message.data), message.text
        met[calls.outcome(message, answer)] += 1
        for address in calls.adapter.contracts if number % 10 == 0 else ():
            assert node.whole_storage(address) == evm.whole_storage(address), message.text
    assert {"claimProofRight", "submitEpochProof"} < met.keys()
    assert len(met) >= 11, met
