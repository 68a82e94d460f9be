"""Where solc's layout says that values lie, the contract has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.chain.artifacts import ArtifactError, shipped
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from coordination.chain.quote import Status
from coordination.chain.storage import StorageLayout
from tests.contracts.stage import ALICE, BOB, FORTUNE, MALLORY, PARAMETERS, UNLIMITED, Stage


@pytest.fixture
def stage(evm: Evm, version: str) -> Stage:
    return Stage(version)


def claim(status: Status, slot: int, fee: int = 2_500) -> dict[str, object]:
    return {"prover": ALICE, "basisPointFee": fee, "status": status, "proposer": BOB, "slot": slot}


def test_a_fresh_rollup_stores_nothing(stage: Stage) -> None:
    layout = StorageLayout(stage.contract)
    assert stage.evm.whole_storage(stage.rollup) == layout.words({"rewardPool": 0, "_claims": {}}) == {}


def test_the_rollups_words_are_where_its_layout_says(stage: Stage) -> None:
    assert stage.fund(500).succeeded
    stage.at(4)
    assert stage.claim(0, fee=10_000).succeeded
    assert stage.submit(0).succeeded
    stage.at(9)
    assert stage.claim(1, fee=0).succeeded
    stage.at(14)
    assert stage.prune(2).succeeded
    wanted = {
        "rewardPool": 500 - PARAMETERS.reward_per_epoch,
        "_claims": {
            0: claim(Status.PROVEN, 4, fee=10_000),
            1: claim(Status.CLAIMED, 9, fee=0),
            2: {"status": Status.PRUNED},
        },
    }
    assert stage.evm.whole_storage(stage.rollup) == StorageLayout(stage.contract).words(wanted)


def test_the_tokens_words_are_where_its_layout_says(stage: Stage) -> None:
    assert stage.fund(500).succeeded
    token, rollup = stage.deployment.token, stage.rollup
    holders = {ALICE: FORTUNE, BOB: FORTUNE, MALLORY: FORTUNE - 500, rollup: 500}
    wanted = {
        "_balances": holders,
        "_allowances": {holder: {rollup: UNLIMITED} for holder in (ALICE, BOB, MALLORY)},
        "_totalSupply": 3 * FORTUNE,
        "_name": "Test Token",
        "_symbol": "TST",
    }
    assert stage.evm.whole_storage(token) == StorageLayout(stage.token).words(wanted)


def test_each_word_knows_what_it_is_made_of(version: str) -> None:
    words = StorageLayout(shipped(ROLLUPS[version])).words({"_claims": {3: claim(Status.CLAIMED, 17)}})
    told = {member.name: member.of(words[member.slot]) for member in words.members}
    assert told == {
        "_claims[3].prover": int(ALICE, 16),
        "_claims[3].basisPointFee": 2_500,
        "_claims[3].status": Status.CLAIMED,
        "_claims[3].proposer": int(BOB, 16),
        "_claims[3].slot": 17,
    }


def test_a_name_that_the_contract_does_not_store_is_refused(version: str) -> None:
    layout = StorageLayout(shipped(ROLLUPS[version]))
    with pytest.raises(ArtifactError, match=r"stores no 'reward_pool'; it has: .*rewardPool"):
        layout.words({"reward_pool": 1})


def test_a_contract_without_a_layout_is_refused() -> None:
    with pytest.raises(ArtifactError, match="TestToken comes without a storage layout"):
        StorageLayout(replace(shipped("TestToken"), storage_layout=None))
