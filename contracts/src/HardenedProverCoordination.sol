// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ProverCoordination} from "./ProverCoordination.sol";

/// @title Prover coordination 0.2.0: a signature serves as nothing but itself
/// @notice EIP-712 typed data in the domain of this contract on this chain. Make and take are two types, and a take names
/// the slot that it is for.
contract HardenedProverCoordination is ProverCoordination, EIP712 {
    bytes32 private constant MAKE_TYPEHASH = keccak256("Make(address prover,uint256 epoch,uint32 basisPointFee)");
    bytes32 private constant TAKE_TYPEHASH =
        keccak256("Take(address prover,uint256 epoch,uint32 basisPointFee,uint256 slot)");

    constructor(Config memory config) ProverCoordination(config) EIP712("ProverCoordination", "0.2.0") {}

    /// @inheritdoc ProverCoordination
    function version() external pure override returns (string memory) {
        return "0.2.0";
    }

    /// @inheritdoc ProverCoordination
    function makeDigest(address prover, uint256 epoch, uint32 basisPointFee) public view override returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(MAKE_TYPEHASH, prover, epoch, basisPointFee)));
    }

    /// @inheritdoc ProverCoordination
    function takeDigest(address prover, uint256 epoch, uint32 basisPointFee, uint256 slot)
        public
        view
        override
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(TAKE_TYPEHASH, prover, epoch, basisPointFee, slot)));
    }
}
