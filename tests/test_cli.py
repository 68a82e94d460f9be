"""The command line: what it prints, what it writes, and what it says to bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coordination import lookup
from coordination.machine.machine import Pin
from coordination_spec import DESIGNS
from tests.command import Run, assert_refused

TWO_PHASE_COMMIT = ("--machine", "tests.two_phase_commit:TWO_PHASE_COMMIT")


def test_both_designs_are_judged_and_what_is_violated_is_told(run: Run) -> None:
    result = run("check", "--instance", "tiny")
    assert result.code == 0
    seed, hardened = result.out.split("prover coordination 0.2.0, instance tiny")
    assert seed.count("HOLDS") == 11
    assert seed.count("VIOLATED, expected") == 2
    for route in ("replay from another rollup", "make passed off as a take", "take of an earlier slot"):
        assert f"by {route}:" in seed
    assert hardened.count("HOLDS") == len(DESIGNS["0.2.0"].properties)
    assert "VIOLATED" not in hardened


def test_json_has_a_verdict_for_every_property_and_a_trace_for_every_violation(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    assert run("check", "--instance", "tiny", "--json", file).code == 0
    verdicts = json.loads(file.read_text())
    assert len(verdicts) == sum(len(machine.properties) for machine in DESIGNS.values())
    wanted = {"machine", "design", "instance", "property", "method", "status", "expected"}
    wanted |= {"states", "transitions", "depth", "seconds", "trace"}
    for verdict in verdicts:
        assert wanted <= verdict.keys()
        assert (verdict["trace"] is None) == (verdict["status"] == "HOLDS")
    violated = {(each["design"], each["property"]) for each in verdicts if each["status"] == "VIOLATED"}
    assert violated == {("0.1.0", "SIGNATURE_BINDING"), ("0.1.0", "SINGLE_USABLE_TAKE")}


def test_json_is_the_same_bytes_in_every_run_but_for_the_time(run: Run, tmp_path: Path) -> None:
    def timeless(file: Path) -> str:
        run("check", "--instance", "tiny", "--design", "0.1.0", "--json", file)
        return "".join(line for line in file.read_text().splitlines() if '"seconds"' not in line)

    assert timeless(tmp_path / "one.json") == timeless(tmp_path / "other.json")


def test_one_property_can_be_chosen(run: Run) -> None:
    result = run("check", "--instance", "tiny", "--design", "0.2.0", "--property", "FINALITY")
    assert result.code == 0
    assert "FINALITY" in result.out
    assert "BOND_EXIT" not in result.out


def test_another_machine_works_like_the_shipped_one(run: Run) -> None:
    result = run("check", *TWO_PHASE_COMMIT, "--instance", "5")
    assert result.code == 0
    assert "8,832 states, 58,145 steps" in result.out


def test_a_search_that_was_cut_short_is_unknown(run: Run) -> None:
    result = run("check", *TWO_PHASE_COMMIT, "--instance", "5", "--max-states", "100")
    assert result.code == 3
    assert "UNKNOWN" in result.out
    assert "HOLDS" not in result.out


def test_drift_from_a_pinned_size_fails_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DESIGNS["0.2.0"].pins, "tiny", Pin(1, 2, 3))  # type: ignore[arg-type]
    result = run("check", "--instance", "tiny", "--design", "0.2.0")
    assert result.code == 1
    assert "drift" in result.err


OWN = """
from coordination.machine import forall, implies, invariant, situation
from coordination_spec.words import Epoch, Status

@invariant()
def pool_shrinks(s, w):
    '''False: a pruned epoch's bond goes into the pool.'''
    return s.reward_pool <= 3

@invariant()
def pool_is_bounded(s, w):
    '''True.'''
    return s.reward_pool <= w.supply

@situation
def somebody_is_slashed(s, w):
    '''An epoch that was claimed is pruned.'''
    return forall(Epoch, lambda epoch: (s.status[epoch] == Status.PRUNED) & (s.claim_prover[epoch] != 0))
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


def test_properties_of_ones_own_are_judged_beside_the_shipped_ones(run: Run, own: Path) -> None:
    result = run("check", "--instance", "tiny", "--design", "0.2.0", "--properties", own)
    assert result.code == 1, "POOL_SHRINKS is violated, and nobody expected that"
    assert "POOL_IS_BOUNDED" in result.out
    assert "FINALITY" in result.out
    assert "POOL_SHRINKS fails after step" in result.out


def test_a_situation_is_found_from_a_file_and_from_an_expression(run: Run, own: Path) -> None:
    found = run("find", own, "--instance", "tiny", "--design", "0.2.0")
    assert found.code == 0
    assert "prune(caller=mallory, epoch=0)" in found.out
    expression = "all_of(s.status[0] == Status.PRUNED, s.claim_prover[0] == bob)"
    assert run("find", expression, "--instance", "tiny", "--design", "0.2.0").code == 0


