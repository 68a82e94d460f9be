"""A failing run is printed as programs, in Python and for Foundry, that fail as it does and pass where all is right."""

from __future__ import annotations

import json
import runpy
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import ROLLUPS, Parameters, find_proof
from coordination.chain.evm import Evm
from coordination.chain.quote import Quote, Signature
from coordination.chain.signing import sign
from coordination.conform.adapter import Expected, Message
from coordination.conform.divergence import Divergence, Sent
from coordination.conform.exhaustive import conform
from coordination.conform.fuzz.openworld import OpenWorld
from coordination.conform.fuzz.stateful import run as fuzz
from coordination.conform.programs.foundry import foundry_test
from coordination.conform.programs.python import python_program
from coordination.conform.programs.scenario import Call, Scenario, Word, scenario_of
from coordination.conform.rollup.adapter import RollupAdapter
from coordination.conform.rollup.setup import Drawn, Setup
from coordination_spec import DESIGNS
from tests.conform.planted import artifacts, found, sources
from tests.contracts.toolchain import CONTRACTS, FORGE, run

ALICE, BOB = (address_of(development_key(name)) for name in ("alice", "bob"))
STRANGER = address_of(development_key("a stranger"))  # of whom it is not known that there is a key
SETUP = Setup(
    version="0.2.0",
    parameters=Parameters(1_000, 1, 4, 2, 2, 10, 100),
    schedule=Drawn(bytes(32), (BOB,)),
    holdings={ALICE: 25, BOB: 0, STRANGER: 0},
    reward_pool=1_000,
    gift=3,
    names={ALICE: "alice", BOB: "bob"},
)
FALSE_FOR_FOUNDRY = (0, 1, 2, 3, 5, 9)  # of what is falsified; each takes the compiler a second
BUGS = ("a reward overflows", "a claim's slot in 32 bits")  # the one is seen in an answer, the other in storage


def failing(name: str) -> Scenario:
    failure = found(name, shrink=True).failure
    assert failure is not None
    return failure.scenario


@cache
def overflowing() -> Scenario:
    """What exhaustive conformance makes of a contract whose pruning overflows: here, of an instance's last epoch."""
    machine, artifact = DESIGNS["0.2.0"], shipped(ROLLUPS["0.1.0"])
    tiny = machine.instance("tiny")
    result = conform(machine, tiny, artifact, RollupAdapter, is_distinct=True, most_divergences=1_000)
    longest = max((each for each in result.divergences if each.kind == "answer"), key=lambda each: len(each.path))
    return scenario_of(longest, RollupAdapter(machine, tiny, artifact, Evm()).answers, artifact)


@cache
def everything(version: str) -> Scenario:
    """A call of each kind on the right contract, what it stores then, and what it tells."""
    machine = DESIGNS[version]
    world = OpenWorld(machine, shipped(ROLLUPS[version]), replace(SETUP, version=version), timestamp=1)
    calls: list[Call] = []

    def send(action: str, *numbers: int, message: Message) -> None:
        before = world.state
        step, divergence = world.make(machine.action(action), numbers, message)
        assert divergence is None, divergence
        calls.append(Call(world.timestamp, message, world.answers.expected(before, step)))

    alice, bob, stranger = (int(each, 16) for each in (ALICE, BOB, STRANGER))
    quote = Quote(ALICE, 0, 5_000)
    take = sign(development_key("bob"), world.answers.signing.take_digest(quote, 5))
    world.pass_time(1_005)
    claim = world.calls.claim_proof_right(ALICE, *quote, ("bob's take", take))
    other = world.calls.claim_proof_right(ALICE, *quote, ("nobody's", Signature(27, b"\1" * 32, b"\2" * 32)))
    send("claim_proof_right", alice, alice, 0, 5_000, bob, message=claim)
    send("claim_proof_right", alice, alice, 0, 5_000, 0, message=other)
    send("prune", stranger, 2**256 - 1, message=world.calls.prune(STRANGER, 2**256 - 1))
    funds = world.calls.fund_rewards(ALICE, 4)
    send("fund_rewards", alice, 4, message=replace(funds, data=funds.data + b"\xff"))
    send("give_tokens", alice, 99, message=world.calls.give_tokens(ALICE, 99))
    send("give_tokens", alice, 1, message=world.calls.give_tokens(ALICE, 1))
    calls.append(Call(1_005, replace(funds, data=funds.data[:-1]), Expected(b"")))
    send("submit_epoch_proof", bob, 0, 0, message=world.calls.submit_epoch_proof(BOB, 0, ("none", b"\7")))
    send("submit_epoch_proof", bob, 0, 1, message=world.calls.submit_epoch_proof(BOB, 0, ("a proof", find_proof(0))))
    words = world.answers.storage(world.state)[world.there.rollup]
    stored = tuple(Word(world.there.rollup, slot, word, "a word") for slot, word in words.items())
    view = world.answers.views(world.state, [0])[-1]
    return Scenario("everything", world.setup, tuple(calls), 1_007, stored, view)


