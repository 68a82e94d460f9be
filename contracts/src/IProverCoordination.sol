// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Prover coordination: the right to prove an epoch, claimed with a bond
/// @notice What provers, proposers and nodes see of the rollup. Rules (C1-C7, F1-F3, X1) and error names are those of
/// the specification.
interface IProverCoordination {
    /// @notice An epoch's life: OPEN -> CLAIMED -> PROVEN, or OPEN -> PRUNED, or CLAIMED -> PRUNED.
    enum Status {
        OPEN,
        CLAIMED,
        PROVEN,
        PRUNED
    }

    /// @param v 27 or 28
    /// @param s in the lower half of the curve's order
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice An offer by `prover` to prove `epoch` for a share of its reward, taken by a proposer's `signature`.
    /// @param basisPointFee hundredths of a percent of the reward
    struct Quote {
        address prover;
        uint256 epoch;
        uint32 basisPointFee;
        Signature signature;
    }

    /// @notice What is known of an epoch. All but `status` is zero until the epoch is claimed, and kept after it ends.
    /// @param proposer whose signature took the quote
    /// @param slot when it was claimed
    struct Claim {
        address prover;
        uint32 basisPointFee;
        Status status;
        address proposer;
        uint96 slot;
    }

    event ProofRightClaimed(
        uint256 indexed epoch, address indexed prover, address indexed proposer, uint32 basisPointFee
    );
    event EpochProven(uint256 indexed epoch, uint256 proverShare, uint256 proposerShare);
    event EpochPruned(uint256 indexed epoch, uint256 slashed);
    event RewardsFunded(address indexed caller, uint256 amount);

    /// @notice C >= 1, P >= 1 and C + P <= E must hold, and a slot must take time.
    error InvalidDurations(uint256 slotDuration, uint256 slotsPerEpoch, uint256 claimSlots, uint256 proofSlots);

    error NotInClaimPhase(uint256 slot);
    error EpochAlreadyClaimed(uint256 epoch);
    error EpochAlreadyProven(uint256 epoch);
    error EpochAlreadyPruned(uint256 epoch);
    error InvalidProposerSignature(uint256 slot, address proposer);
    error CallerNotProver(address caller, address prover);
    error NotPreviousEpoch(uint256 epoch, uint256 slot);
    error InvalidBasisPointFee(uint32 basisPointFee);
    error BondNotTransferred(address prover, uint256 bond);

    error EpochNotClaimed(uint256 epoch);
    error ProofPhaseEnded(uint256 epoch, uint256 slot);
    error InvalidProof(uint256 epoch);

    error NothingToPrune(uint256 epoch, uint256 slot);

    /// @notice Claim the right to prove the previous epoch: C1 to C7, in this order; the first that fails names the error.
    function claimProofRight(Quote calldata quote) external;

    /// @notice Prove a claimed epoch: F1 to F3. Anyone may call: the stored prover and proposer are paid.
    function submitEpochProof(uint256 epoch, bytes calldata proof) external;

    /// @notice Give up an epoch that was not claimed, or not proven, in time: X1. Anyone may call.
    function prune(uint256 epoch) external;

    /// @notice Move `amount` of the caller's TST into the reward pool. Anyone may call.
    function fundRewards(uint256 amount) external;

    /// @notice The design, which says what a signature signs.
    function version() external view returns (string memory);

    /// @notice What a prover signs to offer.
    function makeDigest(address prover, uint256 epoch, uint32 basisPointFee) external view returns (bytes32);

    /// @notice What the proposer of `slot` signs to take.
    function takeDigest(address prover, uint256 epoch, uint32 basisPointFee, uint256 slot)
        external
        view
        returns (bytes32);

    /// @notice The slot of this block; 0 before genesis.
    function currentSlot() external view returns (uint256);

    function currentEpoch() external view returns (uint256);

    /// @notice Whether the right to prove the previous epoch can be claimed in this slot.
    function isInClaimPhase() external view returns (bool);

    function currentProposer() external view returns (address);

    function claimOf(uint256 epoch) external view returns (Claim memory);

    /// @notice Whether `prune(epoch)` would be accepted now.
    function isPrunable(uint256 epoch) external view returns (bool);

    /// @notice TST that rewards are paid from; bonds are not in it.
    function rewardPool() external view returns (uint256);
}
