"""What `coordination node` refuses to start with: one line each, exit code 2, and nothing on disk is lost."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.deployment import Deployment
from coordination.node.devnet.chain import LiveChain, live_chain
from coordination.node.devnet.network import Plan, deploy
from coordination.node.l1.client import L1
from coordination.node.starting import SEED, STORE, identity_of
from coordination.node.store import Store
from tests.command import Result, Run

CAROL = development_key("carol")
KEY = CAROL.to_hex()
Start = Callable[..., Result]


@pytest.fixture(scope="module")
def chain() -> Iterator[LiveChain]:
    with live_chain() as chain:
        yield chain


@pytest.fixture(scope="module")
def deployment(chain: LiveChain) -> Deployment:
    return deploy(Plan(), chain)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start(run: Run, chain: LiveChain, deployment: Deployment, home: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Run `coordination node` with these options in the place of the right ones."""
    for name in ("PROVER_PUBLISHER_PRIVATE_KEY", "PROVER_PUBLISHER_KEYSTORE", "VALIDATOR_KEYSTORE", "AZTEC_NODE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VALIDATOR_PRIVATE_KEY", KEY)

    def call(**options: object) -> Result:
        given = {"l1-url": chain.url, "rollup": deployment.rollup, "data": home, "api-port": 0} | {
            name.replace("_", "-"): value for name, value in options.items()
        }
        return run("node", *(str(part) for name, value in given.items() for part in (f"--{name}", value)))

    return call


def assert_one_line(result: Result, words: str) -> None:
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert result.err.startswith("error: ")
    assert words in result.err
    assert KEY not in result.err
    assert KEY.removeprefix("0x") not in result.err


def test_a_node_without_any_key_does_not_start(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VALIDATOR_PRIVATE_KEY")
    assert_one_line(start(), "neither PROVER_PUBLISHER_PRIVATE_KEY nor VALIDATOR_PRIVATE_KEY is set")


def test_a_malformed_key_is_refused_and_not_shown(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALIDATOR_PRIVATE_KEY", KEY[:-1])
    assert_one_line(start(), "VALIDATOR_PRIVATE_KEY is no private key")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"l1_url": "http://127.0.0.1:1"}, "no Ethereum node answers at http://127.0.0.1:1"),
        ({"l1_url": "gopher://example"}, "is no URL of an Ethereum node"),
        ({"chain_id": 5}, "is on chain 31337, not on 5"),
        ({"rollup": "0x12"}, "is no address"),
        ({"rollup": address_of(development_key("nobody"))}, "there is no contract at"),
        ({"listen": "somewhere"}, "is no multiaddr"),
        ({"peer": "/ip4/127.0.0.1/tcp/4001"}, "is not of the form"),
        ({"api_host": "0.0.0.0"}, "set a token"),
        ({"data": "/dev/null/node"}, "/dev/null/node cannot be made"),
    ],
)
def test_what_cannot_be_right_is_told_in_one_line(start: Start, options: dict[str, object], words: str) -> None:
    assert_one_line(start(**options), words)


def test_a_contract_that_is_no_rollup_is_refused(start: Start, deployment: Deployment) -> None:
    assert_one_line(start(rollup=deployment.token), "is no rollup: it has no version()")


@pytest.mark.parametrize(("option", "form"), [("api_port", "{}"), ("listen", "/ip4/127.0.0.1/tcp/{}")])
def test_a_port_in_use_is_refused(start: Start, option: str, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(start(**{option: form.format(port)}), "Address already in use")


def test_a_store_of_another_rollup_is_refused_and_kept(start: Start, home: Path) -> None:
    home.mkdir()
    Store(home / STORE, "another").close()
    before = (home / STORE).read_bytes()
    assert_one_line(start(), "is the store of 'another'")
    assert (home / STORE).read_bytes() == before


def test_a_store_that_is_in_use_is_refused(start: Start, chain: LiveChain, deployment: Deployment, home: Path) -> None:
    home.mkdir()
    rollup = L1([chain.url], deployment.rollup, None).describe()
    store = Store(home / STORE, identity_of(deployment.rollup, rollup, None, CAROL))
    assert_one_line(start(), "is locked by another node")
    store.close()


def test_a_corrupt_store_is_refused_and_kept(start: Start, home: Path) -> None:
    home.mkdir()
    (home / STORE).write_bytes(b"no database at all" * 100)
    assert_one_line(start(), "is not a database")
    assert (home / STORE).read_bytes() == b"no database at all" * 100


def test_a_network_id_that_is_not_whole_is_refused_and_kept(start: Start, home: Path) -> None:
    home.mkdir()
    (home / SEED).write_bytes(b"short")
    assert_one_line(start(), "has 5 bytes, not 32")
    assert (home / SEED).read_bytes() == b"short"


def test_a_store_of_a_chain_that_has_begun_anew_is_refused(
    start: Start, chain: LiveChain, deployment: Deployment, home: Path
) -> None:
    rollup = L1([chain.url], deployment.rollup, None).describe()
    earlier = replace(rollup.parameters, genesis_time=rollup.parameters.genesis_time - 60)
    home.mkdir()
    Store(home / STORE, identity_of(deployment.rollup, rollup._replace(parameters=earlier), None, CAROL)).close()
    assert_one_line(start(), "is the store of")


def test_a_store_of_another_key_is_refused_and_kept(
    start: Start, chain: LiveChain, deployment: Deployment, home: Path
) -> None:
    home.mkdir()
    rollup = L1([chain.url], deployment.rollup, chain.chain_id).describe()
    Store(home / STORE, identity_of(deployment.rollup, rollup, None, development_key("dave"))).close()
    before = (home / STORE).read_bytes()
    assert_one_line(start(), "is the store of 'proposer 0x")
    assert (home / STORE).read_bytes() == before


def test_an_address_whose_checksum_is_wrong_is_refused(start: Start, deployment: Deployment) -> None:
    place = next(place for place, digit in enumerate(deployment.rollup) if digit in "ABCDEF")
    wrong = deployment.rollup[:place] + deployment.rollup[place].lower() + deployment.rollup[place + 1 :]
    assert_one_line(start(rollup=wrong), "is no address")
