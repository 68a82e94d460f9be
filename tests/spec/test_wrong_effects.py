"""Do the properties see a wrong effect? Each action below does what its rule says, and then one thing that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coordination.machine import Action, action, ite, require
from coordination_spec import nodes, rollup
from coordination_spec.instances import TINY, Scenario
from coordination_spec.properties import SAFETY
from coordination_spec.state import Coordination
from coordination_spec.words import (
    INSUFFICIENT_BALANCE,
    NOTHING_TO_PRUNE,
    Account,
    Address,
    Amount,
    Epoch,
    Payment,
    Quote,
    Slot,
    Status,
)
from coordination_spec.world import World
from tests.spec.worlds import HARDENED, explore, violated

CASES: list[tuple[str, Action, set[str], Scenario]] = []
POOR = replace(TINY, name="poor", reward_pool=0)


def breaks(*properties: str, scenario: Scenario = TINY) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a wrong twin of the action that its name starts with, and what that must break."""

    def register(run: Callable[..., None]) -> Callable[..., None]:
        right = next(each for each in HARDENED.actions if run.__name__.startswith(each.name))
        twin = action(run)
        CASES.append((run.__name__, Action(right.name, twin.run, twin.parameters), set(properties), scenario))
        return run

    return register


@breaks("BOND_CONSERVATION", "BOND_EXIT", "CALLER_BINDING")
def claim_proof_right_without_a_bond(
    s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address
) -> None:
    rollup.claim_proof_right.run(s, w, caller, quote, recovered)
    s.balance[caller] = Amount(s.balance[caller] + w.bond)
    s.held = Amount(s.held - w.bond)


@breaks("CLAIM_TIMING", "SIGNATURE_BINDING")
def claim_proof_right_dated_one_slot_late(
    s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address
) -> None:
    rollup.claim_proof_right.run(s, w, caller, quote, recovered)
    s.claim_slot[quote.epoch] = Slot(s.now + 1)


@breaks("SIGNATURE_BINDING")
def claim_proof_right_in_the_callers_favour(
    s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address
) -> None:
    rollup.claim_proof_right.run(s, w, caller, quote, recovered)
    s.claim_proposer[quote.epoch] = caller


@breaks("BOND_CONSERVATION", "PAYOUT_EXACT")
def submit_epoch_proof_burning_a_token(s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool) -> None:
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)
    proposer = Account(s.claim_proposer[epoch])
    s.balance[proposer] = Amount(s.balance[proposer] - 1)


@breaks("PAYOUT_EXACT")
def submit_epoch_proof_rewarding_its_caller(
    s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool
) -> None:
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)
    proposer = Account(s.claim_proposer[epoch])
    s.balance[proposer] = Amount(s.balance[proposer] - 1)
    s.balance[caller] = Amount(s.balance[caller] + 1)


@breaks("BOND_EXIT", "PAYOUT_EXACT", "HONEST_PROVER_SAFE")
def submit_epoch_proof_with_the_bond_to_the_proposer(
    s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool
) -> None:
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)
    prover, proposer = Account(s.claim_prover[epoch]), Account(s.claim_proposer[epoch])
    s.balance[prover] = Amount(s.balance[prover] - w.bond)
    s.balance[proposer] = Amount(s.balance[proposer] + w.bond)


@breaks("BOND_CONSERVATION", "BOND_EXIT", "PAYOUT_EXACT", scenario=POOR)
def submit_epoch_proof_slashing_the_bond_too(
    s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool
) -> None:
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)
    s.reward_pool = Amount(s.reward_pool + w.bond)


@breaks("HONEST_PROVER_SAFE", scenario=POOR)
def submit_epoch_proof_reverting_on_an_empty_pool(
    s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool
) -> None:
    require("F3", s.reward_pool > 0, INSUFFICIENT_BALANCE)
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)


@breaks("ONE_CLAIM_PER_EPOCH", "SIGNATURE_BINDING")
def submit_epoch_proof_forgetting_the_claim(
    s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool
) -> None:
    rollup.submit_epoch_proof.run(s, w, caller, epoch, valid)
    s.claim_slot[epoch] = Slot(0)


@breaks("BOND_CONSERVATION", "BOND_EXIT")
def prune_burying_the_bond(s: Coordination, w: World, caller: Account, epoch: Epoch) -> None:
    was_claimed = s.status[epoch] == Status.CLAIMED
    rollup.prune.run(s, w, caller, epoch)
    s.reward_pool = Amount(s.reward_pool - ite(was_claimed, w.bond, Amount(0)))


@breaks("BOND_EXIT")
def prune_returning_the_bond(s: Coordination, w: World, caller: Account, epoch: Epoch) -> None:
    require("X1", s.status[epoch] == Status.CLAIMED, NOTHING_TO_PRUNE)
    rollup.prune.run(s, w, caller, epoch)
    prover = Account(s.claim_prover[epoch])
    s.reward_pool = Amount(s.reward_pool - w.bond)
    s.held = Amount(s.held - w.bond)
    s.balance[prover] = Amount(s.balance[prover] + w.bond)


@breaks("BOND_EXIT", "HONEST_PROVER_SAFE")
def prune_whatever_the_time(s: Coordination, w: World, caller: Account, epoch: Epoch) -> None:
    require("X1", s.status[epoch] == Status.CLAIMED, NOTHING_TO_PRUNE)
    s.status[epoch] = Status.PRUNED
    s.reward_pool = Amount(s.reward_pool + w.bond)


@breaks("ONE_CLAIM_PER_EPOCH")
def prune_reopening_the_epoch(s: Coordination, w: World, caller: Account, epoch: Epoch) -> None:
    rollup.prune.run(s, w, caller, epoch)
    s.status[epoch] = Status.OPEN


@breaks("BOND_CONSERVATION", "BOND_EXIT")
def fund_rewards_without_effect_on_the_pool(s: Coordination, w: World, caller: Account, amount: Payment) -> None:
    rollup.fund_rewards.run(s, w, caller, amount)
    s.reward_pool = Amount(s.reward_pool - amount)


@breaks("BOND_CONSERVATION", "BOND_EXIT")
def give_tokens_counted_as_rewards(s: Coordination, w: World, caller: Account, amount: Payment) -> None:
    rollup.give_tokens.run(s, w, caller, amount)
    s.reward_pool = Amount(s.reward_pool + amount)


@breaks("NO_EQUIVOCATION", "SINGLE_USABLE_TAKE")
def publish_take_forgetting_the_choice(s: Coordination, w: World, quote: Quote) -> None:
    nodes.publish_take.run(s, w, quote)
    s.choice_prover = Address(0)


@pytest.mark.parametrize(("name", "twin", "properties", "scenario"), CASES, ids=[name for name, *_ in CASES])
def test_a_wrong_effect_breaks_exactly(name: str, twin: Action, properties: set[str], scenario: Scenario) -> None:
    assert properties <= {prop.name for prop in SAFETY}
    assert violated(explore(HARDENED.replacing(twin), scenario)).keys() == properties
