"""Both designs: the node's rules are the same in each, but for what a signature says."""

from __future__ import annotations

import pytest

from coordination.chain.deployment import ROLLUPS


@pytest.fixture(params=sorted(ROLLUPS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)
