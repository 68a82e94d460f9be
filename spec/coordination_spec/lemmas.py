"""What else is true of every reachable state: lemmas that make the properties inductive.

A property that holds in every run need not be kept by every step from every state in which it is true: such a state may
lie beyond all runs. Each lemma excludes some of those. They are proved together with the properties, from the same
rules.
"""

from __future__ import annotations

from coordination.machine import all_of, any_of, forall, implies, invariant
from coordination_spec.properties import bond_conservation, has_claim
from coordination_spec.state import Coordination
from coordination_spec.words import NOBODY, WHOLE, Account, BasisPoints, Epoch, Quote, Slot, Status
from coordination_spec.world import World


@invariant()
def records_are_whole(s: Coordination, w: World) -> bool:
    """A record of a claim has a prover, a proposer and a fee that can be paid, and belongs to an epoch not OPEN."""
    return forall(
        Epoch,
        lambda epoch: all_of(
            implies(any_of(s.status[epoch] == Status.CLAIMED, s.status[epoch] == Status.PROVEN), has_claim(s, epoch)),
            implies(
                has_claim(s, epoch),
                all_of(
                    s.status[epoch] != Status.OPEN,
                    s.claim_proposer[epoch] != NOBODY,
                    s.claim_fee[epoch] <= WHOLE,
                ),
            ),
        ),
    )


@invariant()
def claims_start_in_their_phase(s: Coordination, w: World) -> bool:
    """A stored claim was made in the claim phase for its epoch, by now, under that slot's proposer."""
    return forall(
        Epoch,
        lambda epoch: implies(
            has_claim(s, epoch),
            all_of(
                s.claim_slot[epoch] <= s.now,
                w.is_in_claim_phase(s.claim_slot[epoch]),
                w.epoch(s.claim_slot[epoch]) == epoch + 1,
                s.claim_proposer[epoch] == w.schedule[s.claim_slot[epoch]],
            ),
        ),
    )


@invariant()
def takes_are_what_was_chosen(s: Coordination, w: World) -> bool:
    """Nothing is taken for a later slot, and in this one nothing but the quote on the proposer's disk."""

    def is_chosen(slot: Slot, prover: Account, epoch: Epoch, fee: BasisPoints) -> bool:
        is_on_disk = all_of(s.choice_prover == prover, s.choice_fee == fee)
        return implies(
            s.taken[slot, Quote(prover, epoch, fee)],
            all_of(slot <= s.now, implies(slot == s.now, is_on_disk)),
        )

    return forall((Slot, Account, Epoch, BasisPoints), is_chosen)


@invariant()
def sent_claims_carry_takes(s: Coordination, w: World) -> bool:
    """A claim that an honest prover has sent carries what serves as a take by the proposer of its slot."""

    def is_carried(slot: Slot, prover: Account, epoch: Epoch, fee: BasisPoints) -> bool:
        quote = Quote(prover, epoch, fee)
        proposer = Account(w.schedule[slot])
        return implies(
            s.sent[slot, quote], all_of(proposer != NOBODY, w.design.shows_take(s, w, proposer, quote, slot))
        )

    return forall((Slot, Account, Epoch, BasisPoints), is_carried)


LEMMAS = (
    bond_conservation,  # a lemma too: no amount leaves its range, for no holder has more than there is
    records_are_whole,
    claims_start_in_their_phase,
    takes_are_what_was_chosen,
    sent_claims_carry_takes,
)
