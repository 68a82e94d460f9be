"""Fixtures of the tests of the chain: a node of its own for each test, and an EVM in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from coordination.chain.anvil import anvil
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm


@pytest.fixture
def url() -> Iterator[str]:
    with anvil() as address:
        yield address


@pytest.fixture
def evm() -> Evm:
    if sys.version_info >= (3, 13):
        pytest.skip("there is no wheel of pyrevm for this Python")
    return Evm()


@pytest.fixture(params=sorted(ROLLUPS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)
