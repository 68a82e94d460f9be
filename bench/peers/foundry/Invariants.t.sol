// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {HardenedProverCoordination} from "../src/HardenedProverCoordination.sol";
import {IProverCoordination} from "../src/IProverCoordination.sol";
import {ProverCoordination} from "../src/ProverCoordination.sol";
import {TestToken} from "../src/dev/TestToken.sol";
import {ValidatorSet} from "../src/dev/ValidatorSet.sol";
import {Handler, NumberVerifier} from "./Handler.sol";
import {vm} from "./Shim.sol";

/// @notice The specification's safety properties as far as the contract can see them, for Foundry's invariant fuzzing.
contract Invariants {
    uint256 internal constant ACTORS = 3;
    uint256 internal constant EACH = 20_000;

    Handler public handler;
    HardenedProverCoordination internal _rollup;
    TestToken internal _token;

    function setUp() external {
        handler = Handler(_deploy());
        vm.warp(handler.GENESIS());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One function, so that one campaign judges all of them after every call.
    function invariant_properties() external view {
        require(bytes(handler.broken()).length == 0, handler.broken());
        uint256[] memory epochs = handler.epochs();
        uint256 running = 0;
        for (uint256 i = 0; i < epochs.length; ++i) {
            IProverCoordination.Claim memory wanted = handler.claimOf(epochs[i]);
            IProverCoordination.Claim memory found = _rollup.claimOf(epochs[i]);
            require(found.status == wanted.status, "FINALITY");
            require(found.prover == wanted.prover && found.basisPointFee == wanted.basisPointFee, "ONE_CLAIM_PER_EPOCH");
            require(found.proposer == wanted.proposer && found.slot == wanted.slot, "ONE_CLAIM_PER_EPOCH");
            require(found.basisPointFee <= handler.WHOLE(), "PAYOUT_EXACT");
            bool isClaimed = found.status == IProverCoordination.Status.CLAIMED;
            if (isClaimed && handler.slot() < found.slot + handler.P()) running += 1;
        }
        require(running <= 1, "ONE_LIVE_CLAIM");
        require(_rollup.rewardPool() == handler.pool(), "BOND_CONSERVATION");
        uint256 held = _token.balanceOf(address(_rollup));
        require(held == handler.pool() + handler.bonds() + handler.gifts(), "BOND_CONSERVATION");
        for (uint256 i = 0; i < ACTORS; ++i) {
            held += _token.balanceOf(handler.actor(i));
        }
        require(held == _token.totalSupply(), "BOND_CONSERVATION");
    }

    /// @dev The handler is made twice: once for the addresses of its actors.
    function _deploy() internal returns (address) {
        Handler names = new Handler(HardenedProverCoordination(address(0)), TestToken(address(0)), ValidatorSet(address(0)));
        address[] memory holders = new address[](ACTORS);
        uint256[] memory amounts = new uint256[](ACTORS);
        address[] memory validators = new address[](2);
        for (uint256 i = 0; i < ACTORS; ++i) {
            (holders[i], amounts[i]) = (names.actor(i), EACH);
            if (i < 2) validators[i] = holders[i];
        }
        _token = new TestToken(holders, amounts);
        ValidatorSet schedule = new ValidatorSet(keccak256("invariants"), validators);
        _rollup = new HardenedProverCoordination(
            ProverCoordination.Config({
                token: _token,
                schedule: schedule,
                verifier: new NumberVerifier(),
                genesisTime: names.GENESIS(),
                slotDuration: names.SLOT_DURATION(),
                slotsPerEpoch: names.E(),
                claimSlots: names.C(),
                proofSlots: names.P(),
                bond: names.BOND(),
                rewardPerEpoch: names.REWARD()
            })
        );
        for (uint256 i = 0; i < ACTORS; ++i) {
            vm.startPrank(holders[i]);
            _token.approve(address(_rollup), type(uint256).max);
            vm.stopPrank();
        }
        return address(new Handler(_rollup, _token, schedule));
    }
}
