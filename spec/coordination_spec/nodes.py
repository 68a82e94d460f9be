"""What honest nodes do, off chain: bid, gossip, take, claim; and how they fail.

N1  `submitEpochProofBid(epoch, basisPointFee)` signs a quote with the prover's key and publishes it.
N2  A node keeps a made quote only if its signature recovers to the prover, its fee is at most 10,000, and its epoch is
    the current or the previous one; anything else is dropped.
N3  A proposer takes quotes only in its own slot, in the claim phase, for the previous epoch while that is OPEN; it
    takes the lowest fee whose prover can pay the bond, the earliest seen on a tie.
N4  A proposer never takes two different quotes for the same epoch in the same slot, a crash and restart included: the
    choice is durable before it is published.
N5  A prover that sees its quote taken by the proposer of the current slot sends `claimProofRight`, once; it stops when
    the slot is over or the epoch is claimed.
N6  A prover whose claim landed submits its proof before the proof phase ends: `submit_epoch_proof` in `rollup.py`.
N7  Quotes are forgotten when their epoch can no longer be claimed: see `tick`.

The network loses, repeats and reorders messages: what was once published may be received at any time, any number of
times, or never. What an adversary publishes needs no step: it can always be received.
"""

from __future__ import annotations

from coordination.machine import action, all_of, any_of, forall, implies, ite, negate, require, total, when
from coordination_spec.state import Coordination
from coordination_spec.words import (
    EPOCH_NO_LONGER_CLAIMABLE,
    EPOCH_NOT_CURRENT_OR_PREVIOUS,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROVER_SIGNATURE,
    NOBODY,
    WHOLE,
    Account,
    Address,
    BasisPoints,
    Quote,
    Rank,
    Role,
    Slot,
    Status,
)
from coordination_spec.world import World


@action
def tick(s: Coordination, w: World) -> None:
    """A slot passes, and with it its proposer's choice. N7: what can no longer be claimed is forgotten."""
    when(s.now < w.last_slot)
    s.now = Slot(s.now + 1)
    s.choice_prover = NOBODY
    s.choice_fee = BasisPoints(0)
    s.seen.reset(where=lambda proposer, prover, epoch, fee: negate(w.can_be_claimed(epoch, s.now)))
    s.sent.reset(where=lambda slot, prover, epoch, fee: negate(w.can_be_claimed(epoch, s.now)))


@action
def make_quote(s: Coordination, w: World, quote: Quote) -> None:
    """N1: an honest prover bids; anyone with access to its node may ask for it."""
    when(w.is_honest(quote.prover))
    require("N1", quote.basis_point_fee <= WHOLE, INVALID_BASIS_POINT_FEE)
    require("N1", w.can_be_claimed(quote.epoch, s.now), EPOCH_NO_LONGER_CLAIMABLE)
    s.made[quote] = True


@action
def sign_elsewhere(s: Coordination, w: World, signer: Account, role: Role, quote: Quote) -> None:
    """An honest key is used on another rollup too: there it makes or takes a quote of the same content."""
    when(w.is_honest(signer))
    when(implies(role == Role.MAKE, signer == quote.prover))
    when(quote.basis_point_fee <= WHOLE, "N2")
    s.signed_elsewhere[role, signer, quote] = True


@action
def receive_quote(s: Coordination, w: World, proposer: Account, quote: Quote, recovered: Address) -> None:
    """N2: an honest proposer's node receives a quote on the make topic; its signature recovers to `recovered`.

    What it knows already it ignores: the network repeats messages, and nobody is to blame for that.
    """
    when(w.is_honest(proposer))
    when(s.seen[proposer, quote] == 0)
    when(any_of(recovered == NOBODY, w.design.shows_make(s, w, Account(recovered), quote)))
    require("N2", recovered == quote.prover, INVALID_PROVER_SIGNATURE)
    require("N2", quote.basis_point_fee <= WHOLE, INVALID_BASIS_POINT_FEE)
    current = w.epoch(s.now)
    require("N2", any_of(quote.epoch == current, quote.epoch == current - 1), EPOCH_NOT_CURRENT_OR_PREVIOUS)
    epoch, fee = quote.epoch, quote.basis_point_fee
    earlier = total(Account, lambda prover: ite(s.seen[proposer, Quote(prover, epoch, fee)] > 0, 1, 0))
    s.seen[proposer, quote] = Rank(earlier + 1)


@action
def choose_quote(s: Coordination, w: World, quote: Quote) -> None:
    """N3, N4: the honest proposer of this slot decides which quote it takes, and writes that to its disk."""
    proposer = Account(w.schedule[s.now])
    when(all_of(proposer != NOBODY, w.is_honest(proposer)))
    when(w.is_in_claim_phase(s.now), "N3")
    when(quote.epoch == w.epoch(s.now) - 1, "N3")
    when(s.status[quote.epoch] == Status.OPEN, "N3")
    when(is_candidate(s, w, proposer, quote))
    when(is_best(s, w, proposer, quote), "N3")
    when(s.choice_prover == NOBODY, "N4")
    s.choice_prover = quote.prover
    s.choice_fee = quote.basis_point_fee


def is_candidate(s: Coordination, w: World, proposer: Account, quote: Quote) -> bool:
    """The proposer has the quote, and its prover can pay the bond."""
    return all_of(s.seen[proposer, quote] > 0, s.balance[quote.prover] >= w.bond)


def is_best(s: Coordination, w: World, proposer: Account, quote: Quote) -> bool:
    """No candidate is cheaper, and none at the same fee was seen earlier."""
    fee, rank = quote.basis_point_fee, s.seen[proposer, quote]

    def is_no_better(prover: Account, other_fee: BasisPoints) -> bool:
        other = Quote(prover, quote.epoch, other_fee)
        preferred = any_of(other_fee < fee, all_of(other_fee == fee, s.seen[proposer, other] < rank))
        return negate(all_of(is_candidate(s, w, proposer, other), preferred))

    return forall((Account, BasisPoints), is_no_better)


@action
def publish_take(s: Coordination, w: World, quote: Quote) -> None:
    """N4: the proposer of this slot signs the quote on its disk and publishes the take."""
    when(all_of(s.choice_prover == quote.prover, s.choice_fee == quote.basis_point_fee))
    when(quote.epoch == w.epoch(s.now) - 1)
    s.taken[s.now, quote] = True


@action
def crash_proposer(s: Coordination, w: World, proposer: Account) -> None:
    """An honest proposer crashes and restarts: its memory is lost, its disk is not (N4)."""
    when(w.is_honest(proposer))
    s.seen.reset(where=lambda owner, prover, epoch, fee: owner == proposer)


@action
def send_claim(s: Coordination, w: World, quote: Quote) -> None:
    """N5: an honest prover sees its quote taken by the proposer of this slot, and sends its claim: once in the slot."""
    proposer = Account(w.schedule[s.now])
    when(w.is_honest(quote.prover))
    when(s.made[quote], "N5")
    when(all_of(proposer != NOBODY, w.design.shows_take(s, w, proposer, quote, s.now)))
    when(all_of(w.is_in_claim_phase(s.now), quote.epoch == w.epoch(s.now) - 1), "N5")
    when(s.status[quote.epoch] == Status.OPEN, "N5")
    prover, epoch = quote.prover, quote.epoch
    when(forall(BasisPoints, lambda fee: negate(s.sent[s.now, Quote(prover, epoch, fee)])), "N5")
    s.sent[s.now, quote] = True
