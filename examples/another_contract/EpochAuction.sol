// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IProofVerifier} from "../../contracts/src/IProofVerifier.sol";
import {IProposerSchedule} from "../../contracts/src/IProposerSchedule.sol";

/// @title Epoch auction
/// @notice Provers bid for the right to prove an epoch. The sequencer of a slot awards it to one of them, who claims it in
/// that slot, puts up a bond, and settles with a proof before the claim's deadline.
/// @dev A bid is signed off chain, as typed data `Bid(address prover,uint256 epoch,uint32 fee)`; it is not checked here.
contract EpochAuction is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum Stage {
        OPEN,
        CLAIMED,
        SETTLED,
        EXPIRED
    }

    /// @param genesis when slot 0 begins, in seconds
    /// @param slotTime in seconds
    /// @param epochSlots slots in an epoch
    /// @param claimSlots the first slots of an epoch, in which the one before it can be claimed
    /// @param proofSlots how long a proof may take, from the slot of the claim on
    /// @param bond what a claim puts up
    /// @param reward what settling pays, prover and sequencer together, as far as the pool goes
    struct Terms {
        uint256 genesis;
        uint256 slotTime;
        uint256 epochSlots;
        uint256 claimSlots;
        uint256 proofSlots;
        uint256 bond;
        uint256 reward;
    }

    event Claimed(uint256 indexed epoch, address prover, address sequencer, uint32 fee, uint256 deadline);
    event Settled(uint256 indexed epoch, uint256 toProver, uint256 toSequencer);
    event Expired(uint256 indexed epoch);
    event ToppedUp(uint256 pool);

    /// @dev Basis points in the whole of a reward.
    uint256 private constant WHOLE = 10_000;
    bytes32 private constant AWARD = keccak256("Award(address prover,uint256 epoch,uint32 fee,uint256 slot)");

    IERC20 private immutable TOKEN;
    IProposerSchedule private immutable SCHEDULE;
    IProofVerifier private immutable VERIFIER;
    uint256 private immutable GENESIS;
    uint256 private immutable SLOT_TIME;
    uint256 private immutable EPOCH_SLOTS;
    uint256 private immutable CLAIM_SLOTS;
    uint256 private immutable PROOF_TIME;
    uint256 private immutable BOND;
    uint256 private immutable REWARD;

    /// @notice What rewards are paid from; bonds are not in it.
    uint256 public pool;
    mapping(uint256 epoch => address) public proverOf;
    mapping(uint256 epoch => address) public sequencerOf;
    mapping(uint256 epoch => uint32) public feeOf;
    /// @notice When the time to prove a claimed epoch is over, in seconds.
    mapping(uint256 epoch => uint256) public deadlineOf;
    /// @dev Two bits for each epoch, the lowest for the first of 128.
    mapping(uint256 group => uint256) private _stages;

    constructor(IERC20 token, IProposerSchedule schedule, IProofVerifier verifier, Terms memory terms)
        EIP712("EpochAuction", "1")
    {
        require(terms.slotTime > 0 && terms.claimSlots > 0 && terms.proofSlots > 0, "EpochAuction: no time");
        require(terms.claimSlots + terms.proofSlots <= terms.epochSlots, "EpochAuction: epoch too short");
        TOKEN = token;
        SCHEDULE = schedule;
        VERIFIER = verifier;
        GENESIS = terms.genesis;
        SLOT_TIME = terms.slotTime;
        EPOCH_SLOTS = terms.epochSlots;
        CLAIM_SLOTS = terms.claimSlots;
        PROOF_TIME = terms.proofSlots * terms.slotTime;
        BOND = terms.bond;
        REWARD = terms.reward;
    }

    /// @notice Claim the right to prove the previous epoch for `fee` basis points of its reward.
    /// @param signature the award by this slot's sequencer: r, s and v in 65 bytes
    function claim(address prover, uint256 epoch, uint32 fee, bytes calldata signature) external nonReentrant {
        uint256 slot = currentSlot();
        require(slot % EPOCH_SLOTS < CLAIM_SLOTS, "EpochAuction: not in the claim phase");
        require(stageOf(epoch) == Stage.OPEN, "EpochAuction: not open");
        address sequencer = SCHEDULE.proposerOf(slot);
        (address signer,,) = ECDSA.tryRecoverCalldata(awardHash(prover, epoch, fee, slot), signature);
        require(signer != address(0) && signer == sequencer, "EpochAuction: not awarded");
        require(prover == msg.sender, "EpochAuction: not the prover");
        require(slot >= EPOCH_SLOTS && epoch == slot / EPOCH_SLOTS - 1, "EpochAuction: not the previous epoch");
        require(fee <= WHOLE, "EpochAuction: fee too high");

        uint256 deadline = GENESIS + slot * SLOT_TIME + PROOF_TIME;
        proverOf[epoch] = prover;
        sequencerOf[epoch] = sequencer;
        feeOf[epoch] = fee;
        deadlineOf[epoch] = deadline;
        _enter(epoch, Stage.CLAIMED);
        emit Claimed(epoch, prover, sequencer, fee, deadline);
        TOKEN.safeTransferFrom(prover, address(this), BOND);
    }

    /// @notice Prove a claimed epoch. Anyone may call: its prover and its sequencer are paid.
    function settle(uint256 epoch, bytes calldata proof) external nonReentrant {
        require(stageOf(epoch) == Stage.CLAIMED, "EpochAuction: not claimed");
        require(!_isLate(epoch), "EpochAuction: too late");
        require(VERIFIER.verify(epoch, proof), "EpochAuction: not a proof");

        uint256 reward = Math.min(REWARD, pool);
        uint256 toSequencer = reward - Math.mulDiv(reward, feeOf[epoch], WHOLE);
        uint256 toProver = BOND + reward - toSequencer;
        pool -= reward;
        _enter(epoch, Stage.SETTLED);
        emit Settled(epoch, toProver, toSequencer);
        TOKEN.safeTransfer(proverOf[epoch], toProver);
        TOKEN.safeTransfer(sequencerOf[epoch], toSequencer);
    }

    /// @notice Give up an epoch that was not claimed, or not settled, in time; a bond goes into the pool.
    function expire(uint256 epoch) external nonReentrant {
        require(canExpire(epoch), "EpochAuction: not over");
        if (stageOf(epoch) == Stage.CLAIMED) pool += BOND;
        _enter(epoch, Stage.EXPIRED);
        emit Expired(epoch);
    }

    /// @notice Add `amount` to what rewards are paid from.
    function topUp(uint256 amount) external nonReentrant {
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        pool += amount;
        emit ToppedUp(pool);
    }

    /// @notice Whether `expire(epoch)` would succeed now.
    function canExpire(uint256 epoch) public view returns (bool) {
        Stage stage = stageOf(epoch);
        if (stage == Stage.CLAIMED) return _isLate(epoch);
        uint256 slot = currentSlot();
        return stage == Stage.OPEN && slot >= CLAIM_SLOTS && (slot - CLAIM_SLOTS) / EPOCH_SLOTS > epoch;
    }

    function stageOf(uint256 epoch) public view returns (Stage) {
        return Stage((_stages[epoch / 128] >> _shift(epoch)) & 3);
    }

    /// @notice The slot of this block; 0 before genesis.
    function currentSlot() public view returns (uint256) {
        return block.timestamp < GENESIS ? 0 : (block.timestamp - GENESIS) / SLOT_TIME;
    }

    /// @notice What the sequencer of `slot` signs to award an epoch.
    function awardHash(address prover, uint256 epoch, uint32 fee, uint256 slot) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(AWARD, prover, epoch, fee, slot)));
    }

    function _isLate(uint256 epoch) private view returns (bool) {
        return block.timestamp > deadlineOf[epoch];
    }

    function _enter(uint256 epoch, Stage stage) private {
        uint256 others = _stages[epoch / 128] & ~(uint256(3) << _shift(epoch));
        _stages[epoch / 128] = others | (uint256(stage) << _shift(epoch));
    }

    function _shift(uint256 epoch) private pure returns (uint256) {
        return (epoch % 128) * 2;
    }
}
