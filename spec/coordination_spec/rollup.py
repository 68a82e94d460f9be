"""The rollup contract: who may claim the right to prove an epoch, how the claim ends, and where the bond goes.

Checks run in the order in which they stand; the first that fails names the error, and nothing changes. Every amount is
tracked in storage: a direct transfer to the contract changes nothing that a rule reads.
"""

from __future__ import annotations

from coordination.machine import action, all_of, any_of, emit, exists, ite, least, require, when
from coordination_spec.state import Coordination
from coordination_spec.words import (
    BOND_NOT_TRANSFERRED,
    CALLER_NOT_PROVER,
    EPOCH_ALREADY_CLAIMED,
    EPOCH_ALREADY_PROVEN,
    EPOCH_ALREADY_PRUNED,
    EPOCH_NOT_CLAIMED,
    INSUFFICIENT_BALANCE,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROOF,
    INVALID_PROPOSER_SIGNATURE,
    NOBODY,
    NOT_IN_CLAIM_PHASE,
    NOT_PREVIOUS_EPOCH,
    NOTHING_TO_PRUNE,
    PANIC,
    PROOF_PHASE_ENDED,
    WHOLE,
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


@action
def claim_proof_right(s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address) -> None:
    """A prover claims the right to prove an epoch, with a quote whose signature recovers to `recovered`.

    May be called by anyone; an honest account does so only through a claim that it has sent, which may land late.
    """
    when(any_of(is_forged(s, w, caller, quote, recovered), is_in_flight(s, w, caller, quote, recovered)))
    require("C1", w.is_in_claim_phase(s.now), NOT_IN_CLAIM_PHASE)
    require("C2", s.status[quote.epoch] != Status.CLAIMED, EPOCH_ALREADY_CLAIMED)
    require("C2", s.status[quote.epoch] != Status.PROVEN, EPOCH_ALREADY_PROVEN)
    require("C2", s.status[quote.epoch] != Status.PRUNED, EPOCH_ALREADY_PRUNED)
    require("C3", all_of(recovered != NOBODY, recovered == w.schedule[s.now]), INVALID_PROPOSER_SIGNATURE)
    require("C4", quote.prover == caller, CALLER_NOT_PROVER)
    require("C5", quote.epoch == w.epoch(s.now) - 1, NOT_PREVIOUS_EPOCH)
    require("C6", quote.basis_point_fee <= WHOLE, INVALID_BASIS_POINT_FEE)
    require("C7", s.balance[caller] >= w.bond, BOND_NOT_TRANSFERRED)
    s.status[quote.epoch] = Status.CLAIMED
    s.claim_prover[quote.epoch] = quote.prover
    s.claim_fee[quote.epoch] = quote.basis_point_fee
    s.claim_proposer[quote.epoch] = w.schedule[s.now]
    s.claim_slot[quote.epoch] = s.now
    s.claim_sender[quote.epoch] = caller
    s.balance[caller] = Amount(s.balance[caller] - w.bond)
    s.held = Amount(s.held + w.bond)
    fee = quote.basis_point_fee
    emit("ProofRightClaimed", epoch=quote.epoch, prover=quote.prover, proposer=recovered, basis_point_fee=fee)


def is_forged(s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address) -> bool:
    """An adversary calls with whatever can be presented: a signature that somebody made, or one that is nobody's."""
    presentable = w.design.shows_take(s, w, Account(recovered), quote, s.now)
    return all_of(w.adversarial[caller], any_of(recovered == NOBODY, presentable))


def is_in_flight(s: Coordination, w: World, caller: Account, quote: Quote, recovered: Address) -> bool:
    """An honest prover's claim lands, now or late, with the take that it was sent with."""
    return all_of(
        caller == quote.prover,
        exists(
            Slot,
            lambda slot: all_of(s.sent[slot, quote], recovered == w.design.recovered_at(w, slot, s.now)),
        ),
    )


@action
def submit_epoch_proof(s: Coordination, w: World, caller: Account, epoch: Epoch, valid: bool) -> None:
    """Somebody proves an epoch. Anyone may call: the stored prover and proposer are paid, whoever calls."""
    require("F1", s.status[epoch] != Status.OPEN, EPOCH_NOT_CLAIMED)
    require("F1", s.status[epoch] != Status.PROVEN, EPOCH_ALREADY_PROVEN)
    require("F1", s.status[epoch] != Status.PRUNED, EPOCH_ALREADY_PRUNED)
    require("F2", s.now < s.claim_slot[epoch] + w.proof_slots, PROOF_PHASE_ENDED)
    require("F3", valid, INVALID_PROOF)
    reward = least(w.reward_per_epoch, s.reward_pool)
    prover_share = compute_prover_share(s, reward, epoch)
    require("EVM", prover_share <= reward, PANIC)
    prover, proposer = Account(s.claim_prover[epoch]), Account(s.claim_proposer[epoch])
    s.status[epoch] = Status.PROVEN
    s.reward_pool = Amount(s.reward_pool - reward)
    s.held = Amount(s.held - reward - w.bond)
    s.balance[prover] = Amount(s.balance[prover] + w.bond + prover_share)
    s.balance[proposer] = Amount(s.balance[proposer] + reward - prover_share)
    emit("EpochProven", epoch=epoch, prover_share=prover_share, proposer_share=reward - prover_share)


def compute_prover_share(s: Coordination, reward: Amount, epoch: Epoch) -> Amount:
    """The prover's part of a reward under the stored fee, rounded down; the proposer gets the rest, dust included."""
    return Amount(reward * s.claim_fee[epoch] // WHOLE)


@action
def prune(s: Coordination, w: World, caller: Account, epoch: Epoch) -> None:
    """An epoch not claimed or not proven in time is given up. Anyone may call; a bond goes to the reward pool."""
    unclaimed = all_of(s.status[epoch] == Status.OPEN, s.now >= (epoch + 1) * w.slots_per_epoch + w.claim_slots)
    unproven = all_of(s.status[epoch] == Status.CLAIMED, s.now >= s.claim_slot[epoch] + w.proof_slots)
    require("X1", any_of(unclaimed, unproven), NOTHING_TO_PRUNE)
    slashed = ite(unproven, w.bond, Amount(0))
    s.status[epoch] = Status.PRUNED
    s.reward_pool = Amount(s.reward_pool + slashed)
    emit("EpochPruned", epoch=epoch, slashed=slashed)


@action
def fund_rewards(s: Coordination, w: World, caller: Account, amount: Payment) -> None:
    """Somebody adds to the reward pool. Anyone may call."""
    pay_in(s, caller, amount)
    s.reward_pool = Amount(s.reward_pool + amount)
    emit("RewardsFunded", caller=caller, amount=amount)


@action
def give_tokens(s: Coordination, w: World, caller: Account, amount: Payment) -> None:
    """Somebody sends TST straight to the contract: a gift that no rule counts."""
    pay_in(s, caller, amount)
    s.gifts = Amount(s.gifts + amount)


def pay_in(s: Coordination, caller: Account, amount: Payment) -> None:
    """Tokens move from an account to the rollup; the token refuses what the account does not own."""
    require("TST", s.balance[caller] >= amount, INSUFFICIENT_BALANCE)
    s.balance[caller] = Amount(s.balance[caller] - amount)
    s.held = Amount(s.held + amount)