def falsified(scenario: Scenario) -> list[Scenario]:
    """The same, but for one thing each that is wrong."""
    calls = scenario.calls
    assert scenario.view is not None
    view, word = replace(scenario.view, returns=bytes(160)), replace(scenario.stored[0], value=77)
    wrong: list[tuple[int, Expected]] = [
        (0, Expected(None)),
        (0, Expected(b"")),
        (1, Expected(None)),
        (2, replace(calls[2].expected, reverts=b"\1\2\3\4")),
        (3, Expected(b"")),
        (4, Expected(b"")),
        (5, Expected(None, calls[0].expected.logs)),
        (6, Expected(None)),
        (8, Expected(None, calls[0].expected.logs)),
    ]
    return [
        replace(scenario, view=view),
        replace(scenario, stored=(word,)),
        *(
            replace(scenario, calls=(*calls[:at], replace(calls[at], expected=expected), *calls[at + 1 :]))
            for at, expected in wrong
        ),
    ]


def replay(program: str, rollup: Artifact) -> None:
    """Run what was pasted, but on this contract."""
    names: dict[str, Any] = {"__name__": "pasted"}
    exec(program, names)
    names["replay"](rollup)


# Python


@pytest.mark.parametrize("name", BUGS)
def test_a_program_fails_on_the_contract_that_it_was_printed_for_and_on_no_other(name: str) -> None:
    program = python_program(failing(name))
    replay(program, shipped(ROLLUPS["0.2.0"]))
    with pytest.raises(AssertionError):
        replay(program, artifacts()[name])


def test_a_program_shows_calls_with_their_arguments() -> None:
    program = python_program(failing("a reward overflows"))
    assert 'rollup.call("claimProofRight", take("' in program
    assert ", Quote(ALICE, 0, 10_000), slot=2))" in program
    assert 'rollup.event("ProofRightClaimed", 0, ALICE, ' in program
    assert 'rollup.call("submitEpochProof", 0, bytes.fromhex("' in program


def test_a_program_says_what_is_stored_by_name() -> None:
    assert "# _claims[0].prover, _claims[0].basisPointFee" not in python_program(failing("a reward overflows"))
    assert "].slot" in python_program(failing("a claim's slot in 32 bits"))


def test_a_pasted_program_runs_the_shipped_contract(tmp_path: Path) -> None:
    pasted = tmp_path / "pasted.py"
    pasted.write_text(python_program(everything("0.2.0")))
    assert runpy.run_path(str(pasted), run_name="__main__")["SETUP"] == replace(SETUP, names={})


def test_a_pasted_program_runs_the_contract_of_a_file(tmp_path: Path) -> None:
    file = Path(str(CONTRACTS.parent / "src" / "coordination" / "chain" / "artifacts" / f"{ROLLUPS['0.1.0']}.json"))
    pasted = tmp_path / "pasted.py"
    pasted.write_text(python_program(everything("0.2.0"), file))
    with pytest.raises(AssertionError, match="reverts with"):  # the other design takes the signature for nobody's
        runpy.run_path(str(pasted), run_name="__main__")


@pytest.mark.parametrize("version", DESIGNS)
def test_every_kind_of_call_can_be_said_in_python(version: str) -> None:
    replay(python_program(everything(version)), shipped(ROLLUPS[version]))


