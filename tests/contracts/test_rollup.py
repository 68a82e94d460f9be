"""The rollup contract where small instances do not reach: at the edges of its types, and before its first slot."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from eth_utils.address import to_checksum_address

from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS, find_proof
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Quote, Signature, Status
from coordination.chain.signing import sign
from tests.contracts.stage import ALICE, BOB, FORTUNE, KEYS, MALLORY, PARAMETERS, PROPOSERS, UNLIMITED, Stage, ask

BOND = PARAMETERS.bond
EDGES = (2**256 - 1, 2**256 - 2, 2**255, 2**254, 2**96)  # epochs whose first slot, or even number, fits no type
ELSEWHERE = to_checksum_address("0x" + "ee" * 20)  # an address without code


def claimed(stage: Stage, fee: int = 2_500) -> Stage:
    """Alice has claimed epoch 0, and can prove it."""
    stage.at(4)
    assert stage.claim(fee=fee).succeeded
    return stage


# Deployment


@pytest.mark.parametrize(
    ("slot_duration", "slots_per_epoch", "claim_slots", "proof_slots"),
    [
        pytest.param(0, 4, 2, 2, id="a slot takes no time"),
        pytest.param(12, 4, 0, 2, id="no claim phase"),
        pytest.param(12, 4, 2, 0, id="no proof phase"),
        pytest.param(12, 0, 0, 0, id="no slots at all"),
        pytest.param(12, 4, 2, 3, id="the proof phase is too long by one"),
        pytest.param(12, 4, 5, 1, id="the claim phase is longer than an epoch"),
        pytest.param(12, 4, UNLIMITED, 5, id="C + P overflows to E"),
        pytest.param(12, 4, 5, UNLIMITED, id="P + C overflows to E"),
        pytest.param(12, UNLIMITED, UNLIMITED, UNLIMITED, id="all of them at the end"),
        pytest.param(12, UNLIMITED, UNLIMITED, 1, id="no room for the proof phase, at the end"),
    ],
)
def test_durations_that_do_not_fit_are_not_deployed(
    version: str, slot_duration: int, slots_per_epoch: int, claim_slots: int, proof_slots: int
) -> None:
    contract = shipped(ROLLUPS[version])
    durations = (slot_duration, slots_per_epoch, claim_slots, proof_slots)
    code = contract.creation((NOBODY, NOBODY, NOBODY, 0, *durations, 0, 0))
    with pytest.raises(RuntimeError, match=contract.error("InvalidDurations", *durations).hex()):
        Evm().deploy(code)


@pytest.mark.parametrize(
    ("slot_duration", "slots_per_epoch", "claim_slots", "proof_slots"),
    [(1, 2, 1, 1), (UNLIMITED, 2, 1, 1), (12, UNLIMITED, 1, UNLIMITED - 1), (12, UNLIMITED, UNLIMITED - 1, 1)],
)
def test_durations_that_just_fit_are_deployed(
    version: str, slot_duration: int, slots_per_epoch: int, claim_slots: int, proof_slots: int
) -> None:
    evm, contract = Evm(), shipped(ROLLUPS[version])
    durations = (slot_duration, slots_per_epoch, claim_slots, proof_slots)
    rollup = evm.deploy(contract.creation((NOBODY, NOBODY, NOBODY, 0, *durations, 0, 0)))
    views = ("slotDuration", "slotsPerEpoch", "claimSlots", "proofSlots")
    assert tuple(ask(evm, contract, rollup, view) for view in views) == durations


def test_the_constants_are_what_it_was_deployed_with(stage: Stage) -> None:
    views = ("genesisTime", "slotDuration", "slotsPerEpoch", "claimSlots", "proofSlots", "bond", "rewardPerEpoch")
    assert tuple(map(stage.ask, views)) == astuple(PARAMETERS)
    around = stage.deployment
    contracts = (around.token, around.schedule, around.verifier)
    assert tuple(to_checksum_address(stage.ask(view)) for view in ("token", "schedule", "verifier")) == contracts
    assert stage.ask("version") == stage.version


@pytest.mark.parametrize("epoch", [0, 7, *EDGES])
def test_the_digests_are_what_nodes_sign(stage: Stage, epoch: int) -> None:
    quote = Quote(ALICE, epoch, 2**32 - 1)
    assert stage.ask("makeDigest", *quote) == stage.signing.make_digest(quote)
    assert stage.ask("takeDigest", *quote, 2**256 - 1) == stage.signing.take_digest(quote, 2**256 - 1)


# Time


@pytest.mark.parametrize("genesis", [1_000, 2**64, UNLIMITED])
def test_before_genesis_is_slot_0(version: str, genesis: int) -> None:
    stage = Stage(version, parameters=replace(PARAMETERS, genesis_time=genesis))
    for moment in (1, 500, 999):
        stage.evm.at(moment)
        assert (stage.ask("currentSlot"), stage.ask("currentEpoch")) == (0, 0)
        assert stage.ask("isInClaimPhase")
        assert stage.claim() == stage.rejected("NotPreviousEpoch", 0, 0)
        assert stage.submit() == stage.rejected("EpochNotClaimed", 0)
        assert stage.prune() == stage.rejected("NothingToPrune", 0, 0)


def test_a_slot_begins_on_its_first_second(stage: Stage) -> None:
    genesis, duration = PARAMETERS.genesis_time, PARAMETERS.slot_duration
    moments = {0: 0, duration - 1: 0, duration: 1, 2 * duration - 1: 1, 8 * duration: 8}
    for seconds, slot in moments.items():
        stage.evm.at(genesis + seconds)
        assert stage.ask("currentSlot") == slot
    assert stage.ask("currentEpoch") == 2


def test_in_epoch_0_there_is_no_epoch_to_claim(stage: Stage) -> None:
    for epoch in (0, 1, UNLIMITED):
        assert stage.claim(epoch=epoch) == stage.rejected("NotPreviousEpoch", epoch, 0)


def test_the_last_second_that_a_clock_can_tell_is_a_slot_like_others(version: str) -> None:
    """Of 64 bits: more, no client gives a block."""
    late = replace(PARAMETERS, genesis_time=0, slot_duration=1, slots_per_epoch=2, claim_slots=1, proof_slots=1)
    stage = Stage(version, parameters=late)
    slot = 2**64 - 2
    stage.at(slot)
    take = sign(KEYS["bob"], stage.signing.take_digest(Quote(ALICE, slot // 2 - 1, 0), slot))
    assert stage.claim(slot // 2 - 1, 0, take) == stage.rejected("InvalidProposerSignature", slot, NOBODY)
    assert stage.prune(slot // 2 - 2).succeeded
    assert stage.prune(slot // 2 - 1) == stage.rejected("NothingToPrune", slot // 2 - 1, slot)


# Epochs near 2^256


@pytest.mark.parametrize("slot", [0, 4, 29])
@pytest.mark.parametrize("epoch", EDGES)
def test_an_epoch_near_the_end_of_its_type_gets_its_named_error(stage: Stage, epoch: int, slot: int) -> None:
    stage.at(slot)
    with stage.unchanged():
        assert stage.claim(epoch=epoch) == stage.rejected("NotPreviousEpoch", epoch, slot)
        assert stage.submit(epoch=epoch) == stage.rejected("EpochNotClaimed", epoch)
        assert stage.prune(epoch=epoch) == stage.rejected("NothingToPrune", epoch, slot)
    assert stage.ask("isPrunable", epoch) is False
    assert stage.ask("claimOf", epoch) == (NOBODY, 0, Status.OPEN, NOBODY, 0)


# Claims


@pytest.mark.parametrize("fee", [10_001, 20_000, 2**32 - 1])
def test_a_fee_above_the_whole_reward_is_rejected(stage: Stage, fee: int) -> None:
    stage.at(4)
    with stage.unchanged():
        assert stage.claim(fee=fee) == stage.rejected("InvalidBasisPointFee", fee)


def test_nothing_can_be_claimed_in_a_slot_without_a_proposer(stage: Stage) -> None:
    """Not even with a signature that recovers to the zero address, as the EVM says of nonsense."""
    slot = PROPOSERS.index(NOBODY) + 2
    stage.at(slot)
    take = sign(KEYS["bob"], stage.signing.take_digest(Quote(ALICE, slot // 4 - 1, 0), slot))
    nonsense = Signature(27, bytes(32), bytes(32))
    assert stage.ask("currentProposer") == NOBODY
    with stage.unchanged():
        for signature in (take, nonsense, Signature(0, take.r, take.s)):
            claim = stage.claim(slot // 4 - 1, 0, signature)
            assert claim == stage.rejected("InvalidProposerSignature", slot, NOBODY)


@pytest.mark.parametrize("allowance", [0, BOND - 1])
def test_a_bond_that_is_not_allowed_for_is_not_transferred(stage: Stage, allowance: int) -> None:
    stage.at(4)
    stage.approve(ALICE, allowance)
    with stage.unchanged():
        assert stage.claim() == stage.rejected("BondNotTransferred", ALICE, BOND)


def test_a_bond_that_is_just_allowed_for_is_transferred(stage: Stage) -> None:
    stage.approve(ALICE, BOND)
    claimed(stage)
    assert stage.ask_token("allowance", ALICE, stage.rollup) == 0


def test_a_bond_that_is_not_owned_is_not_transferred(version: str) -> None:
    stage = Stage(version, fortune={ALICE: BOND - 1})
    stage.at(4)
    with stage.unchanged():
        assert stage.claim() == stage.rejected("BondNotTransferred", ALICE, BOND)


def test_a_bond_of_nothing_asks_for_no_token(version: str) -> None:
    stage = Stage(version, parameters=replace(PARAMETERS, bond=0), fortune={MALLORY: 1})
    claimed(stage)
    assert stage.submit().succeeded


# Rewards


@pytest.mark.parametrize("fee", [0, 1, 3_333, 9_999, 10_000])
@pytest.mark.parametrize("pool", [UNLIMITED - BOND, 2**255 + 12_345, 10_001, 1, 0])
def test_a_reward_without_limit_is_paid_exactly(version: str, fee: int, pool: int) -> None:
    """The product of reward and fee needs more than 256 bits; the division is that of integers."""
    parameters = replace(PARAMETERS, reward_per_epoch=UNLIMITED)
    stage = Stage(version, parameters=parameters, fortune={ALICE: BOND, MALLORY: pool})
    assert stage.fund(pool).succeeded
    claimed(stage, fee)
    assert stage.submit().succeeded
    share = pool * fee // 10_000
    assert stage.balances() == {"alice": BOND + share, "bob": pool - share, "mallory": 0, "rollup": 0}
    assert stage.ask("rewardPool") == 0


def test_more_rewards_than_are_owned_meet_the_tokens_own_error(version: str) -> None:
    """Also where the pool and the amount together would leave their type."""
    stage = Stage(version, fortune={ALICE: 2**255, MALLORY: 5})
    assert stage.fund(2**255, by=ALICE).succeeded
    for amount in (6, 2**255, UNLIMITED):
        with stage.unchanged():
            answer = stage.fund(amount)
        assert (answer.succeeded, answer.output) == (
            False,
            stage.token.error("ERC20InsufficientBalance", MALLORY, 5, amount),
        )


def test_tokens_that_are_simply_sent_change_nothing_that_the_rollup_knows(stage: Stage) -> None:
    claimed(stage)
    before = stage.evm.whole_storage(stage.rollup)
    stage.tell_token("transfer", stage.rollup, FORTUNE)
    assert stage.evm.whole_storage(stage.rollup) == before
    assert stage.submit().succeeded
    assert stage.balances() == {"alice": FORTUNE, "bob": FORTUNE, "mallory": 0, "rollup": FORTUNE}


def test_without_a_token_nothing_can_be_claimed_or_funded(version: str) -> None:
    """An address without code answers every call with success and nothing."""
    stage = Stage(version)
    config = (ELSEWHERE, stage.deployment.schedule, stage.deployment.verifier, *astuple(PARAMETERS))
    stage.rollup = stage.evm.deploy(stage.contract.creation(config))
    stage.at(4)
    quote = Quote(ALICE, 0, 0)
    take = sign(KEYS["bob"], bytes(stage.ask("takeDigest", *quote, 4)))
    assert stage.claim(0, 0, take) == stage.rejected("BondNotTransferred", ALICE, BOND)
    assert stage.fund(1) == stage.rejected("SafeERC20FailedOperation", ELSEWHERE)


# Who is paid


def test_a_relayer_gains_nothing_by_submitting_the_proof(stage: Stage) -> None:
    assert stage.fund(PARAMETERS.reward_per_epoch).succeeded
    claimed(stage, 10_000)
    data = stage.contract.call("submitEpochProof", 0, find_proof(0))
    assert stage.send(MALLORY, data).succeeded
    reward = PARAMETERS.reward_per_epoch
    assert stage.balances() == {"alice": FORTUNE + reward, "bob": FORTUNE, "mallory": FORTUNE - reward, "rollup": 0}
    assert stage.ask("claimOf", 0) == (ALICE.lower(), 10_000, Status.PROVEN, BOB.lower(), 4)
