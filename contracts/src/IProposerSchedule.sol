// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Who proposes when
/// @notice Belongs to the rollup's validator selection; the protocol takes any function of the slot.
interface IProposerSchedule {
    /// @param slot L1 time in slots since genesis
    /// @return The proposer of `slot`; the zero address means that the slot has none, and nothing can be claimed in it
    function proposerOf(uint256 slot) external view returns (address);
}
