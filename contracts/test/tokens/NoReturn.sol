// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A token from before ERC-20 was settled: `transfer`, `transferFrom` and `approve` return nothing
contract NoReturn {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    constructor(address[] memory holders, uint256[] memory amounts) {
        for (uint256 i = 0; i < holders.length; ++i) {
            balanceOf[holders[i]] = amounts[i];
        }
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
