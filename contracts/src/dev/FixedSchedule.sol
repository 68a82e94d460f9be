// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProposerSchedule} from "../IProposerSchedule.sol";

/// @title A schedule for development: the proposers of the first slots, one by one
contract FixedSchedule is IProposerSchedule {
    address[] private _proposers;

    constructor(address[] memory proposers) {
        _proposers = proposers;
    }

    /// @inheritdoc IProposerSchedule
    /// @dev The zero address for every slot after the last one given.
    function proposerOf(uint256 slot) external view returns (address) {
        return slot < _proposers.length ? _proposers[slot] : address(0);
    }
}
