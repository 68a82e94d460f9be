// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IProofVerifier} from "../IProofVerifier.sol";

/// @title A verifier for development: work stands in for a proof
/// @notice A proof of an epoch is 32 bytes whose hash together with the epoch starts with `difficulty` zero bits. It takes
/// about 2^difficulty hashes to find, one to check, and a proof of one epoch is none of another.
contract WorkVerifier is IProofVerifier {
    uint256 public immutable difficulty;

    constructor(uint256 difficulty_) {
        require(difficulty_ < 256, "WorkVerifier: at most 255 bits");
        difficulty = difficulty_;
    }

    /// @inheritdoc IProofVerifier
    function verify(uint256 epoch, bytes calldata proof) external view returns (bool) {
        return proof.length == 32 && uint256(keccak256(abi.encode(epoch, bytes32(proof)))) >> (256 - difficulty) == 0;
    }
}
