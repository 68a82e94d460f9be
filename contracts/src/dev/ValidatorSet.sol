// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProposerSchedule} from "../IProposerSchedule.sol";

/// @title A validator set for development: each slot's proposer is drawn by hash
/// @dev Anybody can compute the draw for any slot as soon as the seed is known: a real rollup draws from randomness that is
/// revealed late. The remainder favours the first validators, by less than `validators.length` in 2^256.
contract ValidatorSet is IProposerSchedule {
    bytes32 public immutable seed;
    address[] private _validators;

    constructor(bytes32 seed_, address[] memory validators_) {
        seed = seed_;
        _validators = validators_;
    }

    /// @inheritdoc IProposerSchedule
    /// @dev The zero address if there are no validators, or if it was drawn from among them.
    function proposerOf(uint256 slot) external view returns (address) {
        if (_validators.length == 0) return address(0);
        return _validators[uint256(keccak256(abi.encode(seed, slot))) % _validators.length];
    }

    function validators() external view returns (address[] memory) {
        return _validators;
    }
}
