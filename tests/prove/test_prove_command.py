"""`coordination prove`, as a user runs it; and the proofs in the table of `coordination check`."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from coordination.cli import app
from coordination.machine import SpecificationError
from coordination.machine.verdict import Exit
from coordination.prove.deciding import cache as answers
from coordination.prove.deciding.solvers import Z3, Answer
from tests.command import Run
from tests.prove.test_solvers import HARD
from tests.spec.worlds import HARDENED

WITHOUT_F2, WITHOUT_C3 = HARDENED.without("F2"), HARDENED.without("C3")  # named on the command line below
WITHOUT_SIZES = replace(HARDENED, unbounded=None)
HERE = "tests.prove.test_prove_command"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of answers for each test, beside nobody's."""
    path = tmp_path / "cache" / "answers.sqlite"
    monkeypatch.setattr("coordination.cli.prove.Cache", lambda: answers.Cache(path))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def verdicts(file: Path) -> dict[str, Any]:
    return {verdict["property"]: verdict for verdict in json.loads(file.read_text())}


def test_all_properties_of_0_2_0_are_proved_for_all_sizes(tmp_path: Path) -> None:
    result = run("prove", "--design", "0.2.0", "--json", str(tmp_path / "out.json"))
    assert result.exit_code == Exit.AS_EXPECTED, result.output
    found = verdicts(tmp_path / "out.json")
    assert found.keys() == {prop.name for prop in HARDENED.properties} | {"STAYS_IN_RANGE"}
    assert {(v["status"], v["method"], v["instance"]) for v in found.values()} == {("HOLDS", "proved", "all sizes")}
    assert all(v["assumptions"] and v["conditions"] for v in found.values())


def test_0_1_0_is_proved_but_for_what_is_expected_to_be_violated(tmp_path: Path) -> None:
    result = run("prove", "--design", "0.1.0", "--json", str(tmp_path / "out.json"))
    assert result.exit_code == Exit.AS_EXPECTED, result.output
    found = verdicts(tmp_path / "out.json")
    violated = {name: v for name, v in found.items() if v["status"] == "VIOLATED"}
    assert violated.keys() == {"SIGNATURE_BINDING", "SINGLE_USABLE_TAKE"}
    assert all(v["expected"] and v["trace"] and not v["conditions"] for v in violated.values())
    assert {v["method"] for name, v in found.items() if name not in violated} == {"proved"}


def test_without_f2_the_proof_fails_and_a_run_shows_why() -> None:
    result = run("prove", "--machine", f"{HERE}:WITHOUT_F2", "--property", "PROOF_TIMING")
    assert result.exit_code == Exit.VIOLATION
    assert "PROOF_TIMING    VIOLATED  by 6 steps" in result.stdout
    assert "PROOF_TIMING fails in step 6" in result.stdout


def test_what_the_loss_of_a_lemma_leaves_unproved_is_explained_and_unknown() -> None:
    """Without C3 a claim may be stored under no proposer, so the records are not whole, on which the payout rests."""
    arguments = ("--property", "PAYOUT_EXACT", "--max-seconds", "1")
    result = run("prove", "--machine", f"{HERE}:WITHOUT_C3", *arguments)
    assert result.exit_code == Exit.UNKNOWN
    assert "submit_epoch_proof does not keep PAYOUT_EXACT" in result.stdout
    assert "not reachable: submit_epoch_proof breaks PAYOUT_EXACT in none of" in result.stdout
    assert "def needed_for_payout_exact(" in result.stdout


def test_conditions_are_written_with_their_digests(tmp_path: Path) -> None:
    assert run("prove", "--design", "0.2.0", "--smt2", str(tmp_path), "--json", str(tmp_path / "x")).exit_code == 0
    files = sorted(tmp_path.glob("*.smt2"))
    assert len(files) == 53
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    listed = [line.split("  ") for line in (tmp_path / "SHA256SUMS").read_text().splitlines()]
    assert {name: digest for digest, name in listed} == digests
    reported = {c["digest"] for v in verdicts(tmp_path / "x").values() for c in v["conditions"] if c["digest"]}
    assert reported <= set(digests.values())
    assert "0.2.0-BOND_EXIT-submit_epoch_proof.smt2" in digests


def test_a_folder_for_conditions_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for _ in range(2):  # the second time it holds the very same files
        assert run("prove", "--design", "0.2.0", "--property", "FINALITY", "--smt2", str(folder)).exit_code == 0
    assert (folder / "0.2.0-FINALITY-prune.smt2").is_file()


def test_a_folder_with_conditions_of_another_run_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.smt2").write_text("(check-sat)")
    result = run("prove", "--design", "0.2.0", "--property", "FINALITY", "--smt2", str(tmp_path))
    assert isinstance(result.exception, SpecificationError)
    assert "holds conditions that are not of this run, such as mine.smt2" in str(result.exception)
    assert [path.name for path in tmp_path.glob("*.*")] == ["mine.smt2"]


