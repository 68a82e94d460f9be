// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ProverCoordination} from "./ProverCoordination.sol";

/// @title Prover coordination 0.1.0: the seed to the letter
/// @notice Make and take sign the same raw digest, which names neither the role, nor the rollup, nor the slot: a signature
/// that a key has given over a quote, for whatever purpose, serves as any other. Known to break SIGNATURE_BINDING and
/// SINGLE_USABLE_TAKE; kept to show how. Do not deploy it: see {HardenedProverCoordination}.
contract SeedProverCoordination is ProverCoordination {
    constructor(Config memory config) ProverCoordination(config) {}

    /// @inheritdoc ProverCoordination
    function version() external pure override returns (string memory) {
        return "0.1.0";
    }

    /// @inheritdoc ProverCoordination
    function makeDigest(address prover, uint256 epoch, uint32 basisPointFee) public pure override returns (bytes32) {
        return keccak256(abi.encode(prover, epoch, basisPointFee));
    }

    /// @inheritdoc ProverCoordination
    function takeDigest(address prover, uint256 epoch, uint32 basisPointFee, uint256)
        public
        pure
        override
        returns (bytes32)
    {
        return makeDigest(prover, epoch, basisPointFee);
    }
}
