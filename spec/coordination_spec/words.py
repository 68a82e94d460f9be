"""The words of the protocol: domain types, and the names of errors.

An error has one name, shared to the letter by the specification, the contract and the node.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple, NewType

Slot = NewType("Slot", int)  # L1 time in steps of the slot duration since genesis
Duration = NewType("Duration", int)  # in slots, at least one
Epoch = NewType("Epoch", int)
Address = NewType("Address", int)  # an account, or NOBODY
Account = NewType("Account", Address)
Amount = NewType("Amount", int)  # of TST, in its smallest unit
Payment = NewType("Payment", Amount)  # an amount that an account is seen to pay in of its own accord
BasisPoints = NewType("BasisPoints", int)  # hundredths of a percent
Rank = NewType("Rank", int)  # 1 for the first quote to arrive at a fee, 2 for the second; 0 for none

NOBODY: Final = Address(0)  # the zero address; also what a signature that is nobody's recovers to
WHOLE: Final = BasisPoints(10_000)


class Status(IntEnum):
    """An epoch's life: OPEN -> CLAIMED -> PROVEN, or OPEN -> PRUNED, or CLAIMED -> PRUNED."""

    OPEN = 0
    CLAIMED = 1
    PROVEN = 2
    PRUNED = 3


class Role(IntEnum):
    """What a signature over a quote is meant as: a prover makes it, a proposer takes it."""

    MAKE = 0
    TAKE = 1


class Quote(NamedTuple):
    """An offer by `prover` to prove `epoch` for a share of its reward."""

    prover: Account
    epoch: Epoch
    basis_point_fee: BasisPoints


# On chain
NOT_IN_CLAIM_PHASE: Final = "NotInClaimPhase"
EPOCH_ALREADY_CLAIMED: Final = "EpochAlreadyClaimed"
EPOCH_ALREADY_PROVEN: Final = "EpochAlreadyProven"
EPOCH_ALREADY_PRUNED: Final = "EpochAlreadyPruned"
INVALID_PROPOSER_SIGNATURE: Final = "InvalidProposerSignature"
CALLER_NOT_PROVER: Final = "CallerNotProver"
NOT_PREVIOUS_EPOCH: Final = "NotPreviousEpoch"
INVALID_BASIS_POINT_FEE: Final = "InvalidBasisPointFee"
BOND_NOT_TRANSFERRED: Final = "BondNotTransferred"
EPOCH_NOT_CLAIMED: Final = "EpochNotClaimed"
PROOF_PHASE_ENDED: Final = "ProofPhaseEnded"
INVALID_PROOF: Final = "InvalidProof"
NOTHING_TO_PRUNE: Final = "NothingToPrune"
INSUFFICIENT_BALANCE: Final = "ERC20InsufficientBalance"  # the token's own
PANIC: Final = "Panic"  # the EVM's, where checked arithmetic would leave its range

# In a node
EPOCH_NO_LONGER_CLAIMABLE: Final = "EpochNoLongerClaimable"
INVALID_PROVER_SIGNATURE: Final = "InvalidProverSignature"
EPOCH_NOT_CURRENT_OR_PREVIOUS: Final = "EpochNotCurrentOrPrevious"
