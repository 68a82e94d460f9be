"""Tokens that misbehave: every sentence of `conform/rollup/assumptions.py` on them is shown here on the bytecode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import NamedTuple

import pytest

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer
from coordination.chain.deployment import find_proof
from coordination.chain.quote import Quote, Status
from coordination.conform.rollup.assumptions import ASSUMPTIONS, TokenKind
from coordination_spec import DESIGNS
from tests.contracts.stage import ALICE, BOB, FORTUNE, MALLORY, PARAMETERS, Stage

BOND, REWARD = PARAMETERS.bond, PARAMETERS.reward_per_epoch
REWARDS = 500  # what is in the pool before the first claim
CLAIM_SLOT = PARAMETERS.slots_per_epoch
DEADLINE = CLAIM_SLOT + PARAMETERS.proof_slots


def funded(stage: Stage) -> Stage:
    """Rewards are in the pool, and epoch 0 can be claimed."""
    assert stage.fund(REWARDS).succeeded
    stage.at(CLAIM_SLOT)
    return stage


def claimed(stage: Stage) -> Stage:
    """Alice has claimed epoch 0, and can prove it."""
    assert funded(stage).claim().succeeded
    return stage


def refused(stage: Stage, error: str, *arguments: object) -> Answer:
    """The answer to a call that failed with the token's own error."""
    return Answer(False, stage.token.error(error, *arguments))


# NoReturn


def everything_happens_as_with_a_plain_token(version: str, token: Artifact) -> None:
    stages = Stage(version, token), Stage(version)
    for stage in stages:
        claimed(stage)
        assert stage.submit().succeeded
        stage.at(8)
        assert stage.claim(epoch=1).succeeded
        stage.at(10)
        assert stage.prune(epoch=1).succeeded
    odd, plain = stages
    assert odd.balances() == plain.balances()
    assert odd.ask("rewardPool") == plain.ask("rewardPool") == REWARDS - REWARD + BOND


def what_cannot_be_moved_is_rejected(version: str, token: Artifact) -> None:
    stage = funded(Stage(version, token))
    with stage.unchanged():
        assert not stage.fund(FORTUNE + 1).succeeded
    stage.approve(ALICE, BOND - 1)
    with stage.unchanged():
        assert stage.claim() == stage.rejected("BondNotTransferred", ALICE, BOND)


# Reentrant


class Outer(NamedTuple):
    """A call that moves tokens: so many transfers, and whether the views tell its effects while they run."""

    prepare: Callable[[Stage], Stage]
    call: Callable[[Stage], Answer]
    transfers: int
    effects_come_first: bool


OUTER = (
    Outer(funded, Stage.claim, 1, True),
    Outer(claimed, Stage.submit, 2, True),
    Outer(funded, lambda stage: stage.fund(1), 1, False),
)

INNER: Mapping[str, Callable[[Stage], bytes]] = {
    "claimProofRight": lambda stage: stage.claim_call(Quote(ALICE, 0, 0)),
    "submitEpochProof": lambda stage: stage.contract.call("submitEpochProof", 0, find_proof(0)),
    "prune": lambda stage: stage.contract.call("prune", 0),
    "fundRewards": lambda stage: stage.contract.call("fundRewards", 0),
}


def no_call_gets_in_while_another_runs(version: str, token: Artifact) -> None:
    for outer in OUTER:
        for inner in INNER.values():
            stage, undisturbed = outer.prepare(Stage(version, token)), outer.prepare(Stage(version, token))
            stage.tell_token("hook", stage.rollup, inner(stage))
            guarded = (False, stage.rejected("ReentrancyGuardReentrantCall").output)
            assert outer.call(stage).succeeded
            assert stage.ask_token("answers") == (guarded,) * (2 * outer.transfers)
            assert outer.call(undisturbed).succeeded
            assert stage.balances() == undisturbed.balances()
            assert stage.storage()[0] == undisturbed.storage()[0]


