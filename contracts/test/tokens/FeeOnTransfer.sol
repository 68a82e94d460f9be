// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestToken} from "../../src/dev/TestToken.sol";

/// @title A token that burns a hundredth of whatever is moved: the receiver gets less than the sender gives
contract FeeOnTransfer is TestToken {
    constructor(address[] memory holders, uint256[] memory amounts) TestToken(holders, amounts) {}

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount / 100);
    }
}
