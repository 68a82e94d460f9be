"""What the seed's own design is known to break, why, and by which routes.

A violation that is declared here must go on happening, by each of its routes: if one disappears, the run fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from coordination.machine import Expected, all_of, any_of, exists, negate, situation
from coordination_spec.state import Coordination
from coordination_spec.words import NOBODY, WHOLE, Account, BasisPoints, Epoch, Quote, Role, Slot, Status
from coordination_spec.world import World


def is_claimed_without_a_take(s: Coordination, w: World, proposer: Account, quote: Quote) -> bool:
    """A claim with this quote is stored under an honest proposer that took it in none of its slots."""
    took = exists(Slot, lambda slot: all_of(w.schedule[slot] == proposer, s.taken[slot, quote]))
    return all_of(
        w.is_honest(proposer),
        s.claim_proposer[quote.epoch] == proposer,
        s.claim_prover[quote.epoch] == quote.prover,
        s.claim_fee[quote.epoch] == quote.basis_point_fee,
        negate(took),
    )


def was_signed_elsewhere(s: Coordination, signer: Account, quote: Quote) -> bool:
    return exists(Role, lambda role: s.signed_elsewhere[role, signer, quote])


@situation
def replay_from_another_rollup(s: Coordination, w: World) -> bool:
    """The claim stands on what its proposer took for the other rollup."""
    return exists(
        (Account, Account, Epoch, BasisPoints),
        lambda proposer, prover, epoch, fee: all_of(
            proposer != prover,
            is_claimed_without_a_take(s, w, proposer, Quote(prover, epoch, fee)),
            s.signed_elsewhere[Role.TAKE, proposer, Quote(prover, epoch, fee)],
        ),
    )


@situation
def make_passed_off_as_a_take(s: Coordination, w: World) -> bool:
    """The claim stands on the proposer's own bid, made as a prover of this rollup."""
    return exists(
        (Account, Epoch, BasisPoints),
        lambda account, epoch, fee: all_of(
            is_claimed_without_a_take(s, w, account, Quote(account, epoch, fee)),
            s.made[Quote(account, epoch, fee)],
            negate(was_signed_elsewhere(s, account, Quote(account, epoch, fee))),
        ),
    )


@situation
def take_of_an_earlier_slot(s: Coordination, w: World) -> bool:
    """The proposer of this slot took one quote in an earlier slot and another in this one, and both can be claimed."""
    proposer = Account(w.schedule[s.now])

    def is_taken_twice(earlier: Slot, epoch: Epoch, prover: Account, fee: BasisPoints) -> bool:
        other = exists(
            (Account, BasisPoints),
            lambda other_prover, other_fee: all_of(
                any_of(prover != other_prover, fee != other_fee),
                other_fee <= WHOLE,
                s.taken[s.now, Quote(other_prover, epoch, other_fee)],
            ),
        )
        return all_of(
            earlier < s.now,
            w.schedule[earlier] == proposer,
            fee <= WHOLE,
            s.taken[earlier, Quote(prover, epoch, fee)],
            other,
            s.status[epoch] == Status.OPEN,
            epoch + 1 == w.epoch(s.now),
        )

    return all_of(
        proposer != NOBODY,
        w.is_in_claim_phase(s.now),
        exists((Slot, Epoch, Account, BasisPoints), is_taken_twice),
    )


SEED_IS_KNOWN_TO_BREAK: Mapping[str, Expected] = {
    "SIGNATURE_BINDING": Expected(
        why="the digest of 0.1.0 names neither the rollup nor the role, so a signature serves in places it was not "
        "given for",
        routes=(replay_from_another_rollup, make_passed_off_as_a_take),
    ),
    "SINGLE_USABLE_TAKE": Expected(
        why="the digest of 0.1.0 names no slot, so what a proposer took in an earlier slot stays usable beside what it "
        "takes now",
        routes=(take_of_an_earlier_slot,),
    ),
}
