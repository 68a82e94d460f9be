"""What the methods of a node take and give, and how its refusals are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coordination.chain.accounts import address_of
from coordination.chain.quote import Quote
from coordination.node.api.methods import CODES, OTHER, methods_of
from coordination.node.api.parameters import EXACT, PROOF_SIZE, plain, proof, unsigned
from coordination.node.core.errors import Refused
from tests.node.api.stage import ALICE, BOB, EPOCH, Node
from tests.node.api.test_jsonrpc import ask


def call(node: Node, method: str, *params: object) -> Any:
    return ask({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}, methods_of(node))


def test_a_bid_is_carried_out_and_its_quote_is_shown() -> None:
    node = Node()
    assert call(node, "submitEpochProofBid", EPOCH, 1_000)["result"] is None
    assert node.calls == [("bid", EPOCH, 1_000)]
    quote = {"prover": address_of(ALICE), "epoch": EPOCH, "basisPointFee": 1_000}
    assert call(node, "getQuotes", EPOCH)["result"] == [quote]
    assert call(node, "getQuotes", EPOCH + 1)["result"] == []


def test_quotes_come_cheapest_first() -> None:
    node = Node()
    for number, fee in enumerate([700, 300, 500]):
        node.core.pool.add(Quote(f"0x{number:040x}", EPOCH, fee))  # type: ignore[arg-type]
    assert [quote["basisPointFee"] for quote in call(node, "getQuotes", EPOCH)["result"]] == [300, 500, 700]


def test_a_bid_names_its_parameters_as_the_seed_does() -> None:
    node = Node()
    params = {"epoch": EPOCH, "basisPointFee": 1_000}
    ask({"jsonrpc": "2.0", "method": "submitEpochProofBid", "params": params}, methods_of(node))
    assert node.calls == [("bid", EPOCH, 1_000)]


def test_a_proof_is_handed_in_as_bytes() -> None:
    node = Node()
    assert call(node, "submitEpochProof", EPOCH, "0xC0ffee")["result"] is None
    assert node.calls == [("hand_in", EPOCH, b"\xc0\xff\xee")]


def test_a_claim_is_told_and_so_is_that_there_is_none() -> None:
    assert call(Node(), "getClaim", EPOCH - 1)["result"] == {
        "status": "CLAIMED",
        "prover": address_of(ALICE),
        "proposer": address_of(BOB),
        "basisPointFee": 500,
        "slot": 130,
    }
    none = {"status": "OPEN", "prover": None, "proposer": None, "basisPointFee": None, "slot": None}
    assert call(Node(), "getClaim", EPOCH)["result"] == none


def test_the_status_has_these_fields() -> None:
    assert call(Node(), "getStatus")["result"] == {
        "version": "0.1.0",
        "chainId": 31_337,
        "rollup": address_of(BOB),
        "slot": 180,
        "epoch": EPOCH,
        "isInClaimPhase": False,
        "currentProposer": None,
        "prover": address_of(ALICE),
        "proposer": None,
        "peers": 3,
        "poolSize": 0,
        "lastL1Contact": 1_700_000_000,
        "isHealthy": True,
    }


@pytest.mark.parametrize(
    ("method", "params", "error", "code"),
    [
        ("submitEpochProofBid", (EPOCH, 10_001), "InvalidBasisPointFee", 1),
        ("submitEpochProofBid", (EPOCH - 1, 0), "EpochNoLongerClaimable", 2),
        ("submitEpochProof", (EPOCH - 2, "0x"), "ProofPhaseEnded", 3),
    ],
)
def test_a_refusal_has_its_name_and_its_code(method: str, params: tuple[object, ...], error: str, code: int) -> None:
    told = call(Node(), method, *params)["error"]
    assert (told["code"], told["data"]) == (code, {"error": error})
    assert told["message"].startswith(f"{error}: ")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("submitEpochProofBid", (2**256, 0)),
        ("submitEpochProofBid", (EPOCH, 2**32)),
        ("submitEpochProof", (EPOCH, "ab")),
        ("getQuotes", (-1,)),
        ("getClaim", (None,)),
    ],
)
def test_what_the_contract_could_not_take_is_an_invalid_parameter(method: str, params: tuple[object, ...]) -> None:
    node = Node()
    assert call(node, method, *params)["error"]["code"] == -32602
    assert node.calls == []


def test_a_node_without_a_provers_key_refuses_a_bid() -> None:
    node = Node()
    node.core.prover = None
    told = call(node, "submitEpochProofBid", EPOCH, 0)["error"]
    assert (told["code"], told["data"]) == (4, {"error": "NotAProver"})


def test_a_refusal_by_a_new_name_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise Refused("TooTired", "tomorrow again")

    node = Node()
    monkeypatch.setattr(node, "bid", refuse)
    told = call(node, "submitEpochProofBid", EPOCH, 0)["error"]
    assert told == {"code": OTHER, "message": "TooTired: tomorrow again", "data": {"error": "TooTired"}}


def test_no_two_names_share_a_code() -> None:
    assert len({*CODES.values(), OTHER}) == len(CODES) + 1


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (0, 0),
        (EXACT, EXACT),
        ("0", 0),
        ("0x0", 0),
        ("0xfF", 255),
        (str(2**256 - 1), 2**256 - 1),
        (hex(2**256 - 1), 2**256 - 1),
    ],
)
def test_an_integer_is_a_number_or_a_string(value: object, read: int) -> None:
    assert unsigned(256)(value) == read


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, None, 1.0, float("nan"), float("inf"), -1, EXACT + 1, 2**256, [1], {}, ""),
        *("-1", "+1", "01", "1.0", "1e3", " 1", "1\n", "1_000", "0x", "0X1", "0x-1", "x1", "٣", "²", "9" * 5_000),
        *(str(2**256), hex(2**256)),
    ],
)
def test_nothing_else_is_an_integer(value: object) -> None:
    with pytest.raises(ValueError, match=r"integer|string"):
        unsigned(256)(value)


def test_an_integer_has_its_bits_and_no_more() -> None:
    assert unsigned(32)(2**32 - 1) == 2**32 - 1
    for beyond in (2**32, str(2**32), hex(2**32)):
        with pytest.raises(ValueError, match=r"0 to 2\^32 - 1"):
            unsigned(32)(beyond)


def test_a_proof_has_its_size_and_no_more() -> None:
    assert proof("0x") == b""
    assert len(proof("0x" + "ab" * PROOF_SIZE)) == PROOF_SIZE
    with pytest.raises(ValueError, match="1,048,576 bytes"):
        proof("0x" + "ab" * (PROOF_SIZE + 1))


@pytest.mark.parametrize("value", ["", "ab", "0xa", "0xag", "0xab ", "0Xab", "0xab\n", 0xAB, None, b"\xab", ["0xab"]])
def test_nothing_else_is_a_proof(value: object) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        proof(value)


@pytest.mark.parametrize("number", [0, EXACT, EXACT + 1, 2**256 - 1])
def test_what_is_written_is_read_again(number: int) -> None:
    assert unsigned(256)(json.loads(json.dumps(plain(number)))) == number
