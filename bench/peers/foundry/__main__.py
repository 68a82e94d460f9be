"""What the package says. Each run has a project of its own, so that nothing is remembered from another."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measuring import Row
from tests.mutants.mutant import all_mutants
from tests.mutants.statements import CONTRACTS

HERE = Path(__file__).parent
SEED = 1
DEPTH = 100  # calls from one deployment
MANY = 10**9  # runs: the time ends it

SETTINGS = """
[profile.default]
libs = ["node_modules"]
auto_detect_remappings = false
remappings = ["@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/"]
solc = "{solc}"
offline = true
evm_version = "cancun"
optimizer = true
optimizer_runs = 200
[invariant]
runs = {runs}
depth = {depth}
timeout = {seconds}
fail_on_revert = false
shrink_run_limit = 0
show_metrics = true
"""


def main(seconds: int, mutant: str | None) -> Row:
    with TemporaryDirectory() as folder:
        project = Path(folder)
        _lay_out(project, seconds, mutant)
        _forge(project, "build")
        told = json.loads(_forge(project, "test", "--fuzz-seed", str(SEED), "--json"))
    (suite,) = told.values()
    (result,) = suite["test_results"].values()
    return _row(result)


def _lay_out(project: Path, seconds: int, mutant: str | None) -> None:
    shutil.copytree(CONTRACTS / "src", project / "src")
    shutil.copytree(HERE, project / "test", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (project / "node_modules").symlink_to(CONTRACTS / "node_modules")
    settings = SETTINGS.format(solc=CONTRACTS / "tools" / "solc", runs=MANY, depth=DEPTH, seconds=seconds)
    (project / "foundry.toml").write_text(settings, encoding="utf-8")
    if mutant:
        chosen = next(each for each in all_mutants() if each.id == mutant)
        (project / chosen.file).write_text(chosen.text, encoding="utf-8")


def _forge(project: Path, *arguments: str) -> str:
    """What it prints. It ends with 1 where a property is broken, and where it does not get that far.

    It is run in the project's folder: what broke a property is written below the working directory, and tried first
    the next time.
    """
    forge = CONTRACTS / "node_modules" / ".bin" / "forge"
    ended = subprocess.run([forge, *arguments], cwd=project, capture_output=True, text=True, check=False)
    if ended.returncode and not ended.stdout.startswith("{"):
        sys.exit(f"forge: {(ended.stderr or ended.stdout).strip()}")
    return ended.stdout


def _row(result: dict[str, Any]) -> Row:
    """`seconds` is Foundry's own time of the campaign, without compiling. A setup that fails is a find too."""
    row: Row = {"seconds": _seconds(result["duration"]), "found": ""}
    if result["status"] != "Success":
        return row | {"found": result["reason"] or "a call that reverts"}
    campaign = result["kind"]["Invariant"]
    claims = next(made for name, made in campaign["metrics"].items() if name.endswith(".claim"))
    return row | {
        "calls": campaign["calls"],
        "calls/s": campaign["calls"] / row["seconds"],
        "accepted": 1 - campaign["reverts"] / campaign["calls"],
        "claims": 1 - claims["reverts"] / claims["calls"],
    }


def _seconds(duration: str) -> float:
    """Of a text like `1m 2s 3ms 4µs 5ns`."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([a-zµ]+)", duration))


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)))
