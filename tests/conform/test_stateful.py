"""Random runs with numbers of any size: the contract does what the specification does, and a bug in either is found."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS, Parameters
from coordination.chain.quote import NOBODY, Quote
from coordination.chain.signing import sign
from coordination.conform.adapter import Expected, Message
from coordination.conform.fuzz.openworld import LAST_MOMENT, Met, OpenWorld
from coordination.conform.fuzz.stateful import Failure, Fuzzed, run
from coordination.conform.fuzz.strategies import RECIPES
from coordination.conform.rollup.adapter import ACTIONS, RollupAdapter
from coordination.conform.rollup.setup import Drawn, Setup
from coordination.machine.trace import Step, Valuation, changes
from coordination_spec import DESIGNS
from coordination_spec.state import Coordination
from tests.conform.planted import BUGS, artifacts, found

HARDENED = DESIGNS["0.2.0"]
EVERY_ERROR = {
    "NotInClaimPhase",
    "EpochAlreadyClaimed",
    "EpochAlreadyProven",
    "EpochAlreadyPruned",
    "InvalidProposerSignature",
    "CallerNotProver",
    "NotPreviousEpoch",
    "InvalidBasisPointFee",
    "BondNotTransferred",
    "EpochNotClaimed",
    "ProofPhaseEnded",
    "InvalidProof",
    "NothingToPrune",
    "ERC20InsufficientBalance",
}
ALICE, BOB = (address_of(development_key(name)) for name in ("alice", "bob"))
MOST = 2**256 - 1


def failure(result: Fuzzed) -> Failure:
    assert result.failure is not None, "nothing was found"
    return result.failure


@pytest.mark.parametrize("design", DESIGNS)
def test_the_contract_does_what_the_specification_does(design: str) -> None:
    result = run(DESIGNS[design], seed=6, examples=60, steps=40)
    assert result.failure is None
    assert result.calls > 1_500
    assert set(result.accepted) == set(ACTIONS)
    assert set(result.rejected) == EVERY_ERROR
    assert result.malformed > 0
    assert result.accepted["claim_proof_right"] > 50
    assert result.accepted["submit_epoch_proof"] > 20


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_that_no_small_instance_shows_is_found(name: str) -> None:
    assert failure(found(name)).divergence.expected != failure(found(name)).divergence.found


@pytest.mark.parametrize(
    ("name", "calls", "kind", "expected", "seen"),
    [
        ("a reward overflows", 2, "answer", "accepts it", "reverts with Panic(code=17)"),
        ("a claim's slot in 32 bits", 1, "storage", "].slot = ", "].slot = "),
    ],
)
def test_what_is_found_is_made_short(name: str, calls: int, kind: str, expected: str, seen: str) -> None:
    divergence = failure(found(name, shrink=True)).divergence
    assert len(divergence.path) + 1 == calls
    assert divergence.kind == kind
    assert (expected in divergence.expected, seen in divergence.found) == (True, True)


def test_a_rule_that_the_contract_has_and_the_specification_has_not_is_found() -> None:
    result = run(HARDENED.without("F3"), seed=1, examples=200, steps=20, shrink=False)
    assert "reverts with InvalidProof" in failure(result).divergence.found


def test_a_rule_that_neither_has_is_not_missed() -> None:
    """Without C6 fees of more than the whole reward are accepted, and proofs of such claims end in a panic in both."""
    result = run(HARDENED.without("C6"), artifacts()["no C6"], seed=2, examples=40, steps=15)
    assert result.failure is None
    assert result.rejected["Panic"] > 0


def test_a_contract_that_cannot_be_deployed_fails_by_its_deployment() -> None:
    nothing = replace(shipped(ROLLUPS["0.2.0"]), bytecode=bytes.fromhex("fe"))
    result = failure(run(HARDENED, nothing, seed=1, examples=1, steps=1))
    assert result.divergence.kind == "deployment"
    assert result.scenario.calls == ()


def test_what_deployment_leaves_is_compared() -> None:
    here = world()
    assert here.check_deployment() is None
    here.state = Valuation({**dict(here.state.items()), "reward_pool": 999})
    divergence = here.check_deployment()
    assert divergence is not None
    assert (divergence.kind, divergence.expected) == (
        "deployment",
        "stores HardenedProverCoordination.rewardPool = 999",
    )


def test_a_seed_says_all(tmp_path: Path) -> None:
    """The same in another process, in which other modules are loaded; and nothing is left where it ran."""
    code = (
        "from coordination.conform.fuzz.stateful import run; from coordination_spec import DESIGNS; "
        "result = run(DESIGNS['0.2.0'], seed=4, examples=10, steps=20); print(result.accepted, result.rejected)"
    )
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONHASHSEED": "7"}
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=where, capture_output=True, text=True, check=True, timeout=60
    )
    here = run(HARDENED, seed=4, examples=10, steps=20)
    assert there.stdout == f"{here.accepted} {here.rejected}\n"
    assert list(tmp_path.iterdir()) == []
    assert run(HARDENED, seed=5, examples=10, steps=20).rejected != here.rejected


def test_rules_are_made_of_the_sorts_that_the_actions_name() -> None:
    for name in ACTIONS:
        assert set(HARDENED.action(name).sorts()) <= RECIPES.keys()
    assert set(ACTIONS) == set(RollupAdapter.actions)


# The open world


def world(timestamp: int = 1_000, **parameters: int) -> OpenWorld:
    """Bob proposes in every slot. A slot takes a second, epoch 0 can be claimed in slots 4 and 5."""
    usual = {
        "genesis_time": 1_000,
        "slot_duration": 1,
        "slots_per_epoch": 4,
        "claim_slots": 2,
        "proof_slots": 2,
        "bond": 10,
        "reward_per_epoch": 100,
    }
    setup = Setup(
        version="0.2.0",
        parameters=Parameters(**(usual | parameters)),
        schedule=Drawn(bytes(32), (BOB,)),
        holdings={ALICE: 25, BOB: 0},
        reward_pool=1_000,
        names={ALICE: "alice", BOB: "bob"},
    )
    return OpenWorld(HARDENED, shipped(ROLLUPS["0.2.0"]), setup, timestamp)


def claim(world: OpenWorld, epoch: int, fee: int = 5_000) -> Step:
    quote = Quote(ALICE, epoch, fee)
    signature = sign(development_key("bob"), world.answers.signing.take_digest(quote, world.slot))
    message = world.calls.claim_proof_right(ALICE, *quote, ("bob's take", signature))
    numbers = int(ALICE, 16), int(ALICE, 16), epoch, fee, int(BOB, 16)
    step, divergence = world.make(HARDENED.action("claim_proof_right"), numbers, message)
    assert divergence is None
    return step


def prune(world: OpenWorld, epoch: int) -> Step:
    message = world.calls.prune(ALICE, epoch)
    step, divergence = world.make(HARDENED.action("prune"), (int(ALICE, 16), epoch), message)
    assert divergence is None
    return step


@pytest.mark.parametrize("moment", [1, 999, 1_000])
def test_before_genesis_it_is_slot_0(moment: int) -> None:
    here = world(moment)
    assert (here.slot, here.previous_epoch) == (0, 0)
    assert claim(here, 0).error == "NotPreviousEpoch"


def test_a_slot_lasts_from_its_first_to_its_last_second() -> None:
    here = world(slot_duration=12)
    for moment, slot in ((1_011, 0), (1_012, 1), (1_023, 1), (1_024, 2)):
        here.pass_time(moment)
        assert here.slot == slot
        assert here.ask(here.answers.views(here.state, [])) is None


@pytest.mark.parametrize("epoch", [1, 2**64, 2**255, MOST - 1, MOST])
def test_an_epoch_far_away_gets_its_named_error(epoch: int) -> None:
    here = world(1_004)
    assert claim(here, epoch).error == "NotPreviousEpoch"
    assert prune(here, epoch).error == "NothingToPrune"


def test_time_jumps_to_where_it_ends() -> None:
    here = world(1_004)
    assert claim(here, 0).error is None
    here.pass_time(LAST_MOMENT)
    assert prune(here, 0).error is None
    assert prune(here, here.previous_epoch - 1).error is None
    assert here.state["reward_pool"] == 1_010


def test_who_calls_need_not_have_been_known_before() -> None:
    here = world()
    stranger = address_of(development_key("a stranger"))
    step, divergence = here.make(HARDENED.action("prune"), (int(stranger, 16), 0), here.calls.prune(stranger, 0))
    assert (step.error, divergence) == ("NothingToPrune", None)


def test_a_difference_is_told_with_the_calls_that_led_to_it() -> None:
    here = world(1_004)
    claimed = claim(here, 0)
    wrong = here.calls.prune(ALICE, 1)  # sent for a call that prunes epoch 0
    _, divergence = here.make(HARDENED.action("prune"), (int(ALICE, 16), 0), wrong)
    assert divergence is not None
    assert [sent.step for sent in divergence.path] == [claimed]
    assert divergence.expected == "reverts with NothingToPrune(epoch=0, slot=4)"
    assert divergence.found == "reverts with NothingToPrune(epoch=1, slot=4)"


def test_logs_and_views_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(1_012)
    (view, *_) = here.answers.views(here.state, [])
    divergence = here.ask([replace(view, returns=bytes(32))])
    assert divergence is not None
    assert (divergence.kind, divergence.found) == ("view", f"returns 0x{12:064x}")
    monkeypatch.setattr(here.answers, "expected", lambda before, step: Expected(None))
    _, divergence = here.make(HARDENED.action("prune"), (int(ALICE, 16), 0), here.calls.prune(ALICE, 0))
    assert divergence is not None
    assert (divergence.kind, divergence.expected) == ("events", "emits nothing")
    assert divergence.found == "emits EpochPruned(epoch=0, slashed=0)"


@pytest.mark.parametrize("data", [b"", b"\x01\x02\x03\x04"])
def test_what_is_no_call_is_refused_without_data(data: bytes) -> None:
    here = world()
    assert here.make_malformed(Message(ALICE, here.there.rollup, data, "nothing")) is None
    prune = here.calls.prune(ALICE, 0)
    divergence = here.make_malformed(prune)  # which is a call, so that it is refused with its error
    assert divergence is not None
    assert divergence.expected == "reverts with no data"


def test_nothing_that_tick_changes_is_seen_by_the_contract() -> None:
    here = world(1_004)
    claim(here, 0)
    tick = here.answers.oracle.run(here.state, HARDENED.action("tick"), ())
    assert tick is not None
    changed = {change.variable for change in changes(Coordination, here.state, tick.state)}
    assert changed == {"now"}
    assert not {"now", "choice_prover", "choice_fee", "seen", "sent"} & set(RollupAdapter.visible)


def test_a_domain_without_bounds_goes_through_what_was_met() -> None:
    met = Met(8)
    assert (list(met), 255 in met, 256 in met, -1 in met) == ([], True, False, False)
    for value in (7, 3, 7):
        met.meet(value)
    assert list(met) == [3, 7]
    assert (met[0], met[-1], met[:1]) == (3, 7, [3])


def test_proposers_are_drawn_as_the_contract_draws_them() -> None:
    here = world()
    drawn = Drawn(bytes(range(32)), (ALICE, BOB, NOBODY))
    assert {drawn.proposer_of(slot) for slot in range(30)} == {ALICE, BOB, NOBODY}
    assert Drawn(bytes(32), ()).proposer_of(3) == NOBODY
    other = OpenWorld(HARDENED, shipped(ROLLUPS["0.2.0"]), replace(here.setup, schedule=drawn), 1_000)
    for slot in range(30):
        other.pass_time(1_000 + slot)
        assert other.ask(other.answers.views(other.state, [])) is None
