"""Quotes as bytes: strict both ways, and what the ABI, its reference encoder and the contract itself say they are."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS
from coordination.chain.quote import NOBODY, Quote, Signature, SignedQuote, Status
from coordination.chain.signing import recover, sign, signing
from coordination.node.wire import SIZE, Malformed, decode, encode
from tests.contracts.stage import ALICE, KEYS, PARAMETERS, Stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "wire.md"
STRUCT = "(address,uint256,uint32,(uint8,bytes32,bytes32))"
MESSAGE = SignedQuote(Quote(ALICE, 7, 1_000), Signature(27, b"r" * 32, b"s" * 32))
DATA = encode(MESSAGE)
OFFSET = {"prover": 0, "epoch": 32, "basisPointFee": 64, "v": 96, "r": 128, "s": 160}

words = st.binary(min_size=32, max_size=32)
messages = st.builds(
    SignedQuote,
    st.builds(
        Quote,
        st.binary(min_size=20, max_size=20).map(to_checksum_address),
        st.integers(0, 2**256 - 1),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(Signature, st.sampled_from([27, 28]), words, words),
)
thorough = settings(max_examples=500, derandomize=True, deadline=None)


def with_word(name: str, value: int, data: bytes = DATA) -> bytes:
    start = OFFSET[name]
    return data[:start] + value.to_bytes(32, "big") + data[start + 32 :]


def read_or_say(data: bytes) -> SignedQuote | str:
    """The message, or what is wrong with it."""
    try:
        return decode(data)
    except Malformed as error:
        return str(error)


@st.composite
def nearly_messages(draw: st.DrawFn) -> bytes:
    """A message in which a few words are other numbers, small ones and ones just out of range most of all."""
    data = encode(draw(messages))
    edges = st.sampled_from([0, 1, 26, 27, 28, 29, 255, 256, 283, 2**32 - 1, 2**32, 2**160 - 1, 2**160, 2**255])
    for name in draw(st.lists(st.sampled_from(list(OFFSET)), max_size=3)):
        data = with_word(name, draw(st.one_of(edges, st.integers(0, 2**256 - 1))), data)
    return data


@thorough
@given(messages)
def test_what_is_encoded_decodes_to_itself(message: SignedQuote) -> None:
    data = encode(message)
    assert len(data) == SIZE == 192
    assert decode(data) == message


@thorough
@given(messages)
def test_the_encoding_is_that_of_the_abi(message: SignedQuote) -> None:
    assert encode(message) == abi_encode([STRUCT], [message.quote.signed(message.signature)])


@thorough
@given(messages, st.sampled_from(sorted(ROLLUPS)))
def test_the_encoding_is_the_calldata_of_a_claim(message: SignedQuote, version: str) -> None:
    calldata = shipped(ROLLUPS[version]).call("claimProofRight", message.quote.signed(message.signature))
    assert encode(message) == calldata[4:]


@thorough
@given(st.one_of(st.binary(max_size=400), st.binary(min_size=SIZE, max_size=SIZE), nearly_messages()))
def test_any_bytes_are_malformed_or_the_only_encoding_of_a_message(data: bytes) -> None:
    read = read_or_say(data)
    if isinstance(read, str):
        assert "\n" not in read
    else:
        v = data[OFFSET["v"] + 31]
        assert encode(read) == with_word("v", v if v >= 27 else v + 27, data)


@pytest.mark.parametrize(("v", "read"), [(0, 27), (1, 28), (27, 27), (28, 28)])
def test_a_recovery_bit_is_read_as_27_or_28(v: int, read: int) -> None:
    assert decode(with_word("v", v)).signature.v == read


def test_the_prover_is_read_as_a_checksum_address() -> None:
    assert decode(DATA).quote.prover == ALICE != ALICE.lower()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "a signed quote has 192 bytes, not 0"),
        (DATA[:-1], "a signed quote has 192 bytes, not 191"),
        (DATA + b"\0", "a signed quote has 192 bytes, not 193"),
        (with_word("prover", 2**160), f"word 0 (prover) has more than 20 bytes: 0x{2**160:064x}"),
        (with_word("prover", 2**255), f"word 0 (prover) has more than 20 bytes: 0x{2**255:064x}"),
        (with_word("basisPointFee", 2**32), f"word 2 (basisPointFee) has more than 4 bytes: 0x{2**32:064x}"),
        (with_word("v", 2), "word 3 (v) is 0x2, none of 0, 1, 27 and 28"),
        (with_word("v", 29), "word 3 (v) is 0x1d, none of 0, 1, 27 and 28"),
        (with_word("v", 256 + 27), "word 3 (v) is 0x11b, none of 0, 1, 27 and 28"),
    ],
)
def test_what_is_malformed_is_said_in_one_line_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=f"^{re.escape(said)}$"):
        decode(data)


@pytest.mark.parametrize("wrong", [{"epoch": 2**256}, {"epoch": -1}, {"basis_point_fee": 2**32}])
def test_what_the_struct_cannot_hold_has_no_encoding(wrong: dict[str, int]) -> None:
    with pytest.raises(OverflowError):
        encode(MESSAGE._replace(quote=MESSAGE.quote._replace(**wrong)))


def test_the_documented_example_is_what_alice_makes() -> None:
    [example] = re.findall(r"^```text\n((?:[0-9a-f]{64}\n){6})```$", DOCUMENT.read_text(), re.MULTILINE)
    message = decode(bytes.fromhex(example))
    alice, design = development_key("alice"), signing("0.1.0", 1, NOBODY)
    assert message.quote == Quote(address_of(alice), 7, 1_000)
    assert message.signature == sign(alice, design.make_digest(message.quote))
    assert recover(design.make_digest(message.quote), message.signature) == address_of(alice)
    assert f"`{address_of(alice)}`" in DOCUMENT.read_text()
    assert encode(message).hex() == example.replace("\n", "")


needs_evm = pytest.mark.skipif(sys.version_info >= (3, 13), reason="there is no wheel of pyrevm for this Python")


@cache
def stage(version: str) -> Stage:
    """A rollup in slot 4, the first in which epoch 0 can be claimed; bob proposes."""
    there = Stage(version)
    there.at(PARAMETERS.slots_per_epoch)
    return there


def claim_by_bytes(there: Stage, data: bytes) -> bytes:
    return there.contract.call("claimProofRight", MESSAGE.quote.signed(MESSAGE.signature))[:4] + data


@needs_evm
@pytest.mark.parametrize("version", ROLLUPS)
def test_the_contract_stores_what_a_message_says(version: str) -> None:
    there = Stage(version)
    there.at(PARAMETERS.slots_per_epoch)
    quote = Quote(ALICE, 0, 2_500)
    taken = SignedQuote(quote, sign(KEYS["bob"], there.signing.take_digest(quote, there.slot)))
    assert there.send(ALICE, claim_by_bytes(there, encode(taken))).succeeded
    prover, fee, status, proposer, slot = there.ask("claimOf", 0)
    assert Quote(to_checksum_address(prover), 0, fee) == decode(encode(taken)).quote
    assert (status, to_checksum_address(proposer), slot) == (Status.CLAIMED, address_of(KEYS["bob"]), there.slot)


@needs_evm
@pytest.mark.parametrize("version", ROLLUPS)
@thorough
@given(data=st.one_of(st.binary(min_size=SIZE, max_size=SIZE), nearly_messages()))
def test_the_contract_reads_what_a_node_reads_and_any_other_v(version: str, data: bytes) -> None:
    answer = stage(version).send(ALICE, claim_by_bytes(stage(version), data))
    assert not answer.succeeded
    is_read = answer.output != b""  # a named error: all of the struct was read
    v = int.from_bytes(data[OFFSET["v"] : OFFSET["v"] + 32], "big")
    read = read_or_say(data)
    assert is_read is (isinstance(read, SignedQuote) or ("(v)" in read and v < 256))
