"""Fixtures of the tests of L1: a town of its own for each test, a store, and ways to the town that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordination.chain.anvil import live_anvil
from coordination.node.store import Store
from tests.node.l1.town import Answering, Town, Way


@pytest.fixture
def town() -> Iterator[Town]:
    with live_anvil() as url:
        yield Town(url)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    kept = Store(tmp_path / "store", "a test's")
    yield kept
    kept.close()


@pytest.fixture
def way() -> Iterator[Callable[[str | Answering], Way]]:
    """Makes endpoints, which end with the test."""
    made: list[Way] = []

    def make(what: str | Answering) -> Way:
        made.append(Way.to(what) if isinstance(what, str) else Way(what))
        return made[-1]

    yield make
    for each in made:
        each.close()
