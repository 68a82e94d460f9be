"""What others get: sources that Foundry compiles to the same bytecode, and a lock that names no download address."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from coordination.chain.artifacts import load, shipped
from tests.contracts.toolchain import CONTRACTS, FORGE, run

SETTINGS = """\
[profile.default]
libs = ["node_modules"]
solc = "{solc}"
offline = true
evm_version = "cancun"
optimizer = true
optimizer_runs = 200
bytecode_hash = "none"
cbor_metadata = false
extra_output = ["storageLayout"]
"""

OTHERS = """\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HardenedProverCoordination} from "prover-coordination-contracts/src/HardenedProverCoordination.sol";
import {IProverCoordination} from "prover-coordination-contracts/src/IProverCoordination.sol";

contract Rollup is HardenedProverCoordination {
    constructor(Config memory config) HardenedProverCoordination(config) {}

    function isRunning(uint256 epoch) external view returns (bool) {
        return this.claimOf(epoch).status == Status.CLAIMED && !isPrunable(epoch);
    }
}

contract Watcher {
    function epochOf(IProverCoordination rollup) external view returns (uint256) {
        return rollup.currentEpoch();
    }
}
"""


def unordered(abi: Any) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in abi)


@pytest.mark.parametrize(
    "name",
    [
        "SeedProverCoordination",
        "HardenedProverCoordination",
        "TestToken",
        "ValidatorSet",
        "FixedSchedule",
        "WorkVerifier",
    ],
)
def test_foundry_builds_what_is_committed(name: str, built_here: Path) -> None:
    artifact = load(built_here / f"{name}.sol" / f"{name}.json")
    assert artifact.bytecode == shipped(name).bytecode
    assert unordered(artifact.abi) == unordered(shipped(name).abi)


@pytest.fixture(scope="module")
def built_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `forge build` gives in contracts/, warnings and all."""
    directory = tmp_path_factory.mktemp("forge")
    build = run([FORGE, "build", "--out", directory / "out", "--cache-path", directory / "cache"], CONTRACTS)
    assert build.returncode == 0, build.stdout + build.stderr
    assert build.stderr == ""
    return directory / "out"


def test_another_foundry_project_imports_the_packed_package_by_name(tmp_path: Path) -> None:
    pack = run(["npm", "pack", "--silent", "--pack-destination", tmp_path], CONTRACTS)
    modules = tmp_path / "node_modules"
    with tarfile.open(tmp_path / pack.stdout.strip()) as packed:
        packed.extractall(tmp_path, filter="data")
    modules.mkdir()
    (tmp_path / "package").rename(modules / "prover-coordination-contracts")
    (modules / "@openzeppelin").symlink_to(CONTRACTS / "node_modules" / "@openzeppelin")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Rollup.sol").write_text(OTHERS)
    (tmp_path / "foundry.toml").write_text(SETTINGS.format(solc=CONTRACTS / "tools" / "solc"))

    build = run([FORGE, "build"], tmp_path)
    assert build.returncode == 0, build.stdout + build.stderr
    inherited = load(tmp_path / "out" / "Rollup.sol" / "Rollup.json")
    assert {"claimProofRight", "isRunning"} <= {entry.get("name") for entry in inherited.abi}
    imported = load(tmp_path / "out" / "HardenedProverCoordination.sol" / "HardenedProverCoordination.json")
    assert imported.bytecode == shipped("HardenedProverCoordination").bytecode


def test_the_package_holds_sources_and_nothing_of_the_toolchain() -> None:
    pack = run(["npm", "pack", "--dry-run", "--json"], CONTRACTS)
    files = [file["path"] for file in json.loads(pack.stdout)[0]["files"]]
    own = {f"src/{path.relative_to(CONTRACTS / 'src')}" for path in (CONTRACTS / "src").rglob("*.sol")}
    assert set(files) == own | {"package.json", "README.md"}


def test_the_lock_pins_every_package_by_its_hash_and_none_by_an_address() -> None:
    lock = json.loads((CONTRACTS / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_the_versions_asked_for_are_exact() -> None:
    package = json.loads((CONTRACTS / "package.json").read_text())
    asked = package["dependencies"] | package["devDependencies"]
    assert [name for name, version in asked.items() if not version.replace(".", "").isdigit()] == []
