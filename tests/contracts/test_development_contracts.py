"""What stands around the rollup in development: schedules, the verifier and the token do what they say."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from coordination.chain.artifacts import shipped
from coordination.chain.deployment import find_proof
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address
from tests.contracts.stage import ALICE, BOB, MALLORY, UNLIMITED, ask

SEED = keccak(text="a seed")
SLOTS = (0, 1, 2, 31, 2**64, UNLIMITED)


def proposers(evm: Evm, name: str, schedule: Address) -> list[Address]:
    return [to_checksum_address(ask(evm, shipped(name), schedule, "proposerOf", slot)) for slot in SLOTS]


# Schedules


def test_a_fixed_schedule_names_who_it_was_given_and_nobody_after_them(evm: Evm) -> None:
    schedule = evm.deploy(shipped("FixedSchedule").creation([ALICE, NOBODY, BOB]))
    assert proposers(evm, "FixedSchedule", schedule) == [ALICE, NOBODY, BOB, NOBODY, NOBODY, NOBODY]


def test_a_fixed_schedule_of_nobody_names_nobody(evm: Evm) -> None:
    schedule = evm.deploy(shipped("FixedSchedule").creation([]))
    assert proposers(evm, "FixedSchedule", schedule) == [NOBODY] * len(SLOTS)


def test_a_validator_set_draws_each_slots_proposer_by_hash(evm: Evm) -> None:
    validators = [ALICE, BOB, MALLORY]
    schedule = evm.deploy(shipped("ValidatorSet").creation(SEED, validators))
    draws = [int.from_bytes(keccak(encode(["bytes32", "uint256"], [SEED, slot])), "big") % 3 for slot in SLOTS]
    assert proposers(evm, "ValidatorSet", schedule) == [validators[draw] for draw in draws]
    assert set(draws) == {0, 1, 2}


def test_a_validator_set_tells_its_seed_and_its_validators(evm: Evm) -> None:
    contract = shipped("ValidatorSet")
    schedule = evm.deploy(contract.creation(SEED, [ALICE, BOB]))
    assert ask(evm, contract, schedule, "seed") == SEED
    assert ask(evm, contract, schedule, "validators") == (ALICE.lower(), BOB.lower())


def test_a_validator_set_without_validators_names_nobody(evm: Evm) -> None:
    schedule = evm.deploy(shipped("ValidatorSet").creation(SEED, []))
    assert proposers(evm, "ValidatorSet", schedule) == [NOBODY] * len(SLOTS)


# The verifier


def verdict(evm: Evm, verifier: Address, epoch: int, proof: bytes) -> bool:
    return bool(ask(evm, shipped("WorkVerifier"), verifier, "verify", epoch, proof))


@pytest.mark.parametrize("difficulty", [0, 1, 4, 255])
def test_a_proof_is_a_hash_with_so_many_zero_bits_in_front(evm: Evm, difficulty: int) -> None:
    verifier = evm.deploy(shipped("WorkVerifier").creation(difficulty))
    for epoch in (0, 1, UNLIMITED):
        for nonce in range(32):
            proof = nonce.to_bytes(32, "big")
            bits = f"{int.from_bytes(keccak(epoch.to_bytes(32, 'big') + proof), 'big'):0256b}"
            assert verdict(evm, verifier, epoch, proof) == bits.startswith("0" * difficulty)


@pytest.mark.parametrize("difficulty", [0, 8, 255])
@pytest.mark.parametrize("length", [0, 1, 31, 33, 64, 4_096])
def test_what_has_not_32_bytes_is_no_proof_and_no_error(evm: Evm, difficulty: int, length: int) -> None:
    verifier = evm.deploy(shipped("WorkVerifier").creation(difficulty))
    proof = (find_proof(0) + bytes(length))[:length]
    assert verdict(evm, verifier, 0, proof) is False


def test_a_proof_of_one_epoch_is_none_of_the_next(evm: Evm) -> None:
    verifier = evm.deploy(shipped("WorkVerifier").creation(16))
    proof = find_proof(7, 16)
    assert [verdict(evm, verifier, epoch, proof) for epoch in (6, 7, 8)] == [False, True, False]


def test_a_verifier_asks_for_255_bits_at_most(evm: Evm) -> None:
    contract = shipped("WorkVerifier")
    for difficulty in (256, UNLIMITED):
        with pytest.raises(RuntimeError, match=b"at most 255 bits".hex()):
            evm.deploy(contract.creation(difficulty))
    assert ask(evm, contract, evm.deploy(contract.creation(255)), "difficulty") == 255


# The token


def test_the_token_is_minted_once_to_whom_it_names(evm: Evm) -> None:
    contract = shipped("TestToken")
    token = evm.deploy(contract.creation([ALICE, BOB, ALICE], [1, 2, 3]))
    assert [ask(evm, contract, token, "balanceOf", holder) for holder in (ALICE, BOB, MALLORY)] == [4, 2, 0]
    assert ask(evm, contract, token, "totalSupply") == 6
    assert [ask(evm, contract, token, view) for view in ("name", "symbol", "decimals")] == ["Test Token", "TST", 18]
    assert not {entry["name"] for entry in contract.abi if "name" in entry} & {"mint", "burn"}


def test_the_token_asks_for_one_amount_for_each_holder(evm: Evm) -> None:
    for amounts in ([], [1, 2]):
        with pytest.raises(RuntimeError, match=b"one amount for each holder".hex()):
            evm.deploy(shipped("TestToken").creation([ALICE], amounts))
