"""A development chain of one's own: it is found, it starts, and it ends whatever happens."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from coordination.chain import anvil as module
from coordination.chain.accounts import address_of, development_key
from coordination.chain.anvil import CHAIN_ID, AnvilError, anvil, find_anvil, live_anvil
from coordination.chain.rpc import RpcChain, RpcError

ALICE_KEY = development_key("alice")
ALICE = address_of(ALICE_KEY)
LISTENING = "echo Listening on 127.0.0.1:1"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file for a shell script that is found in anvil's place."""
    script = tmp_path / "anvil"
    monkeypatch.setattr(module, "find_anvil", lambda: str(script))
    return script


def write(script: Path, *lines: str) -> None:
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(0o755)


def is_running(process: int) -> bool:
    """Whether it runs: not so once it has ended, even if nobody has taken note of that."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_fresh_chain_is_at_the_beginning_of_time(url: str) -> None:
    chain = RpcChain(url, {})
    assert chain.chain_id == CHAIN_ID
    assert chain.web3.eth.block_number == 0
    assert chain.web3.eth.get_block("latest")["timestamp"] == 0
    assert chain.web3.eth.accounts == []


def test_two_chains_do_not_disturb_each_other(url: str) -> None:
    with anvil() as other:
        RpcChain(other, {}).at(1_000)
        assert RpcChain(url, {}).web3.eth.block_number == 0


def assert_gone(url: str) -> None:
    with pytest.raises(RpcError, match="no Ethereum node answers"):
        RpcChain(url, {})


def test_it_ends_with_its_block() -> None:
    with anvil() as url:
        assert RpcChain(url, {}).chain_id == CHAIN_ID
    assert_gone(url)


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_it_ends_with_its_block_when_that_is_interrupted(interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), anvil() as url:
        raise interruption
    assert_gone(url)


def test_it_ends_with_all_its_children_even_if_it_would_rather_not(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHUTDOWN", 0.2)
    log = stand_in.with_name("processes")
    write(stand_in, "trap '' TERM", "sleep 60 &", f"echo $$ $! > {log}", LISTENING, "wait")
    with anvil() as url:
        assert url == "http://127.0.0.1:1"
        processes = [int(each) for each in log.read_text().split()]
        assert [is_running(each) for each in processes] == [True, True]
    deadline = time.monotonic() + 10
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [is_running(each) for each in processes] == [False, False]


def test_its_last_words_are_told_if_it_does_not_start(stand_in: Path) -> None:
    write(stand_in, "echo hello", "echo 'error: no room left' >&2", "exit 1")
    with pytest.raises(AnvilError, match=r"^anvil does not start: error: no room left$"), anvil():
        pytest.fail("it did not start")


def test_it_is_not_waited_for_forever(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STARTUP", 0.2)
    write(stand_in, "exec sleep 60")
    with pytest.raises(AnvilError, match=r"^anvil did not start within"), anvil():
        pytest.fail("it did not start")


def test_the_pinned_one_of_a_checkout_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    pinned = tmp_path / "modules" / f"anvil-{platform.system().lower()}-{machine}" / "bin" / "anvil"
    on_path = tmp_path / "path" / "anvil"
    for program in (pinned, on_path):
        program.parent.mkdir(parents=True)
        write(program)
    monkeypatch.setattr(module, "_MODULES", tmp_path / "modules")
    monkeypatch.setenv("PATH", str(on_path.parent), prepend=os.pathsep)
    assert find_anvil() == str(pinned)
    pinned.unlink()
    assert find_anvil() == str(on_path)


def test_how_to_get_it_is_told_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MODULES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnvilError, match=r"not installed: run 'npm ci' in contracts/ .* or install Foundry$"):
        find_anvil()


def test_a_live_chain_has_the_clock_of_this_machine_and_mines_what_it_is_sent() -> None:
    with live_anvil() as url:
        web3 = Web3(HTTPProvider(url))
        assert abs(web3.eth.get_block("latest")["timestamp"] - time.time()) < 5
        web3.provider.make_request(RPCEndpoint("anvil_setBalance"), [ALICE, hex(10**18)])
        sent = web3.eth.send_raw_transaction(
            Account.sign_transaction(
                {"chainId": CHAIN_ID, "nonce": 0, "gas": 21_000, "gasPrice": 10**10, "to": ALICE, "value": 0}, ALICE_KEY
            ).raw_transaction
        )
        assert web3.eth.wait_for_transaction_receipt(sent, timeout=10, poll_latency=0.01)["blockNumber"] == 1


def test_a_live_chain_mines_by_the_clock_if_it_is_told_to() -> None:
    with live_anvil(block_time=0.1) as url:
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + 10
        while web3.eth.block_number < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert web3.eth.block_number >= 2
