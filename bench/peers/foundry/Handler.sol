// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProofVerifier} from "../src/IProofVerifier.sol";
import {IProverCoordination} from "../src/IProverCoordination.sol";
import {HardenedProverCoordination} from "../src/HardenedProverCoordination.sol";
import {TestToken} from "../src/dev/TestToken.sol";
import {ValidatorSet} from "../src/dev/ValidatorSet.sol";
import {vm} from "./Shim.sol";

/// @notice A proof of an epoch is its number.
contract NumberVerifier is IProofVerifier {
    function verify(uint256 epoch, bytes calldata proof) external pure returns (bool) {
        return proof.length == 32 && uint256(bytes32(proof)) == epoch;
    }
}

/// @notice What Foundry calls: the rollup's functions with arguments of which most make sense. After each call it says
/// what must be true of this step, also that what should be possible was accepted; between calls, `Invariants` says what
/// must always be. Names are those of the specification's properties, but for REWARDS_FUNDED, which has none there.
contract Handler {
    uint256 public constant SLOT_DURATION = 12;
    uint256 public constant E = 8;
    uint256 public constant C = 4;
    uint256 public constant P = 3;
    uint256 public constant BOND = 1_000;
    uint256 public constant REWARD = 777;
    uint256 public constant WHOLE = 10_000;
    uint256 public constant GENESIS = 1_726_000_000;
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    bytes32 internal constant MAKE = keccak256("Make(address prover,uint256 epoch,uint32 basisPointFee)");
    bytes32 internal constant TAKE = keccak256("Take(address prover,uint256 epoch,uint32 basisPointFee,uint256 slot)");

    HardenedProverCoordination public immutable rollup;
    TestToken public immutable token;
    ValidatorSet public immutable schedule;
    uint256[3] internal _keys = [uint256(0xA11CE), 0xB0B, 0x3A1];
    address[3] internal _actors = [vm.addr(0xA11CE), vm.addr(0xB0B), vm.addr(0x3A1)];

    // What the calls that were accepted so far amount to.
    mapping(uint256 epoch => IProverCoordination.Claim) internal _claims;
    uint256[] internal _epochs; // that are not OPEN
    uint256 public pool;
    uint256 public bonds;
    uint256 public gifts;
    string public broken; // the first property that a step broke

    constructor(HardenedProverCoordination rollup_, TestToken token_, ValidatorSet schedule_) {
        (rollup, token, schedule) = (rollup_, token_, schedule_);
    }

    // The rollup's functions

    function claim(uint256 who, uint256 fee, uint256 oddity) external {
        address prover = actor(who);
        uint256 epoch = _pick(oddity >> 8, slot() / E > 0 ? slot() / E - 1 : 0);
        uint32 basisPointFee = uint32(fee % (WHOLE + 2));
        if (fee % 16 == 0) basisPointFee = uint32(fee >> 8);
        address caller = oddity % 16 == 1 ? actor(who + 1) : prover;
        (IProverCoordination.Signature memory signature, bool isTake) = _signature(prover, epoch, basisPointFee, oddity >> 16);
        uint256 owned = token.balanceOf(caller);
        bool isOpen = _claims[epoch].status == IProverCoordination.Status.OPEN;
        bool isInTime = slot() % E < C && slot() / E == epoch + 1;
        bool isPossible = isOpen && isInTime && isTake && caller == prover && basisPointFee <= WHOLE && owned >= BOND;

        vm.startPrank(caller);
        try rollup.claimProofRight(IProverCoordination.Quote(prover, epoch, basisPointFee, signature)) {
            vm.stopPrank();
        } catch {
            return _refuse(isPossible, "CLAIM_POSSIBLE");
        }

        _require(isOpen, "ONE_CLAIM_PER_EPOCH");
        _require(isInTime, "CLAIM_TIMING");
        _require(caller == prover && owned - token.balanceOf(caller) == BOND, "CALLER_BINDING");
        _require(isTake, "SIGNATURE_BINDING");
        _require(basisPointFee <= WHOLE, "PAYOUT_EXACT");
        _claims[epoch] = IProverCoordination.Claim(
            prover, basisPointFee, IProverCoordination.Status.CLAIMED, schedule.proposerOf(slot()), uint96(slot())
        );
        _epochs.push(epoch);
        bonds += BOND;
    }

    function submit(uint256 who, uint256 which, uint256 proof) external {
        bool isValid = proof % 8 > 0;
        uint256 epoch = _pick(which, _epochs.length > 0 ? _epochs[_epochs.length - 1] : 0);
        IProverCoordination.Claim memory stored = _claims[epoch];
        bool isClaimed = stored.status == IProverCoordination.Status.CLAIMED;
        bool isInTime = slot() < stored.slot + P;
        uint256 prover = token.balanceOf(stored.prover);
        uint256 proposer = token.balanceOf(stored.proposer);

        vm.startPrank(actor(who));
        try rollup.submitEpochProof(epoch, abi.encode(isValid ? epoch : epoch + 1)) {
            vm.stopPrank();
        } catch {
            return _refuse(isClaimed && isInTime && isValid, "HONEST_PROVER_SAFE");
        }

        _require(isClaimed && isValid, "BOND_EXIT");
        _require(isInTime, "PROOF_TIMING");
        uint256 reward = pool < REWARD ? pool : REWARD;
        uint256 share = reward * stored.basisPointFee / WHOLE;
        if (stored.prover == stored.proposer) {
            _require(token.balanceOf(stored.prover) == prover + BOND + reward, "PAYOUT_EXACT");
        } else {
            _require(token.balanceOf(stored.prover) == prover + BOND + share, "PAYOUT_EXACT");
            _require(token.balanceOf(stored.proposer) == proposer + reward - share, "PAYOUT_EXACT");
        }
        _claims[epoch].status = IProverCoordination.Status.PROVEN;
        pool -= reward;
        bonds -= BOND;
    }

    function prune(uint256 who, uint256 which) external {
        uint256 epoch = _pick(which, slot() / E > 0 ? slot() / E - 1 : 0);
        IProverCoordination.Claim memory stored = _claims[epoch];
        bool isOpen = stored.status == IProverCoordination.Status.OPEN;
        bool isClaimed = stored.status == IProverCoordination.Status.CLAIMED;
        bool isOver = isOpen ? slot() >= (epoch + 1) * E + C : isClaimed && slot() >= stored.slot + P;

        vm.startPrank(actor(who));
        try rollup.prune(epoch) {
            vm.stopPrank();
        } catch {
            return _refuse(isOver, "BOND_NOT_STRANDED");
        }

        _require(isOpen || isClaimed, "FINALITY");
        _require(isOver, isOpen ? "CLAIM_TIMING" : "PROOF_TIMING");
        if (isOpen) _epochs.push(epoch);
        if (isClaimed) (pool, bonds) = (pool + BOND, bonds - BOND);
        _claims[epoch].status = IProverCoordination.Status.PRUNED;
    }

    function fund(uint256 who, uint256 amount) external {
        amount = amount % 2_000;
        bool isPossible = token.balanceOf(actor(who)) >= amount;
        vm.startPrank(actor(who));
        try rollup.fundRewards(amount) {
            vm.stopPrank();
        } catch {
            return _refuse(isPossible, "REWARDS_FUNDED");
        }
        pool += amount;
    }

    function give(uint256 who, uint256 amount) external {
        amount = amount % 100;
        vm.startPrank(actor(who));
        require(token.transfer(address(rollup), amount));
        vm.stopPrank();
        gifts += amount;
    }

    function pass(uint256 howLong) external {
        uint256 next = howLong % 4 == 0 ? (slot() / E + 1) * E : slot() + howLong % 3;
        vm.warp(GENESIS + next * SLOT_DURATION + (howLong >> 8) % SLOT_DURATION);
    }

    // What they are called with

    function actor(uint256 who) public view returns (address) {
        return _actors[who % _actors.length];
    }

    function slot() public view returns (uint256) {
        return (block.timestamp - GENESIS) / SLOT_DURATION;
    }

    /// @dev `usual`, mostly; else an epoch close to it.
    function _pick(uint256 choice, uint256 usual) internal pure returns (uint256) {
        if (choice % 8 > 1) return usual;
        return choice % 8 == 0 ? usual + 1 : usual / 2;
    }

    /// @dev The proposer's take, mostly; else something that must not count as one.
    function _signature(address prover, uint256 epoch, uint32 fee, uint256 oddity)
        internal
        view
        returns (IProverCoordination.Signature memory signature, bool isTake)
    {
        uint256 key = _keyOf(schedule.proposerOf(slot()));
        uint256 kind = oddity % 32;
        if (kind == 1) key = _keys[2]; // of the one who never proposes
        bytes32 content = keccak256(abi.encode(TAKE, prover, epoch, kind == 3 ? fee + 1 : fee, kind == 4 ? slot() + 1 : slot()));
        if (kind == 2) content = keccak256(abi.encode(MAKE, prover, epoch, fee));
        if (kind == 5) content = keccak256(abi.encode(TAKE, prover, epoch + 1, fee, slot()));
        if (kind == 6) content = keccak256(abi.encode(TAKE, address(this), epoch, fee, slot()));
        (signature.v, signature.r, signature.s) = vm.sign(key, _digest(content, kind == 7 ? address(this) : address(rollup)));
        if (kind == 8) (signature.v, signature.s) = (55 - signature.v, bytes32(ORDER - uint256(signature.s)));
        if (kind == 9) (signature.v, signature.r, signature.s) = (0, 0, 0);
        isTake = kind == 0 || kind > 9;
    }

    function _digest(bytes32 content, address verifying) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ProverCoordination"),
                keccak256("0.2.0"),
                block.chainid,
                verifying
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    function _keyOf(address account) internal view returns (uint256) {
        for (uint256 i = 0; i < _keys.length; ++i) {
            if (_actors[i] == account) return _keys[i];
        }
        return _keys[0];
    }

    // What came of it

    function epochs() external view returns (uint256[] memory) {
        return _epochs;
    }

    function claimOf(uint256 epoch) external view returns (IProverCoordination.Claim memory) {
        return _claims[epoch];
    }

    /// @dev A refused call: Foundry is to count it as one, unless it should have been accepted.
    function _refuse(bool isPossible, string memory property) internal {
        vm.stopPrank();
        require(isPossible);
        _require(false, property);
    }

    function _require(bool holds, string memory property) internal {
        if (!holds && bytes(broken).length == 0) broken = property;
    }
}