@pytest.mark.parametrize("number", range(11))
def test_a_program_checks_all_that_it_says(number: int) -> None:
    with pytest.raises(AssertionError):
        replay(python_program(falsified(everything("0.2.0"))[number]), shipped(ROLLUPS["0.2.0"]))


def test_what_exhaustive_conformance_finds_is_a_program_too() -> None:
    program = python_program(overflowing())
    assert "Listed((" in program
    replay(program, shipped(ROLLUPS["0.2.0"]))
    with pytest.raises(AssertionError):
        replay(program, shipped(ROLLUPS["0.1.0"]))


def test_a_view_that_tells_otherwise_is_a_program_too() -> None:
    machine, artifact = DESIGNS["0.2.0"], shipped(ROLLUPS["0.2.0"])
    answers = RollupAdapter(machine, machine.instance("tiny"), artifact, Evm()).answers
    view = next(view for view in answers.constants if view.message.text == "version()")
    told = Divergence("view", (), Sent(1_726_000_036, view.message, None), "returns this", "returns that")
    program = python_program(scenario_of(told, answers, artifact))
    replay(program, artifact)
    with pytest.raises(AssertionError):
        replay(program, shipped(ROLLUPS["0.1.0"]))


def test_a_contract_that_cannot_be_deployed_fails_its_program_by_that() -> None:
    nothing = replace(shipped(ROLLUPS["0.2.0"]), bytecode=bytes.fromhex("fe"))
    failure = fuzz(DESIGNS["0.2.0"], nothing, seed=1, examples=1, steps=1, shrink=False).failure
    assert failure is not None
    replay(python_program(failure.scenario), shipped(ROLLUPS["0.2.0"]))
    with pytest.raises(RuntimeError):
        replay(python_program(failure.scenario), nothing)


# Foundry


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why Foundry fails each file, all in one run; nothing for what passes."""
    project = tmp_path_factory.mktemp("foundry")
    shutil.copytree(CONTRACTS / "src", project / "src")
    for name in ("remappings.txt", "tools", "node_modules"):
        (project / name).symlink_to(CONTRACTS / name)
    settings = (CONTRACTS / "foundry.toml").read_text()
    (project / "foundry.toml").write_text(settings.replace("optimizer = true", "optimizer = false"))  # which is slow
    right = {"overflowing": overflowing(), **{f"everything {version}": everything(version) for version in DESIGNS}}
    files = {f"test/right {name}.t.sol": foundry_test(each) for name, each in right.items()}
    for number in FALSE_FOR_FOUNDRY:
        files[f"test/false {number}.t.sol"] = foundry_test(falsified(everything("0.2.0"))[number])
    for number, name in enumerate(BUGS):
        text = foundry_test(failing(name))
        files[f"test/right {name}.t.sol"] = text
        files[f"test/bug {name}.t.sol"] = text.replace('"src/', f'"bug{number}/src/')
        files |= sources(name, f"bug{number}")
    for file, text in files.items():
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text(text)
    answer = run([FORGE, "test", "--json"], project)
    assert answer.stdout.startswith("{"), answer.stderr or answer.stdout
    suites = json.loads(answer.stdout)
    return {
        suite.split(":")[0]: result["reason"] if result["status"] == "Failure" else ""
        for suite, tests in suites.items()
        for result in tests["test_results"].values()
    }


def test_foundry_passes_what_is_right(judged: dict[str, str]) -> None:
    right = {file: reason for file, reason in judged.items() if file.startswith("test/right")}
    assert len(right) == 3 + len(BUGS)
    assert set(right.values()) == {""}


@pytest.mark.parametrize(("name", "why"), [(BUGS[0], "arithmetic underflow or overflow"), (BUGS[1], "].slot")])
def test_foundry_fails_what_has_a_bug(judged: dict[str, str], name: str, why: str) -> None:
    assert why in judged[f"test/bug {name}.t.sol"]


@pytest.mark.parametrize("number", FALSE_FOR_FOUNDRY)
def test_foundry_fails_what_is_said_wrongly(judged: dict[str, str], number: int) -> None:
    assert judged[f"test/false {number}.t.sol"] != ""
