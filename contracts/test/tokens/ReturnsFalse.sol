// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestToken} from "../../src/dev/TestToken.sol";

/// @title A token that says false where others revert: of what it cannot move, and of everything once it is stopped
contract ReturnsFalse is TestToken {
    bool public stopped;

    constructor(address[] memory holders, uint256[] memory amounts) TestToken(holders, amounts) {}

    function stop() external {
        stopped = true;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (stopped || balanceOf(msg.sender) < amount) return false;
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (stopped || balanceOf(from) < amount || allowance(from, msg.sender) < amount) return false;
        return super.transferFrom(from, to, amount);
    }
}
