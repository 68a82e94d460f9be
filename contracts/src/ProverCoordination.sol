// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IProofVerifier} from "./IProofVerifier.sol";
import {IProposerSchedule} from "./IProposerSchedule.sol";
import {IProverCoordination} from "./IProverCoordination.sol";

/// @title Prover coordination, all but what a signature signs
/// @notice Checks run in the order in which they stand; the first that fails names the error, and nothing changes.
/// @dev Comparisons of an epoch are arranged so that none can overflow: an epoch near 2^256 gets its named error like any
/// other. Amounts are tracked in storage and never read off the token: a direct transfer to this contract changes nothing.
/// The token is assumed to be plain: no transfer fee, no hooks, 1:1 balances.
abstract contract ProverCoordination is IProverCoordination, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @param genesisTime when slot 0 begins, in seconds
    /// @param slotDuration in seconds
    /// @param slotsPerEpoch E
    /// @param claimSlots C: the claim phase of epoch N is the first C slots of epoch N + 1
    /// @param proofSlots P: the proof phase is the P slots that start with the slot of the claim
    /// @param bond what a claim puts up, in TST
    /// @param rewardPerEpoch what a proven epoch pays, in TST, as far as the reward pool goes
    struct Config {
        IERC20 token;
        IProposerSchedule schedule;
        IProofVerifier verifier;
        uint256 genesisTime;
        uint256 slotDuration;
        uint256 slotsPerEpoch;
        uint256 claimSlots;
        uint256 proofSlots;
        uint256 bond;
        uint256 rewardPerEpoch;
    }

    /// @notice The whole of a reward, in basis points.
    uint256 internal constant WHOLE = 10_000;

    IERC20 public immutable token;
    IProposerSchedule public immutable schedule;
    IProofVerifier public immutable verifier;
    uint256 public immutable genesisTime;
    uint256 public immutable slotDuration;
    uint256 public immutable slotsPerEpoch;
    uint256 public immutable claimSlots;
    uint256 public immutable proofSlots;
    uint256 public immutable bond;
    uint256 public immutable rewardPerEpoch;

    /// @inheritdoc IProverCoordination
    uint256 public rewardPool;

    mapping(uint256 epoch => Claim) private _claims;

    constructor(Config memory config) {
        // A claim's proof phase ends before the next epoch's claim phase begins.
        bool fits = config.claimSlots <= config.slotsPerEpoch
            && config.proofSlots <= config.slotsPerEpoch - config.claimSlots;
        if (config.slotDuration == 0 || config.claimSlots == 0 || config.proofSlots == 0 || !fits) {
            revert InvalidDurations(config.slotDuration, config.slotsPerEpoch, config.claimSlots, config.proofSlots);
        }
        token = config.token;
        schedule = config.schedule;
        verifier = config.verifier;
        genesisTime = config.genesisTime;
        slotDuration = config.slotDuration;
        slotsPerEpoch = config.slotsPerEpoch;
        claimSlots = config.claimSlots;
        proofSlots = config.proofSlots;
        bond = config.bond;
        rewardPerEpoch = config.rewardPerEpoch;
    }

    /// @inheritdoc IProverCoordination
    function claimProofRight(Quote calldata quote) external nonReentrant {
        uint256 slot = currentSlot();
        Claim storage claim = _claims[quote.epoch];
        // C1: in the claim phase.
        if (!isInClaimPhase()) revert NotInClaimPhase(slot);
        // C2: the epoch is neither claimed nor over.
        if (claim.status == Status.CLAIMED) revert EpochAlreadyClaimed(quote.epoch);
        if (claim.status == Status.PROVEN) revert EpochAlreadyProven(quote.epoch);
        if (claim.status == Status.PRUNED) revert EpochAlreadyPruned(quote.epoch);
        // C3: the proposer of this slot took the quote.
        address proposer = schedule.proposerOf(slot);
        address signer = _recover(quote, slot);
        if (signer == address(0) || signer != proposer) revert InvalidProposerSignature(slot, proposer);
        // C4: the prover itself calls.
        if (quote.prover != msg.sender) revert CallerNotProver(msg.sender, quote.prover);
        // C5: the quote is for the epoch before this one; epoch 0 has none before it.
        uint256 epoch = slot / slotsPerEpoch;
        if (epoch == 0 || quote.epoch != epoch - 1) revert NotPreviousEpoch(quote.epoch, slot);
        // C6: the fee is at most the whole reward.
        if (quote.basisPointFee > WHOLE) revert InvalidBasisPointFee(quote.basisPointFee);

        claim.prover = quote.prover;
        claim.basisPointFee = quote.basisPointFee;
        claim.status = Status.CLAIMED;
        claim.proposer = proposer;
        claim.slot = SafeCast.toUint96(slot);
        emit ProofRightClaimed(quote.epoch, quote.prover, proposer, quote.basisPointFee);

        // C7: the bond moves from the prover to the rollup.
        if (!token.trySafeTransferFrom(quote.prover, address(this), bond)) revert BondNotTransferred(quote.prover, bond);
    }

    /// @inheritdoc IProverCoordination
    function submitEpochProof(uint256 epoch, bytes calldata proof) external nonReentrant {
        uint256 slot = currentSlot();
        Claim storage claim = _claims[epoch];
        // F1: the epoch is claimed.
        if (claim.status == Status.OPEN) revert EpochNotClaimed(epoch);
        if (claim.status == Status.PROVEN) revert EpochAlreadyProven(epoch);
        if (claim.status == Status.PRUNED) revert EpochAlreadyPruned(epoch);
        // F2: in the proof phase of its claim.
        if (slot - claim.slot >= proofSlots) revert ProofPhaseEnded(epoch, slot);
        // F3: the proof is valid.
        if (!verifier.verify(epoch, proof)) revert InvalidProof(epoch);

        uint256 reward = Math.min(rewardPerEpoch, rewardPool);
        uint256 proverShare = Math.mulDiv(reward, claim.basisPointFee, WHOLE);
        uint256 proposerShare = reward - proverShare;
        claim.status = Status.PROVEN;
        rewardPool -= reward;
        emit EpochProven(epoch, proverShare, proposerShare);

        token.safeTransfer(claim.prover, bond + proverShare);
        token.safeTransfer(claim.proposer, proposerShare);
    }

    /// @inheritdoc IProverCoordination
    function prune(uint256 epoch) external nonReentrant {
        Claim storage claim = _claims[epoch];
        // X1: not claimed, or not proven, in time.
        if (!isPrunable(epoch)) revert NothingToPrune(epoch, currentSlot());

        uint256 slashed = claim.status == Status.CLAIMED ? bond : 0;
        claim.status = Status.PRUNED;
        rewardPool += slashed;
        emit EpochPruned(epoch, slashed);
    }

    /// @inheritdoc IProverCoordination
    /// @dev Whether the tokens move is the only check here, so it comes first: before it, the sum could overflow.
    function fundRewards(uint256 amount) external nonReentrant {
        token.safeTransferFrom(msg.sender, address(this), amount);
        rewardPool += amount;
        emit RewardsFunded(msg.sender, amount);
    }

    /// @inheritdoc IProverCoordination
    function version() external pure virtual returns (string memory);

    /// @inheritdoc IProverCoordination
    function makeDigest(address prover, uint256 epoch, uint32 basisPointFee) public view virtual returns (bytes32);

    /// @inheritdoc IProverCoordination
    function takeDigest(address prover, uint256 epoch, uint32 basisPointFee, uint256 slot)
        public
        view
        virtual
        returns (bytes32);

    /// @inheritdoc IProverCoordination
    function currentSlot() public view returns (uint256) {
        return block.timestamp < genesisTime ? 0 : (block.timestamp - genesisTime) / slotDuration;
    }

    /// @inheritdoc IProverCoordination
    function currentEpoch() external view returns (uint256) {
        return currentSlot() / slotsPerEpoch;
    }

    /// @inheritdoc IProverCoordination
    function isInClaimPhase() public view returns (bool) {
        return currentSlot() % slotsPerEpoch < claimSlots;
    }

    /// @inheritdoc IProverCoordination
    function currentProposer() external view returns (address) {
        return schedule.proposerOf(currentSlot());
    }

    /// @inheritdoc IProverCoordination
    function claimOf(uint256 epoch) external view returns (Claim memory) {
        return _claims[epoch];
    }

    /// @inheritdoc IProverCoordination
    function isPrunable(uint256 epoch) public view returns (bool) {
        uint256 slot = currentSlot();
        Claim storage claim = _claims[epoch];
        if (claim.status == Status.OPEN) return _isPastClaimPhase(epoch, slot);
        return claim.status == Status.CLAIMED && slot - claim.slot >= proofSlots;
    }

    /// @dev Whether slot >= (epoch + 1) * E + C.
    function _isPastClaimPhase(uint256 epoch, uint256 slot) private view returns (bool) {
        return slot >= claimSlots && (slot - claimSlots) / slotsPerEpoch > epoch;
    }

    /// @dev Who signed the take of `quote` for `slot`; the zero address if the signature is nobody's.
    function _recover(Quote calldata quote, uint256 slot) private view returns (address signer) {
        bytes32 digest = takeDigest(quote.prover, quote.epoch, quote.basisPointFee, slot);
        (signer,,) = ECDSA.tryRecover(digest, quote.signature.v, quote.signature.r, quote.signature.s);
    }
}
