"""Wrong contracts that an auditor thought of, each seen on the smallest instance: what the forms of a call are for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from coordination.chain.artifacts import load
from coordination.conform.exhaustive import conform
from coordination.conform.rollup.adapter import RollupAdapter
from coordination_spec import DESIGNS
from tests.conform.planted import compiled_with_each

WRONG: Mapping[str, tuple[str, str]] = {
    "the prover gets no fee": ("Math.mulDiv(reward, claim.basisPointFee, WHOLE)", "0"),
    "a reward is paid whatever the pool holds": ("Math.min(rewardPerEpoch, rewardPool)", "rewardPerEpoch"),
    "a take of the slot before is good too": (
        "if (signer == address(0) || signer != proposer)",
        "if (signer != proposer && _recover(quote, slot - 1) != schedule.proposerOf(slot - 1))",
    ),
    "a v of 0 or 1 is good too": (
        "(digest, quote.signature.v,",
        "(digest, quote.signature.v < 27 ? quote.signature.v + 27 : quote.signature.v,",
    ),
    "the upper half of s is good too": ("(signer,,) = ECDSA.tryRecover(", "signer = ecrecover("),
    "a prover may not prune": ("if (!isPrunable(epoch))", "if (!isPrunable(epoch) || msg.sender == claim.prover)"),
    "a prover may not prove": (
        "if (!verifier.verify(epoch, proof))",
        "if (msg.sender == claim.prover || !verifier.verify(epoch, proof))",
    ),
    "a proof of the next epoch is good too": (
        "if (!verifier.verify(epoch, proof))",
        "if (!verifier.verify(epoch, proof) && !verifier.verify(epoch + 1, proof))",
    ),
    "nothing is pruned in the last second of a slot": (
        "if (!isPrunable(epoch))",
        "if (!isPrunable(epoch) || (block.timestamp - genesisTime) % slotDuration == slotDuration - 1)",
    ),
    "what a block has room for does not suffice": (
        "uint256 slashed = ",
        "for (uint256 i = 0; i < 10_000_000; ++i) {} uint256 slashed = ",
    ),
    "the number of the block matters": (
        "if (!isPrunable(epoch))",
        "if (!isPrunable(epoch) || block.number % 12 == 3)",
    ),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("wrong")
    files = {name: folder / f"{number}.json" for number, name in enumerate(WRONG)}
    for name, contract in compiled_with_each(WRONG).items():
        files[name].write_text(json.dumps(contract))
    return files


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_contract_is_told_from_the_right_one(built: Mapping[str, Path], name: str) -> None:
    machine = DESIGNS["0.2.0"]
    tiny = machine.instance("tiny")
    result = conform(machine, tiny, load(built[name]), RollupAdapter, is_distinct=True, most_divergences=1)
    assert len(result.divergences) == 1
