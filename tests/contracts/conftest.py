"""Fixtures of the tests of the contracts. What asks for a `stage` or a `version` takes place on both designs."""

from __future__ import annotations

import sys

import pytest

from coordination.chain.artifacts import Artifact
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from tests.contracts.stage import Stage
from tests.contracts.toolchain import CONTRACTS, compiled


@pytest.fixture(scope="session")
def pyrevm() -> None:
    """Where it cannot be had, what needs it is skipped and says so; where it only is missing, Evm() fails."""
    if sys.version_info >= (3, 13):
        pytest.skip("there is no wheel of pyrevm for this Python")


@pytest.fixture
def evm(pyrevm: None) -> Evm:
    return Evm()


@pytest.fixture(params=sorted(ROLLUPS))
def version(request: pytest.FixtureRequest, pyrevm: None) -> str:
    return str(request.param)


@pytest.fixture
def stage(version: str) -> Stage:
    return Stage(version)


@pytest.fixture(scope="session")
def tokens() -> dict[str, Artifact]:
    """The tokens that misbehave, by name."""
    names = sorted(path.stem for path in (CONTRACTS / "test" / "tokens").glob("*.sol"))
    return compiled(*(f"test/tokens/{name}.sol:{name}" for name in names))
