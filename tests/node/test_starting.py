"""A node's folder: what is made in it once, and survives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coordination.node.starting import SEED_SIZE, keep_seed


def test_a_networks_id_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    seed = keep_seed(tmp_path / "peer.key")
    assert len(seed) == SEED_SIZE
    assert keep_seed(tmp_path / "peer.key") == seed
    assert (tmp_path / "peer.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["peer.key"]


def test_a_crash_while_the_id_is_made_does_not_keep_the_node_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(size: int) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "urandom", crash)
        with pytest.raises(KeyboardInterrupt):
            keep_seed(tmp_path / "peer.key")
    assert len(keep_seed(tmp_path / "peer.key")) == SEED_SIZE
