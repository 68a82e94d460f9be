"""What make and take sign, and who signed it: held against eth-account, the letter of EIP-712, and the contract."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import pytest
from eth_abi.exceptions import EncodingError
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.constants import SECPK1_N
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.chain import Answer
from coordination.chain.deployment import ROLLUPS, Parameters, deploy_development
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address, Quote, Signature
from coordination.chain.signing import HALF_ORDER, Signing, recover, sign, signing

BOB = development_key("bob")
ALICE = address_of(development_key("alice"))
CHAIN, ROLLUP = 31_337, address_of(development_key("a rollup"))
QUOTE, SLOT = Quote(ALICE, 7, 2_500), 240
HARDENED = signing("0.2.0", CHAIN, ROLLUP)
DIGEST = HARDENED.take_digest(QUOTE, SLOT)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def typed(kind: str, **fields: str) -> dict[str, object]:
    """The JSON of `eth_signTypedData_v4` for a make or a take in design 0.2.0."""
    domain = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
    values = {"prover": QUOTE.prover, "epoch": QUOTE.epoch, "basisPointFee": QUOTE.basis_point_fee, "slot": SLOT}
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": of} for name, of in domain.items()],
            kind: [{"name": name, "type": of} for name, of in fields.items()],
        },
        "primaryType": kind,
        "domain": {"name": "ProverCoordination", "version": "0.2.0", "chainId": CHAIN, "verifyingContract": ROLLUP},
        "message": {name: values[name] for name in fields},
    }


OFFER = {"prover": "address", "epoch": "uint256", "basisPointFee": "uint32"}


def test_the_seed_signs_three_words_and_nothing_else() -> None:
    seed = signing("0.1.0", CHAIN, ROLLUP)
    words = bytes(12) + bytes.fromhex(ALICE[2:]) + word(QUOTE.epoch) + word(QUOTE.basis_point_fee)
    assert seed.make_digest(QUOTE) == seed.take_digest(QUOTE, SLOT) == keccak(words)


def test_the_seeds_digest_names_neither_rollup_nor_chain_nor_slot() -> None:
    here, there = signing("0.1.0", CHAIN, ROLLUP), signing("0.1.0", 1, ALICE)
    assert here.take_digest(QUOTE, SLOT) == there.take_digest(QUOTE, SLOT + 1)


def test_the_hardened_take_is_eip_712_to_the_letter() -> None:
    domain_type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    domain = keccak(text=domain_type) + keccak(text="ProverCoordination") + keccak(text="0.2.0")
    domain += word(CHAIN) + word(int(ROLLUP, 16))
    take = keccak(text="Take(address prover,uint256 epoch,uint32 basisPointFee,uint256 slot)")
    take += word(int(ALICE, 16)) + word(QUOTE.epoch) + word(QUOTE.basis_point_fee) + word(SLOT)
    assert keccak(b"\x19\x01" + keccak(domain) + keccak(take)) == DIGEST


@pytest.mark.parametrize(
    ("kind", "fields", "digest"),
    [("Make", OFFER, HARDENED.make_digest(QUOTE)), ("Take", {**OFFER, "slot": "uint256"}, DIGEST)],
)
def test_a_wallet_signs_the_same(kind: str, fields: dict[str, str], digest: bytes) -> None:
    data = typed(kind, **fields)
    signed = Account.sign_typed_data(BOB.to_bytes(), full_message=data)
    signature = Signature(signed.v, word(signed.r), word(signed.s))
    assert signature == sign(BOB, digest)
    assert recover(digest, signature) == address_of(BOB)
    assert Account.recover_message(encode_typed_data(full_message=data), vrs=signature) == address_of(BOB)


@pytest.mark.parametrize(
    "other",
    [
        signing("0.2.0", CHAIN + 1, ROLLUP).take_digest(QUOTE, SLOT),
        signing("0.2.0", CHAIN, ALICE).take_digest(QUOTE, SLOT),
        HARDENED.take_digest(QUOTE, SLOT + 1),
        HARDENED.take_digest(QUOTE._replace(prover=ROLLUP), SLOT),
        HARDENED.take_digest(QUOTE._replace(epoch=8), SLOT),
        HARDENED.take_digest(QUOTE._replace(basis_point_fee=0), SLOT),
        HARDENED.make_digest(QUOTE),
    ],
    ids=["chain", "rollup", "slot", "prover", "epoch", "fee", "role"],
)
def test_a_hardened_signature_for_another_one_is_not_the_signers(other: bytes) -> None:
    assert recover(DIGEST, sign(BOB, other)) != address_of(BOB)


@pytest.mark.parametrize("design", [signing("0.1.0", CHAIN, ROLLUP), HARDENED], ids=["0.1.0", "0.2.0"])
@pytest.mark.parametrize("wrong", [{"epoch": 2**256}, {"epoch": -1}, {"basis_point_fee": 2**32}, {"prover": "0x12"}])
def test_what_solidity_cannot_hold_has_no_digest(design: Signing, wrong: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        design.make_digest(QUOTE._replace(**wrong))


def test_there_are_two_designs() -> None:
    with pytest.raises(ValueError, match=r"no design '0\.3\.0'; there are 0\.1\.0 and 0\.2\.0"):
        signing("0.3.0", CHAIN, ROLLUP)


def test_eth_account_recovers_what_is_signed_and_the_bytes_are_always_the_same() -> None:
    for seed in range(50):
        digest = keccak(word(seed))
        signature = sign(BOB, digest)
        by_wallet = Account.unsafe_sign_hash(digest, BOB.to_bytes())
        assert signature == (by_wallet.v, word(by_wallet.r), word(by_wallet.s))
        assert recover(digest, signature) == address_of(BOB)
        assert int.from_bytes(signature.s, "big") <= HALF_ORDER


GOOD = sign(BOB, DIGEST)
NEGATED = word(SECPK1_N - int.from_bytes(GOOD.s, "big"))


@pytest.mark.parametrize(
    "signature",
    [
        Signature(55 - GOOD.v, GOOD.r, NEGATED),
        GOOD._replace(v=GOOD.v - 27),
        GOOD._replace(v=29),
        GOOD._replace(r=bytes(32)),
        GOOD._replace(s=bytes(32)),
        GOOD._replace(r=word(SECPK1_N)),
        GOOD._replace(r=b"\xff" * 32),
        GOOD._replace(r=word(5)),
        Signature(0, bytes(32), bytes(32)),
    ],
    ids=["high s", "v of 0 or 1", "v of 29", "r of 0", "s of 0", "r of the order", "r of 256 ones", "no point", "none"],
)
def test_a_malformed_signature_is_nobodys(signature: Signature) -> None:
    assert recover(DIGEST, GOOD) == address_of(BOB)
    assert recover(DIGEST, signature) is None


needs_evm = pytest.mark.skipif(sys.version_info >= (3, 13), reason="there is no wheel of pyrevm for this Python")
thorough = settings(max_examples=400, derandomize=True, deadline=None)

PARAMETERS = Parameters(
    genesis_time=0, slot_duration=12, slots_per_epoch=4, claim_slots=2, proof_slots=2, bond=1, reward_per_epoch=1
)
# Creation code of a schedule that says what it was told last: 32 bytes set it, anything else asks.
SCHEDULE = bytes.fromhex("6015 80 6009 5f 39 5f f3   36 6020 14 600f 57 5f 54 5f 52 6020 5f f3 5b 5f 35 5f 55 00")
ECRECOVER = to_checksum_address(word(1)[12:])


class Scene:
    """A rollup in slot 4, the first in which epoch 0 can be claimed, on a schedule that can be set."""

    def __init__(self, version: str) -> None:
        self.evm, self.contract = Evm(), shipped(ROLLUPS[version])
        self.evm.at(PARAMETERS.timestamp(4))
        self.there = deploy_development(
            self.evm.deploy,
            version=version,
            chain_id=self.evm.chain_id,
            parameters=PARAMETERS,
            token=shipped("TestToken").creation([], []),
            schedule=SCHEDULE,
        )
        self.signing = signing(version, self.evm.chain_id, self.there.rollup)

    def call(self, to: Address, data: bytes) -> Answer:
        return self.evm.call(ALICE, to, data)

    def digest(self, function: str, *arguments: object) -> bytes:
        return self.call(self.there.rollup, self.contract.call(function, *arguments)).output

    def claim(self, quote: Quote, signature: Signature, proposer: Address) -> Answer:
        """A claim by Alice while `proposer` proposes."""
        self.call(self.there.schedule, word(int(proposer, 16)))
        return self.call(self.there.rollup, self.contract.call("claimProofRight", quote.signed(signature)))


scene = cache(Scene)
words = st.integers(0, 2**256 - 1)
quotes = st.builds(
    Quote, st.binary(min_size=20, max_size=20).map(to_checksum_address), words, st.integers(0, 2**32 - 1)
)


@needs_evm
@pytest.mark.parametrize("version", ROLLUPS)
@thorough
@given(quote=quotes, slot=words)
def test_the_contract_has_the_same_digests(version: str, quote: Quote, slot: int) -> None:
    there = scene(version)
    assert there.digest("makeDigest", *quote) == there.signing.make_digest(quote)
    assert there.digest("takeDigest", *quote, slot) == there.signing.take_digest(quote, slot)


CLAIM = Quote(ALICE, 0, 2_500)
numbers = st.one_of(st.sampled_from([0, 1, HALF_ORDER, HALF_ORDER + 1, SECPK1_N - 1, SECPK1_N, 2**256 - 1]), words)


@needs_evm
@pytest.mark.parametrize("version", ROLLUPS)
@thorough
@given(v=st.one_of(st.sampled_from([27, 28]), st.integers(0, 255)), r=numbers, s=numbers)
def test_any_bytes_are_the_same_accounts_signature_to_the_contract(version: str, v: int, r: int, s: int) -> None:
    assert_same_signer(scene(version), Signature(v, word(r), word(s)))


@needs_evm
@pytest.mark.parametrize("version", ROLLUPS)
@thorough
@given(secret=st.integers(1, SECPK1_N - 1), change=st.sampled_from(["none", "v", "upper half", "no offset", "r", "s"]))
def test_a_signature_and_what_is_made_of_it_are_the_same_accounts_to_the_contract(
    version: str, secret: int, change: str
) -> None:
    there = scene(version)
    v, r, s = sign(PrivateKey(word(secret)), there.signing.take_digest(CLAIM, 4))
    negated = word(SECPK1_N - int.from_bytes(s, "big"))
    changed = {
        "none": Signature(v, r, s),
        "v": Signature(55 - v, r, s),
        "upper half": Signature(55 - v, r, negated),
        "no offset": Signature(v - 27, r, s),
        "r": Signature(v, s, s),
        "s": Signature(v, r, r),
    }
    assert_same_signer(there, changed[change])


def assert_same_signer(there: Scene, signature: Signature) -> None:
    """The contract and `recover` agree on who signed, or that nobody did. Whoever the EVM itself recovers proposes."""
    digest = there.signing.take_digest(CLAIM, 4)
    raw = there.call(ECRECOVER, digest + word(signature.v) + signature.r + signature.s).output
    proposer = to_checksum_address(raw[12:]) if raw else NOBODY
    signer = recover(digest, signature)
    assert signer in (proposer, None)
    accepted = there.contract.error("BondNotTransferred", ALICE, PARAMETERS.bond)  # the last check: Alice has no TST
    refused = there.contract.error("InvalidProposerSignature", 4, proposer)
    assert there.claim(CLAIM, signature, proposer).output == (accepted if signer else refused)
