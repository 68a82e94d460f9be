// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title TST for development: a plain ERC-20, minted once
contract TestToken is ERC20 {
    /// @notice Mints `amounts[i]` to `holders[i]`; nothing is ever minted again.
    constructor(address[] memory holders, uint256[] memory amounts) ERC20("Test Token", "TST") {
        require(holders.length == amounts.length, "TestToken: one amount for each holder");
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }
}
