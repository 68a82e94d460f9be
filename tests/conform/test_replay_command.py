"""`coordination replay`: what it prints, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Run, assert_refused


@pytest.fixture
def saved(run: Run, tmp_path: Path) -> Path:
    """The counterexample to SIGNATURE_BINDING in 0.1.0, as `check --traces` saves it."""
    options = ("--design", "0.1.0", "--instance", "tiny", "--property", "SIGNATURE_BINDING")
    assert run("check", *options, "--traces", tmp_path).code == 0
    return tmp_path / "0.1.0-SIGNATURE_BINDING.itf.json"


def test_the_counterexample_to_signature_binding_is_accepted_on_chain(run: Run, saved: Path) -> None:
    result = run("replay", saved)
    assert result.code == 0
    assert "claimProofRight(prover mallory, epoch 0, fee 0, signed by bob): accepted" in result.out
    assert "the signature is bob's take of step 2, for another rollup" in result.out
    assert "mismatches: none" in result.out


def test_a_counterexample_is_saved_with_each_of_its_routes(saved: Path) -> None:
    assert {file.name for file in saved.parent.iterdir()} == {
        "0.1.0-SIGNATURE_BINDING.itf.json",
        "0.1.0-SIGNATURE_BINDING-replay-from-another-rollup.itf.json",
        "0.1.0-SIGNATURE_BINDING-make-passed-off-as-a-take.itf.json",
    }


def test_a_chain_that_is_not_there_is_told_in_one_line(run: Run, saved: Path) -> None:
    result = run("replay", saved, "--rpc", "http://127.0.0.1:9")
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert "http://127.0.0.1:9" in result.err


def test_a_trace_that_the_oracle_does_not_confirm_is_not_replayed(run: Run, saved: Path) -> None:
    data = json.loads(saved.read_text())
    data["states"][-1]["now"] = {"#bigint": "5"}
    saved.write_text(json.dumps(data))
    assert_refused(run("replay", saved))


def test_a_folder_that_is_none_is_refused_before_the_search(run: Run, tmp_path: Path) -> None:
    assert_refused(run("check", "--traces", tmp_path / "none"), "none")
