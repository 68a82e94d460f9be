"""What a node refuses, and by which name: the names are those of the protocol, shared with the contract."""

from __future__ import annotations

INVALID_BASIS_POINT_FEE = "InvalidBasisPointFee"
INVALID_PROVER_SIGNATURE = "InvalidProverSignature"
INVALID_PROPOSER_SIGNATURE = "InvalidProposerSignature"
EPOCH_NO_LONGER_CLAIMABLE = "EpochNoLongerClaimable"
EPOCH_NOT_CURRENT_OR_PREVIOUS = "EpochNotCurrentOrPrevious"
PROOF_PHASE_ENDED = "ProofPhaseEnded"
NOT_A_PROVER = "NotAProver"
L1_UNREACHABLE = "L1Unreachable"


class Refused(Exception):
    """A request that this node does not carry out: `error` is its name, the message says why in one line."""

    def __init__(self, error: str, why: str) -> None:
        super().__init__(f"{error}: {why}")
        self.error = error
