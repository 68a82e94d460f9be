"""`coordination conform node`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from coordination.conform.node import faults
from coordination.conform.node.faults import FAULTS, Fault
from coordination.node.core.proposer import Proposer
from tests.command import Run

SOME = FAULTS[:2]
HARMLESS = Fault("N3", "is right", Proposer.consider, "chosen.slot < view.slot:", "view.slot > chosen.slot:")


@pytest.fixture(autouse=True)
def _few_random_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    command = importlib.import_module("coordination.cli.conform_node")  # the package has a function of this name
    monkeypatch.setattr(command, "RUNS", 10)


def test_it_tells_what_happened_and_which_faults_are_caught(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "FAULTS", SOME)
    file = tmp_path / "out.json"
    result = run("conform", "node", "--slots", "60", "--seed", "4", "--json", file)
    assert result.code == 0
    assert "60 slots simulated with seed 4" in result.out
    assert "divergences: none" in result.out
    assert f"{len(SOME)} of {len(SOME)} faults caught" in result.out
    for found in json.loads(file.read_text()):
        assert found["slots"] == found["planned"] == 60
        assert found["divergences"] == []
        assert [each["caught"] for each in found["faults"]] == [True] * len(SOME)


def test_the_same_seed_writes_the_same_bytes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FAULTS", SOME)
    written = []
    for name in ("one.json", "two.json"):
        run("conform", "node", "--design", "0.2.0", "--slots", "50", "--json", tmp_path / name)
        [found] = json.loads((tmp_path / name).read_text())
        written.append(json.dumps({**found, "seconds": 0}))
    assert written[0] == written[1]


def test_a_fault_that_nothing_catches_fails_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FAULTS", (HARMLESS,))
    monkeypatch.setattr("coordination.conform.node.run.SLOTS_A_TRY", 20)
    result = run("conform", "node", "--design", "0.2.0", "--slots", "10")
    assert result.code == 1
    assert "NOTHING" in result.out
    assert "0 of 1 faults caught" in result.out


def test_a_node_that_diverges_fails_the_command_with_the_moves_that_lead_there(run: Run) -> None:
    with FAULTS[0].planted():
        result = run("conform", "node", "--design", "0.2.0", "--slots", "200")
    assert result.code == 1
    assert "divergences: 2" in result.out
    assert "nobody keeps a quote for epoch" in result.out
    assert "world = Simulation(DESIGNS" in result.out
    assert "faults caught" not in result.out


@pytest.mark.parametrize("options", [("--slots", "0"), ("--seed", "-1"), ("--design", "0.3.0")])
def test_what_cannot_be_run_is_refused(run: Run, options: tuple[str, str]) -> None:
    assert run("conform", "node", *options).code == 2