def a_bond_leaves_once(version: str, token: Artifact) -> None:
    stage = claimed(Stage(version, token))
    stage.tell_token("hook", stage.rollup, INNER["submitEpochProof"](stage))
    assert stage.submit().succeeded
    with stage.unchanged():
        assert stage.submit() == stage.rejected("EpochAlreadyProven", 0)
    assert stage.balances()["rollup"] == stage.ask("rewardPool") == REWARDS - REWARD


def views_tell_the_state_before_the_call_or_after_it(version: str, token: Artifact) -> None:
    for outer in OUTER:
        for view, arguments in (("claimOf", [0]), ("rewardPool", []), ("isPrunable", [0])):
            stage = outer.prepare(Stage(version, token))
            data = stage.contract.call(view, *arguments)
            before = stage.send(MALLORY, data).output
            stage.tell_token("hook", stage.rollup, data)
            assert outer.call(stage).succeeded
            after = stage.send(MALLORY, data).output
            told = after if outer.effects_come_first else before
            assert stage.ask_token("answers") == ((True, told),) * (2 * outer.transfers)


# ReturnsFalse, Stoppable


def refusal(stage: Stage) -> Answer:
    """How a call fails when the token refuses."""
    if stage.token.name == "ReturnsFalse":
        return stage.rejected("SafeERC20FailedOperation", stage.deployment.token)
    return refused(stage, "Stopped")


def a_call_whose_tokens_do_not_move_is_rejected(version: str, token: Artifact) -> None:
    open_, running = funded(Stage(version, token)), claimed(Stage(version, token))
    for stage in (open_, running):
        stage.tell_token("stop")
    with open_.unchanged(), running.unchanged():
        assert open_.claim() == open_.rejected("BondNotTransferred", ALICE, BOND)
        assert open_.fund(1) == refusal(open_)
        assert running.submit() == refusal(running)


def pruning_needs_no_token(version: str, token: Artifact) -> None:
    stage = claimed(Stage(version, token))
    stage.tell_token("stop")
    assert_slashed(stage)


def a_refusing_token_costs_an_honest_prover_its_bond(version: str, token: Artifact) -> None:
    stage = claimed(Stage(version, token))
    stage.tell_token("stop")
    stage.at(DEADLINE - 1)
    assert stage.submit() == refusal(stage)
    assert_slashed(stage)


def assert_slashed(stage: Stage) -> None:
    """The deadline passes, and the bond of epoch 0 becomes a reward."""
    stage.at(DEADLINE)
    assert stage.prune().succeeded
    assert stage.ask("claimOf", 0)[2] == Status.PRUNED
    assert stage.ask("rewardPool") == REWARDS + BOND


# Blocklist


def only_a_refused_account_is_kept_out(version: str, token: Artifact) -> None:
    stage = funded(Stage(version, token))
    stage.tell_token("refuse", ALICE)
    with stage.unchanged():
        assert stage.claim() == stage.rejected("BondNotTransferred", ALICE, BOND)
        assert stage.fund(1, by=ALICE) == refused(stage, "Blocked", ALICE)
    assert stage.fund(1).succeeded

    for account in (ALICE, BOB):
        stage = claimed(Stage(version, token))
        stage.tell_token("refuse", account)
        with stage.unchanged():
            assert stage.submit() == refused(stage, "Blocked", account)

    stage = claimed(Stage(version, token))
    stage.tell_token("refuse", MALLORY)
    assert stage.submit().succeeded


def a_refused_proposer_costs_an_honest_prover_its_bond(version: str, token: Artifact) -> None:
    stage = claimed(Stage(version, token))
    stage.tell_token("refuse", BOB)
    stage.at(DEADLINE - 1)
    assert stage.submit() == refused(stage, "Blocked", BOB)
    assert_slashed(stage)


# FeeOnTransfer


