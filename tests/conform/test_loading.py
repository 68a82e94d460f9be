"""Another's adapter is found by its name, and what is wrong with it is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordination.chain.artifacts import load
from coordination.conform.exhaustive import Conformance, conform
from coordination.conform.loading import EXAMPLE, load_adapter
from coordination.machine import SpecificationError
from coordination_spec import DESIGNS

ARTIFACT = Path(__file__).parents[2] / "examples" / "another_contract" / "EpochAuction.json"
HARDENED = DESIGNS["0.2.0"]


def held(reference: str) -> Conformance:
    adapter = load_adapter(reference)
    return conform(HARDENED, HARDENED.instance("tiny"), load(ARTIFACT), adapter, is_distinct=True, most_divergences=1)


def test_an_adapter_is_found_by_its_name() -> None:
    assert held(EXAMPLE).transitions > 0


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("adapter", "'adapter' names no adapter; write module:name, as in examples.another_contract.adapter:"),
        ("nowhere:Adapter", "cannot import 'nowhere': ModuleNotFoundError"),
        ("examples.another_contract.adapter:Auction", "adapter.Auction is no class; there are: EpochAuctionAdapter"),
        ("examples.another_contract.adapter:GENESIS", "adapter.GENESIS is no class; there are: EpochAuctionAdapter"),
        (EXAMPLE.replace("er:", "er:A"), "did you mean EpochAuctionAdapter?"),
        ("fractions:Fraction", "fractions:Fraction is no adapter: it has no timestamps, messages, expected, storage, "),
    ],
)
def test_what_is_no_adapter_is_refused_with_what_is_missing(reference: str, complaint: str) -> None:
    with pytest.raises(SpecificationError) as told:
        load_adapter(reference)
    assert complaint in str(told.value)


BROKEN = """
from dataclasses import replace
from coordination.chain.artifacts import shipped
from examples.another_contract.adapter import EpochAuctionAdapter

class Forgetful(EpochAuctionAdapter):
    def storage(self, state):
        names = {"held": 0}
        return {0: names["reward_pool"]}

class Undeployable(EpochAuctionAdapter):
    def _deploy(self, chain, initial):
        self._world = replace(self._world)
        object.__setattr__(self._world, "proof_slots", 0)
        super()._deploy(chain, initial)

class OfAnotherContract(EpochAuctionAdapter):
    def __init__(self, machine, instance, artifact, chain):
        super().__init__(machine, instance, shipped("HardenedProverCoordination"), chain)

class WithoutLayout(EpochAuctionAdapter):
    def __init__(self, machine, instance, artifact, chain):
        super().__init__(machine, instance, replace(artifact, storage_layout=None), chain)

class OfAnotherShape(EpochAuctionAdapter):
    def timestamps(self):
        return []

class Silent(EpochAuctionAdapter):
    def __init__(self, machine, instance, artifact, chain):
        super().__init__(machine, instance, artifact, chain)
        del self.speakers, self.artifacts
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of adapters that are wrong, each in its own way."""
    (tmp_path / "broken_adapters.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    return "broken_adapters"


@pytest.mark.parametrize(
    ("adapter", "complaint"),
    [
        ("Forgetful", "line 9: KeyError: 'reward_pool'"),
        ("Undeployable", "line 15: DeploymentError: the constructor fails: Revert { gas_used: "),
        ("Undeployable", "output: Error(message=EpochAuction: no time) }"),
        ("OfAnotherContract", "line 19: ValueOutOfBounds: "),
        ("WithoutLayout", "ArtifactError: EpochAuction comes without a storage layout"),
        ("OfAnotherShape", "TypeError: OfAnotherShape.timestamps() takes 1 positional argument but 2 were given"),
        ("Silent", "is no adapter: it has no speakers, artifacts"),
    ],
)
def test_what_an_adapter_raises_is_told_in_one_line_with_its_place(broken: str, adapter: str, complaint: str) -> None:
    with pytest.raises(SpecificationError) as told:
        held(f"{broken}:{adapter}")
    assert str(told.value).startswith(f"{broken}:{adapter}")
    assert complaint in str(told.value)
    assert len(str(told.value).splitlines()) == 1
