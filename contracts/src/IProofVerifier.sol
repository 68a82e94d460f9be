// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What counts as a proof of an epoch
/// @notice Belongs to the rollup's proof system; the protocol only asks whether a proof is valid.
interface IProofVerifier {
    /// @return Whether `proof` proves `epoch`. Answers false to what is malformed; it does not revert.
    function verify(uint256 epoch, bytes calldata proof) external view returns (bool);
}
