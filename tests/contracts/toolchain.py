"""The tools of `contracts/`, run as its users run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from coordination.chain.artifacts import Artifact

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
FORGE = CONTRACTS / "node_modules" / ".bin" / "forge"


def run(command: Sequence[str | Path], directory: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a tool of Node's, once it is certain that there are any."""
    if shutil.which("npm") is None:
        pytest.fail("npm is missing; on Debian or Ubuntu: apt-get install nodejs npm")
    if not (CONTRACTS / "node_modules" / ".package-lock.json").exists():
        pytest.fail("contracts/node_modules is missing: run 'npm ci' in contracts/")
    quiet = {**os.environ, "NO_COLOR": "1", "npm_config_loglevel": "error"}
    return subprocess.run(
        command, cwd=directory, input=given, env=quiet, capture_output=True, text=True, timeout=120, check=False
    )


def compiled(*names: str) -> dict[str, Artifact]:
    """Contracts, each named like "test/tokens/Blocklist.sol:Blocklist", by the part after the colon."""
    answer = run(["node", "tools/compile-stdin.mjs"], CONTRACTS, json.dumps({"wanted": names, "sets": [{}]}))
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert "contracts" in result, result
    return {each["contractName"]: _artifact(each) for each in result["contracts"].values()}


def _artifact(data: Mapping[str, str]) -> Artifact:
    code = bytes.fromhex(data["bytecode"].removeprefix("0x"))
    return Artifact(data["contractName"], data["abi"], code, data["storageLayout"])  # type: ignore[arg-type]