def test_a_situation_that_does_not_exist_is_said_not_to(run: Run) -> None:
    result = run("find", "s.claim_fee[0] > 10_000", "--instance", "tiny", "--design", "0.2.0")
    assert result.code == 1
    assert "none of its 10,698 states is like that" in result.out


def test_a_situation_that_was_not_found_in_time_is_unknown(run: Run) -> None:
    result = run("find", "s.claim_fee[0] > 10_000", "--instance", "tiny", "--design", "0.2.0", "--max-states", "9")
    assert result.code == 3


def test_a_saved_witness_is_shown_again_as_text_and_as_a_diagram(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.itf.json"
    found = run("find", "s.status[0] == Status.PROVEN", "--instance", "tiny", "--design", "0.2.0", "-o", file)
    shown = run("trace", file)
    assert shown.code == 0
    steps = [line for line in found.out.splitlines() if line.strip()[:1].isdigit()]
    assert steps
    assert all(step in shown.out for step in steps)
    assert run("trace", file, "--as", "mermaid").out.startswith("sequenceDiagram\n")


def test_a_trace_that_the_machine_does_not_make_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.itf.json"
    run("find", "s.status[0] == Status.PROVEN", "--instance", "tiny", "--design", "0.2.0", "-o", file)
    trace = json.loads(file.read_text())
    trace["states"][-1]["reward_pool"] = {"#bigint": "1"}
    file.write_text(json.dumps(trace))
    assert_refused(run("trace", file), "is not what the machine does")


def test_promela_goes_to_a_file_or_to_standard_output(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "model.pml"
    chosen = ("--instance", "tiny", "--design", "0.2.0")
    assert run("export", "promela", *chosen, "-o", file).code == 0
    assert run("export", "promela", *chosen).out == file.read_text()


@pytest.mark.skipif(shutil.which("spin") is None and not os.environ.get("CI"), reason="Spin is not installed")
def test_spin_counts_the_same_states_and_comes_to_the_same_verdicts(run: Run) -> None:
    result = run("check", "--instance", "tiny", "--recount", "spin")
    assert result.code == 0
    assert result.out.count("the same number and the same verdicts") == len(DESIGNS)


def test_an_instance_with_interchangeable_values_is_not_recounted(run: Run) -> None:
    assert_refused(run("check", "--instance", "twins", "--recount", "spin"), "twins", "another instance")


def test_unknown_names_are_refused_with_those_that_exist(run: Run) -> None:
    assert_refused(run("check", "--property", "FINALTY"), "FINALTY", "did you mean FINALITY")
    assert_refused(run("check", "--instance", "huge"), "huge", "tiny")
    assert_refused(run("check", "--design", "0.3.0"), "0.3.0", "0.2.0")
    assert_refused(run("check", "--machine", "nowhere:X"), "nowhere")
    assert_refused(run("check", "--machine", "tests.two_phase_commit:X"), "X", "TWO_PHASE_COMMIT")
    assert_refused(run("check", "--machine", "nonsense"), "module:name")


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("def broken(:", "line 1: SyntaxError"),
        ("import nowhere_at_all", "line 1: ModuleNotFoundError"),
        ("x = 1", "declares nothing to judge"),
        (
            "from coordination.machine import invariant\n@invariant()\ndef p(s, w):\n    return s.now > 0 and True\n",
            ":4:",
        ),
        (
            "from coordination.machine import invariant\n@invariant()\ndef p(s, w):\n    return s.nonsense > 0\n",
            "nonsense",
        ),
    ],
)
def test_a_malformed_property_file_is_refused_with_its_line(run: Run, tmp_path: Path, source: str, named: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(source)
    assert_refused(run("check", "--instance", "tiny", "--properties", file), "mine.py" if ":4:" in named else "", named)


@pytest.mark.parametrize(
    "value", ["s.held", "1", "'yes'", "(s.now > 3,)", "lambda: False", "...", "None", "s.now > 3 or 1"]
)
def test_a_property_that_is_no_fact_is_refused(run: Run, tmp_path: Path, value: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"from coordination.machine import invariant\n@invariant\ndef p(s, w):\n    return {value}\n")
    assert_refused(run("check", "--instance", "tiny", "--properties", file))


@pytest.mark.parametrize("fact", ["s.status[7] == 0", "s.balance['bob'] == 2", "s.now == 'x'", "s.held[0] == 0"])
def test_what_names_nothing_is_refused_and_not_true_of_nothing(run: Run, fact: str) -> None:
    assert_refused(run("find", fact, "--instance", "tiny", "--design", "0.2.0"))


def test_a_property_may_be_declared_with_parentheses_or_without(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from coordination.machine import invariant\n"
        "@invariant\ndef one(s, w):\n    return s.now >= 0\n"
        "@invariant()\ndef other(s, w):\n    return s.now >= 0\n"
    )
    result = run("check", "--instance", "tiny", "--design", "0.2.0", "--properties", file)
    assert result.code == 0
    assert "ONE  " in result.out
    assert "OTHER  " in result.out


@pytest.mark.parametrize("ending", ["import sys\nsys.exit(0)", "raise SystemExit"])
def test_a_file_that_ends_the_program_is_no_success(run: Run, tmp_path: Path, ending: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(ending)
    assert_refused(run("check", "--instance", "tiny", "--properties", file), "SystemExit")


def test_a_link_is_followed_and_the_mode_of_a_file_is_kept(run: Run, tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    assert run("check", "--instance", "tiny", "--json", link).code == 0
    assert link.is_symlink()
    assert json.loads(real.read_text())
    assert real.stat().st_mode & 0o777 == 0o600


def test_what_is_no_regular_file_is_written_to_and_not_replaced(run: Run) -> None:
    assert run("check", "--instance", "tiny", "--json", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_a_reader_that_leaves_early_loses_no_file_and_changes_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    command = f'{sys.executable} -c "from coordination.cli import main; main()" check --instance tiny --json {file}'
    ended = subprocess.run(["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"], check=False)
    assert ended.returncode == 0
    assert json.loads(file.read_text())


def test_a_verdict_is_never_cut_off(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from coordination.cli import main; main()", "check", "--instance", "tiny"]
    narrow = subprocess.run(command, env={**os.environ, "COLUMNS": "20"}, capture_output=True, text=True, check=True)
    assert "SIGNATURE_BINDING    VIOLATED, expected" in narrow.stdout


def test_a_trace_of_something_else_is_not_shown_as_what_it_claims(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.itf.json"
    run("find", "s.status[0] == Status.PROVEN", "--instance", "tiny", "--design", "0.2.0", "-o", file)
    trace = json.loads(file.read_text())
    trace["#meta"]["property"] = "ONE_LIVE_CLAIM"
    file.write_text(json.dumps(trace))
    assert_refused(run("trace", file), "ONE_LIVE_CLAIM")


def test_a_machine_without_a_rule_is_called_so_and_its_violation_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "without_c6.py").write_text(
        "from coordination_spec import DESIGNS\nMACHINE = DESIGNS['0.2.0'].without('C6')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run("check", "--machine", "without_c6:MACHINE", "--instance", "tiny")
    assert result.code == 1
    assert "prover coordination 0.2.0 without C6, instance tiny" in result.out
    assert "HONEST_PROVER_SAFE fails after step" in result.out


def test_a_property_file_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    assert_refused(run("check", "--properties", tmp_path / "none.py"), "none.py")


@pytest.mark.parametrize("text", ["s.now >", "s.now > 3 and s.now < 5", "s.nonsense == 1", "frob(s.now)", ""])
def test_a_malformed_expression_is_refused(run: Run, text: str) -> None:
    assert_refused(run("find", text, "--instance", "tiny", "--design", "0.2.0"))


def test_an_instance_that_breaks_the_durations_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mymachine.py").write_text(
        "from dataclasses import replace\n"
        "from coordination_spec import DESIGNS\n"
        "from coordination_spec.instances import TINY\n"
        "MACHINE = replace(DESIGNS['0.2.0'], instances={'x': replace(TINY, durations=(4, 3, 2)).instance(None)})\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert_refused(run("check", "--machine", "mymachine:MACHINE"), "C + P <= E", "C = 3, P = 2, E = 4")


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordination.cli.check.check", lambda *_: pytest.fail("the search was started"))
    assert_refused(run("check", "--json", tmp_path / "no" / "x.json"), "no folder")
    assert_refused(run("check", "--json", tmp_path), "is a folder")


def test_a_failed_write_leaves_the_old_file_whole(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "verdicts.json"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    chosen = ("--instance", "tiny", "--design", "0.2.0")
    result = run("check", *chosen, "--json", file)
    assert result.code == 2
    assert "No space left" in result.err
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", ["", "{}", "[1, 2", '{"#meta": {"format": "ITF"}}', "\0\1"])
def test_a_file_that_is_no_trace_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "trace.json"
    file.write_text(content)
    assert_refused(run("trace", file))
    assert_refused(run("trace", tmp_path / "none.json"), "none.json")


def test_an_interrupt_ends_the_command_cleanly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("coordination.cli.check.check", interrupt)
    result = run("check", "--instance", "tiny")
    assert result.code == 130
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["coordination", "aztec"])
def test_an_interrupt_while_the_command_is_being_imported_ends_it_cleanly(command: str) -> None:
    code = f"""
import sys
from coordination.__main__ import {command}

class Interrupting:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
{command}()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_the_command_starts_without_loading_z3() -> None:
    code = "import sys, coordination.cli; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_names_every_command(run: Run) -> None:
    printed = run("--help").out
    assert all(command in printed for command in ("check", "find", "trace", "export"))


def test_the_usual_instance_is_the_one_that_make_check_explores() -> None:
    assert lookup.choose_instance(DESIGNS["0.2.0"], None).name == "ci"
