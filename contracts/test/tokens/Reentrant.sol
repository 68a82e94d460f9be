// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestToken} from "../../src/dev/TestToken.sol";

/// @title A token with hooks: before and after each transfer it makes a call, and remembers what came of it
/// @dev Transfers inside of that call make none: what gets in ends.
contract Reentrant is TestToken {
    struct Answer {
        bool succeeded;
        bytes output;
    }

    address private _target;
    bytes private _call;
    bool private _entered;
    Answer[] private _answers;

    constructor(address[] memory holders, uint256[] memory amounts) TestToken(holders, amounts) {}

    /// @notice From now on, call `target` with `call` around each transfer.
    function hook(address target, bytes calldata call) external {
        _target = target;
        _call = call;
    }

    function answers() external view returns (Answer[] memory) {
        return _answers;
    }

    function _update(address from, address to, uint256 amount) internal override {
        _enter();
        super._update(from, to, amount);
        _enter();
    }

    function _enter() private {
        if (_target == address(0) || _entered) return;
        _entered = true;
        (bool succeeded, bytes memory output) = _target.call(_call);
        _entered = false;
        _answers.push(Answer(succeeded, output));
    }
}
