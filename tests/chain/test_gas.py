"""What calls cost is pinned: any difference, up or down, is seen."""

from __future__ import annotations

import json

import pytest

from bench import gas
from bench.measuring import Failed
from coordination.chain.artifacts import shipped
from coordination_spec import words

PINNED = json.loads(gas.PINNED.read_text())


def test_calls_cost_what_is_pinned(version: str, url: str) -> None:
    measured = gas.measure(version, url)
    assert measured == PINNED[version], (
        f"the gas of {version} is not that of contracts/gas.json; if that is meant: python -m bench.gas"
    )


def test_every_error_of_the_protocol_has_its_cost(version: str) -> None:
    told = {outcome for outcomes in PINNED[version].values() for outcome in outcomes}
    errors = {entry["name"] for entry in shipped("SeedProverCoordination").abi if entry["type"] == "error"}
    assert errors & {value for value in vars(words).values() if isinstance(value, str)} <= told


def test_every_call_has_its_cost_when_accepted(version: str) -> None:
    for function, outcomes in PINNED[version].items():
        assert any(outcome.startswith("accepted") for outcome in outcomes), function
    assert set(PINNED[version]) == {"claimProofRight", "submitEpochProof", "prune", "fundRewards"}


def test_a_call_that_ends_otherwise_is_no_measurement(url: str) -> None:
    rollup = gas.Measured("0.2.0", url)
    rollup.at(32)
    with pytest.raises(Failed, match="prune in slot 32 ended with NothingToPrune, where accepted was wanted"):
        rollup.prune(0, "accepted")
    with pytest.raises(Failed, match="ended with accepted, where CallerNotProver was wanted"):
        rollup.claim(0, "CallerNotProver")
