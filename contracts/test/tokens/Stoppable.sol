// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestToken} from "../../src/dev/TestToken.sol";

/// @title A token that can be stopped: from then on, every transfer reverts
contract Stoppable is TestToken {
    error Stopped();

    bool public stopped;

    constructor(address[] memory holders, uint256[] memory amounts) TestToken(holders, amounts) {}

    function stop() external {
        stopped = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (stopped) revert Stopped();
        super._update(from, to, amount);
    }
}
