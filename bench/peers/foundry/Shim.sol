// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Foundry's cheatcodes, those that are needed here.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
    function startPrank(address caller) external;
    function stopPrank() external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