def a_payout_that_cannot_be_made_in_full_is_rejected(version: str, token: Artifact) -> None:
    stage = Stage(version, token)
    stage.at(CLAIM_SLOT)
    assert stage.claim().succeeded
    held = BOND - BOND // 100
    with stage.unchanged():
        assert stage.submit() == refused(stage, "ERC20InsufficientBalance", stage.rollup, held, BOND)


def the_rollup_holds_less_than_it_owes(version: str, token: Artifact) -> None:
    stage = claimed(Stage(version, token))
    owed = stage.ask("rewardPool") + BOND
    assert owed == REWARDS + BOND
    assert stage.balances()["rollup"] == owed - REWARDS // 100 - BOND // 100
    assert stage.submit().succeeded
    stage.at(2 * CLAIM_SLOT)
    assert stage.claim(epoch=1, fee=10_000).succeeded
    owed, held = REWARDS - REWARD + BOND, stage.balances()["rollup"]
    assert held < owed
    assert stage.submit(epoch=1) == refused(stage, "ERC20InsufficientBalance", stage.rollup, held, owed)


Check = Callable[[str, Artifact], None]

SHOWN: Mapping[tuple[str, str], tuple[Check, ...]] = {
    ("NoReturn", "promised"): (everything_happens_as_with_a_plain_token, what_cannot_be_moved_is_rejected),
    ("Reentrant", "promised"): (
        no_call_gets_in_while_another_runs,
        a_bond_leaves_once,
        views_tell_the_state_before_the_call_or_after_it,
    ),
    ("ReturnsFalse", "promised"): (
        a_call_whose_tokens_do_not_move_is_rejected,
        what_cannot_be_moved_is_rejected,
        pruning_needs_no_token,
    ),
    ("ReturnsFalse", "not_promised"): (a_refusing_token_costs_an_honest_prover_its_bond,),
    ("Stoppable", "promised"): (a_call_whose_tokens_do_not_move_is_rejected, pruning_needs_no_token),
    ("Stoppable", "not_promised"): (a_refusing_token_costs_an_honest_prover_its_bond,),
    ("Blocklist", "promised"): (only_a_refused_account_is_kept_out,),
    ("Blocklist", "not_promised"): (a_refused_proposer_costs_an_honest_prover_its_bond,),
    ("FeeOnTransfer", "promised"): (a_payout_that_cannot_be_made_in_full_is_rejected,),
    ("FeeOnTransfer", "not_promised"): (the_rollup_holds_less_than_it_owes,),
}

SENTENCES = [(kind, side) for kind in ASSUMPTIONS for side in ("promised", "not_promised") if getattr(kind, side)]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        pytest.param(kind, check, id=f"{kind.contract}-{side}-{check.__name__}")
        for kind, side in SENTENCES
        for check in SHOWN.get((kind.contract, side), ())
    ],
)
def test_what_is_said_of_a_token_is_so(
    kind: TokenKind, check: Check, version: str, tokens: Mapping[str, Artifact]
) -> None:
    check(version, tokens[kind.contract])


def test_each_sentence_is_shown_and_each_token_is_spoken_of(tokens: Mapping[str, Artifact]) -> None:
    assert {(kind.contract, side) for kind, side in SENTENCES} == set(SHOWN)
    assert sorted(kind.contract for kind in ASSUMPTIONS) == sorted(tokens)


def test_what_is_not_promised_is_a_property_of_the_specification() -> None:
    properties = {each.name for each in DESIGNS["0.2.0"].properties}
    assert {kind.lost for kind in ASSUMPTIONS if kind.not_promised} <= properties
    assert {kind.lost for kind in ASSUMPTIONS if not kind.not_promised} == {""}


def test_no_token_that_misbehaves_is_shipped(tokens: Mapping[str, Artifact]) -> None:
    shipped = {path.name for path in files("coordination.chain").joinpath("artifacts").iterdir()}
    assert shipped.isdisjoint(f"{name}.json" for name in tokens)