@pytest.mark.parametrize("name", ["RECORDS_ARE_WHOLE", "BOND_CONSERVATION", "STAYS_IN_RANGE"])
def test_a_lemma_can_be_judged_by_its_name_and_so_can_the_ranges(tmp_path: Path, name: str) -> None:
    file = tmp_path / "out.json"
    assert run("prove", "--design", "0.2.0", "--property", name, "--json", str(file)).exit_code == 0
    found = verdicts(file)
    assert found.keys() == {name, "STAYS_IN_RANGE"}
    assert found[name]["conditions"]


def test_the_same_run_writes_the_same_bytes(tmp_path: Path) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        assert run("prove", "--no-cache", "--smt2", str(folder)).exit_code == 0
    assert {f.name: f.read_bytes() for f in once.iterdir()} == {f.name: f.read_bytes() for f in again.iterdir()}


def test_answers_are_remembered_and_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("prove", "--design", "0.2.0").exit_code == 0

    def refuse(*arguments: object) -> None:
        raise AssertionError("a solver was asked")

    monkeypatch.setattr("coordination.prove.deciding.solvers.Z3.decide", refuse)
    assert run("prove", "--design", "0.2.0").exit_code == 0
    assert isinstance(run("prove", "--design", "0.2.0", "--no-cache").exception, AssertionError)


def test_an_interrupt_inside_of_a_solver_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, timer = Z3.decide, threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))

    def take_long(solver: Z3, *_: object) -> Answer:
        timer.start()
        return decide(solver, HARD, 60, 0)

    monkeypatch.setattr(Z3, "decide", take_long)
    before, started = signal.signal(signal.SIGINT, signal.default_int_handler), time.perf_counter()
    try:
        result = run("prove", "--design", "0.2.0", "--property", "FINALITY")
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    assert result.code == 130
    assert "interrupted; 0.2.0 proofs: 0 conditions decided, at tick, STAYS_IN_RANGE" in result.err
    assert "Traceback" not in result.err
    assert time.perf_counter() - started < 30


def test_a_cache_that_is_none_is_done_without(own_cache: Path) -> None:
    own_cache.parent.mkdir()
    own_cache.write_text("this is no database, and longer than the header of one: " + "x" * 200)
    result = run("prove", "--design", "0.2.0", "--property", "FINALITY")
    assert result.exit_code == 0
    assert "going on without a cache of answers" in result.stderr


def test_check_says_what_is_proved_beside_what_is_explored(tmp_path: Path) -> None:
    result = run("check", "--instance", "tiny", "--design", "0.1.0", "--json", str(tmp_path / "out.json"))
    assert result.exit_code == 0
    assert "FINALITY             HOLDS               all sizes  exhaustive" in result.stdout
    assert "SIGNATURE_BINDING    VIOLATED, expected             by 3 steps" in result.stdout
    assert verdicts(tmp_path / "out.json")["FINALITY"]["proved"] == "all sizes"
    assert verdicts(tmp_path / "out.json")["SIGNATURE_BINDING"]["proved"] is None


def test_check_says_where_what_is_proved_is_not_so_in_an_instance(tmp_path: Path) -> None:
    """True of all epochs that there can be, and false where there is one: a proof is no word on such an instance."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from coordination.machine import exists, invariant\n"
        "from coordination_spec.words import Epoch\n\n\n"
        "@invariant()\n"
        "def there_are_a_thousand_epochs(s, w):\n"
        "    return exists(Epoch, lambda epoch: epoch == 1000)\n"
    )
    arguments = ("--design", "0.2.0", "--properties", str(file), "--property", "THERE_ARE_A_THOUSAND_EPOCHS")
    result = run("check", "--instance", "tiny", *arguments)
    assert result.exit_code == Exit.VIOLATION
    assert "THERE_ARE_A_THOUSAND_EPOCHS  VIOLATED  all sizes  by 0 steps" in result.stdout
    assert "THERE_ARE_A_THOUSAND_EPOCHS is proved for all sizes, but a run of tiny breaks it" in result.stderr
    agreed = run("check", "--instance", "tiny", "--design", "0.2.0", "--property", "FINALITY")
    assert (agreed.exit_code, agreed.stderr) == (Exit.AS_EXPECTED, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--machine", f"{HERE}:WITHOUT_SIZES"), "says nothing about sizes beyond its instances; give it `unbounded`"),
        (("--property", "NO_SUCH"), "no property 'NO_SUCH'"),
        (("--smt2", "no/such/folder"), "it is no folder"),
        (("--json", "no/such/folder/out.json"), "there is no folder"),
    ],
)
def test_wrong_usage_is_one_clear_error(arguments: tuple[str, ...], message: str) -> None:
    result = run("prove", *arguments)
    assert isinstance(result.exception, SpecificationError)
    assert message in str(result.exception)
