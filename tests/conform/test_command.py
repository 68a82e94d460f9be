"""`coordination conform contract`: what it prints and writes, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Run, assert_refused
from tests.conform.planted import compiled_with

SMALL = ("conform", "contract", "--distinct", "--instance", "tiny")


def test_both_designs_are_held_to_their_specification(run: Run) -> None:
    result = run(*SMALL)
    assert result.code == 0
    seed, hardened = result.out.split("prover coordination 0.2.0, instance tiny, held against")
    for printed, contract in ((seed, "SeedProverCoordination"), (hardened, "HardenedProverCoordination")):
        assert contract in printed
        assert "divergences: none" in printed
        assert "calls/s" in printed
        assert "EpochAlreadyClaimed" in printed
        assert "refuses nothing in this instance: submit_epoch_proof EVM Panic" in printed


def test_what_was_executed_is_written_as_json(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    assert run(*SMALL, "--design", "0.2.0", "--json", file).code == 0
    (written,) = json.loads(file.read_text())
    assert written["design"] == "0.2.0"
    assert written["instance"] == "tiny"
    assert written["transitions"] == written["planned"] > 2_000
    assert written["errors"]["NothingToPrune"] > 0
    assert written["divergences"] == []
    assert written["seconds"] > 0


def test_the_same_run_writes_the_same_but_for_the_time(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        run(*SMALL, "--design", "0.1.0", "--json", file)
    first, second = (json.loads(file.read_text())[0] | {"seconds": 0} for file in files)
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--instance", "huge"), ("huge", "tiny")),
        (("--design", "0.3.0"), ("0.3.0", "0.2.0")),
        (("--artifact", "none.json"), ("--design",)),
        (("--fuzz", "9", "--artifact", "a.json", "--adapter", "a:B"), ("--fuzz",)),
        (("--adapter", "a:B"), ("--artifact",)),
        (("--artifact", "none.json", "--adapter", "a:B"), ("--design",)),
        (("--artifact", "none.json", "--adapter", "a:B", "--design", "0.2.0"), ("none.json",)),
        (("--json", "/no/such/folder/out.json"), ("/no/such/folder",)),
    ],
)
def test_bad_input_gets_one_clear_line(run: Run, arguments: tuple[str, ...], named: tuple[str, ...]) -> None:
    assert_refused(run("conform", "contract", *arguments), *named)


def test_an_artifact_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "artifact.json"
    adapter = "coordination.conform.rollup.adapter:RollupAdapter"
    options = ("--artifact", file, "--adapter", adapter, "--design", "0.2.0")
    for content, named in (("{", "artifact.json"), ("{}", "abi"), ('{"abi": []}', "bytecode"), ("[]", "abi")):
        file.write_text(content)
        assert_refused(run("conform", "contract", *options), named)


def test_a_planted_divergence_is_shown_with_its_programs(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(compiled_with("slot - claim.slot >= proofSlots) revert", "slot - claim.slot > proofSlots) revert"))
    result = run(*SMALL, "--design", "0.2.0", "--artifact", file, "--json", tmp_path / "out.json")
    assert result.code == 1
    first = result.out[result.out.index("divergence 1: answer") : result.out.index("divergence 2")]
    assert "the specification: reverts with ProofPhaseEnded(epoch=0, slot=5)" in first
    assert "the contract:      accepts it" in first
    program = result.out[result.out.index('"""submitEpochProof') : result.out.index("and as a Foundry test")]
    with pytest.raises(AssertionError, match=r"^assert|accepts it"):
        exec(compile(program, "pasted", "exec"), {"__name__": "__main__"})
    assert "contract DivergenceTest {" in result.out
    (written,) = json.loads((tmp_path / "out.json").read_text())
    assert written["divergences"][0]["call"]["message"] == "submitEpochProof(0, a proof)"
