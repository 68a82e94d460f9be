// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestToken} from "../../src/dev/TestToken.sol";

/// @title A token that refuses single accounts: whatever they send or receive reverts
contract Blocklist is TestToken {
    error Blocked(address account);

    mapping(address account => bool) public blocked;

    constructor(address[] memory holders, uint256[] memory amounts) TestToken(holders, amounts) {}

    function refuse(address account) external {
        blocked[account] = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}
