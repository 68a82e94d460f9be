"""What a step may change: the rollup contract and its token, what has been signed, and what nodes remember."""

from __future__ import annotations

from coordination.machine import Map, State
from coordination_spec.words import Account, Address, Amount, BasisPoints, Epoch, Quote, Rank, Role, Slot, Status


class Coordination(State):
    """The state of one rollup, of the accounts around it, and of what is known of a second rollup with the same keys.

    Signatures are facts, after Dolev and Yao: a set of who signed what, which only grows. Only what honest keys have
    signed is written down; whoever holds an adversarial key can sign with it at any time.
    """

    now: Slot

    # The contract: one record an epoch, kept after the epoch has ended.
    status: Map[Epoch, Status]
    claim_prover: Map[Epoch, Address]
    claim_fee: Map[Epoch, BasisPoints]
    claim_proposer: Map[Epoch, Address]
    claim_slot: Map[Epoch, Slot]
    claim_sender: Map[Epoch, Address]  # who sent the claim: not stored by the contract, but CALLER_BINDING speaks of it

    # TST: what accounts own, what the rollup holds, and how much of that is rewards, or was simply sent to it.
    balance: Map[Account, Amount]
    held: Amount
    reward_pool: Amount
    gifts: Amount

    # Signatures of honest keys. A take is by the proposer of its slot. The other rollup has its own slots.
    made: Map[Quote, bool]
    taken: Map[tuple[Slot, Quote], bool]
    signed_elsewhere: Map[tuple[Role, Account, Quote], bool]

    # A proposer's memory, lost in a crash: the order in which quotes of one epoch and fee arrived.
    seen: Map[tuple[Account, Quote], Rank]
    # A proposer's disk: which quote the proposer of this slot takes. Past slots are over and need no record.
    choice_prover: Address
    choice_fee: BasisPoints
    # Claims that honest provers have sent, with the take of that slot; the network may land them at any later time.
    sent: Map[tuple[Slot, Quote], bool]
