"""The committed artifacts are what the sources give, byte for byte, and a check that says so when they are not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.toolchain import CONTRACTS, ROOT, run

ARTIFACTS = Path("src") / "coordination" / "chain" / "artifacts"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the checkout, as far as the build goes."""
    shutil.copytree(CONTRACTS, tmp_path / "contracts", ignore=shutil.ignore_patterns("node_modules", "out", "cache"))
    (tmp_path / "contracts" / "node_modules").symlink_to(CONTRACTS / "node_modules")
    shutil.copytree(ROOT / ARTIFACTS, tmp_path / ARTIFACTS)
    return tmp_path


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit a JSON file, and nothing else about it."""
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data, indent=1) + "\n")


def flip_the_last_bit(data: dict[str, Any]) -> None:
    data["bytecode"] = data["bytecode"][:-1] + format(int(data["bytecode"][-1], 16) ^ 1, "x")


def test_the_committed_artifacts_are_what_the_sources_give() -> None:
    check = run(["npm", "run", "--silent", "check"], CONTRACTS)
    assert (check.returncode, check.stderr) == (0, "")


def test_whatever_differs_is_named_and_building_puts_it_right(copy: Path) -> None:
    artifacts = copy / ARTIFACTS
    change(artifacts / "TestToken.json", flip_the_last_bit)
    change(artifacts / "ValidatorSet.json", lambda data: data["abi"].pop())
    change(artifacts / "SeedProverCoordination.json", lambda data: data["storageLayout"]["storage"][0].update(slot="1"))
    (artifacts / "WorkVerifier.json").unlink()
    (artifacts / "Stray.json").write_text("{}")
    names = ["SeedProverCoordination", "TestToken", "ValidatorSet", "WorkVerifier", "Stray"]

    check = run(["npm", "run", "--silent", "check"], copy / "contracts")
    listed = ", ".join(f"{name}.json" for name in names)
    assert check.returncode == 1
    assert check.stderr == f"error: not what the sources give: {listed}; run 'npm run build' in contracts/\n"

    assert run(["npm", "run", "--silent", "build"], copy / "contracts").returncode == 0
    built = {path.name: path.read_bytes() for path in artifacts.iterdir()}
    assert built == {path.name: path.read_bytes() for path in (ROOT / ARTIFACTS).iterdir()}


def test_a_change_of_a_source_is_noticed(copy: Path) -> None:
    source = copy / "contracts" / "src" / "dev" / "WorkVerifier.sol"
    source.write_text(source.read_text().replace("proof.length == 32", "proof.length >= 32"))
    check = run(["npm", "run", "--silent", "check"], copy / "contracts")
    assert check.returncode == 1
    assert "WorkVerifier.json" in check.stderr
