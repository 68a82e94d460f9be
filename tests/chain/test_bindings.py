"""The typed bindings tell what the contract tells, send what it takes, and name what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import ContractCustomError
from web3.types import TxParams

from coordination.chain.abi import Entry
from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS, Deployment, Parameters, deploy_development, find_proof
from coordination.chain.quote import NOBODY, Quote, Status
from coordination.chain.rollup import (
    Claim,
    EpochProven,
    EpochPruned,
    Event,
    ProofRightClaimed,
    Rejection,
    RewardsFunded,
    Rollup,
    decode_error,
)
from coordination.chain.rpc import Mined, RpcChain
from coordination.chain.signing import sign, signing

KEYS = {name: development_key(name) for name in ("alice", "bob")}
ALICE, BOB = map(address_of, KEYS.values())
QUOTE = Quote(ALICE, 0, 2_500)
FORTUNE = 10_000
PARAMETERS = Parameters(
    genesis_time=1_000,
    slot_duration=12,
    slots_per_epoch=5,
    claim_slots=2,
    proof_slots=3,
    bond=700,
    reward_per_epoch=301,
)


class Town:
    """A rollup on anvil: alice proves and owns all TST, bob proposes until slot 8, and nobody after it."""

    def __init__(self, url: str, version: str) -> None:
        self.chain = RpcChain(url, {address_of(key): key for key in KEYS.values()})
        self.chain.at(PARAMETERS.genesis_time - 1)
        token = shipped("TestToken")
        self.there: Deployment = deploy_development(
            self.chain.deploy,
            version=version,
            chain_id=self.chain.chain_id,
            parameters=PARAMETERS,
            token=token.creation([ALICE], [FORTUNE]),
            schedule=shipped("FixedSchedule").creation([BOB] * 9),
        )
        self.chain.call(ALICE, self.there.token, token.call("approve", self.there.rollup, FORTUNE))
        self.rollup = Rollup(self.chain.web3, self.there.rollup)
        self.signing = signing(version, self.chain.chain_id, self.there.rollup)

    def at(self, slot: int) -> None:
        self.chain.at(PARAMETERS.timestamp(slot))

    def claim(self, quote: Quote, slot: int) -> TxParams:
        return self.rollup.claim_proof_right(quote, sign(KEYS["bob"], self.signing.take_digest(quote, slot)))

    def send(self, transaction: TxParams) -> Mined:
        return self.chain.send(ALICE, to_checksum_address(transaction["to"]), HexBytes(transaction["data"]))

    def events(self, transaction: TxParams) -> list[Event]:
        mined = self.send(transaction)
        assert mined.answer.succeeded, decode_error(mined.answer.output)
        receipt = self.chain.web3.eth.get_transaction_receipt(HexBytes(mined.transaction))
        return list(self.rollup.events(receipt["logs"]))

    def refused(self, transaction: TxParams) -> Rejection | None:
        answer = self.send(transaction).answer
        assert not answer.succeeded
        return decode_error(answer.output)


@pytest.fixture
def town(url: str, version: str) -> Town:
    return Town(url, version)


def test_what_never_changes_is_what_was_deployed(town: Town) -> None:
    rollup, there = town.rollup, town.there
    assert rollup.version() == there.version
    assert rollup.parameters() == PARAMETERS
    assert (rollup.token(), rollup.schedule(), rollup.verifier()) == (there.token, there.schedule, there.verifier)


def test_digests_are_those_that_python_signs(town: Town) -> None:
    assert town.rollup.make_digest(QUOTE) == town.signing.make_digest(QUOTE)
    assert town.rollup.take_digest(QUOTE, 6) == town.signing.take_digest(QUOTE, 6)


def test_views_follow_the_clock(town: Town) -> None:
    rollup = town.rollup

    def told() -> tuple[int, int, bool, str, bool]:
        clock = rollup.current_slot(), rollup.current_epoch(), rollup.is_in_claim_phase()
        return *clock, rollup.current_proposer(), rollup.is_prunable(0)

    assert told() == (0, 0, True, BOB, False)  # before genesis
    town.at(6)
    assert told() == (6, 1, True, BOB, False)
    town.at(7)
    assert told() == (7, 1, False, BOB, True)
    town.at(12)
    assert told() == (12, 2, False, NOBODY, True)


def test_a_claim_and_its_proof_are_told_as_they_happen(town: Town) -> None:
    rollup = town.rollup
    assert rollup.claim_of(0) == Claim(NOBODY, 0, Status.OPEN, NOBODY, 0)
    assert town.events(rollup.fund_rewards(1_000)) == [RewardsFunded(ALICE, 1_000)]
    assert rollup.reward_pool() == 1_000
    town.at(5)
    assert town.events(town.claim(QUOTE, 5)) == [ProofRightClaimed(0, ALICE, BOB, 2_500)]
    assert rollup.claim_of(0) == Claim(ALICE, 2_500, Status.CLAIMED, BOB, 5)
    assert town.events(rollup.submit_epoch_proof(0, find_proof(0))) == [EpochProven(0, 75, 226)]
    assert rollup.claim_of(0).status is Status.PROVEN
    assert rollup.reward_pool() == 1_000 - 301


def test_a_slashed_bond_is_told(town: Town) -> None:
    town.at(5)
    town.events(town.claim(QUOTE, 5))
    assert not town.rollup.is_prunable(0)
    town.at(8)
    assert town.events(town.rollup.prune(0)) == [EpochPruned(0, 700)]
    assert town.rollup.claim_of(0) == Claim(ALICE, 2_500, Status.PRUNED, BOB, 5)
    assert town.rollup.reward_pool() == 700


def test_events_of_others_are_passed_over(town: Town) -> None:
    other = Town(town.chain.url, town.there.version)
    mined = other.send(other.rollup.fund_rewards(1))
    receipt = town.chain.web3.eth.get_transaction_receipt(HexBytes(mined.transaction))
    assert len(receipt["logs"]) == 2  # the token's transfer, and what the other rollup says
    assert list(town.rollup.events(receipt["logs"])) == []
    assert list(other.rollup.events(receipt["logs"])) == [RewardsFunded(ALICE, 1)]


def test_what_is_refused_is_named_with_its_arguments(town: Town) -> None:
    rollup = town.rollup
    assert town.refused(rollup.prune(3)) == Rejection("NothingToPrune", {"epoch": 3, "slot": 0})
    assert town.refused(town.claim(QUOTE, 0)) == Rejection("NotPreviousEpoch", {"epoch": 0, "slot": 0})
    unsigned = rollup.claim_proof_right(QUOTE, sign(KEYS["alice"], bytes(32)))
    assert town.refused(unsigned) == Rejection("InvalidProposerSignature", {"slot": 0, "proposer": BOB})
    too_much = {"spender": rollup.address, "allowance": FORTUNE, "needed": FORTUNE + 1}
    assert town.refused(rollup.fund_rewards(FORTUNE + 1)) == Rejection("ERC20InsufficientAllowance", too_much)


def test_what_web3_raises_is_named_too(town: Town) -> None:
    with pytest.raises(ContractCustomError) as raised:
        town.chain.web3.eth.call({**town.rollup.prune(3), "from": ALICE})
    assert decode_error(HexBytes(str(raised.value.data))) == Rejection("NothingToPrune", {"epoch": 3, "slot": 0})


@pytest.mark.parametrize("name", sorted(ROLLUPS.values()))
def test_every_error_of_a_contract_is_known(name: str) -> None:
    errors = [Entry.of(each) for each in shipped(name).abi if each["type"] == "error"]
    assert len(errors) > 12
    for error in errors:
        zeros: Mapping[str, Any] = {"address": NOBODY, "string": ""}
        decoded = decode_error(error.encode(*(zeros.get(kind, 0) for kind in error.types)))
        assert decoded is not None
        assert (decoded.name, tuple(decoded.arguments)) == (error.name, error.parameters)


def test_soliditys_own_errors_are_known() -> None:
    two, text = (2).to_bytes(32, "big"), b"no".ljust(32, b"\0")
    message = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + two + text
    assert decode_error(message) == Rejection("Error", {"message": "no"})
    assert decode_error(bytes.fromhex("4e487b71") + two) == Rejection("Panic", {"code": 2})


@pytest.mark.parametrize("data", ["", "12", "deadbeef", "4e487b71", "4e487b7100"])
def test_what_is_no_error_is_none(data: str) -> None:
    assert decode_error(bytes.fromhex(data)) is None
