"""Accounts: addresses of keys and numbers, and keys for development.

Those are derived from names, known to everybody, and the same on every run.
"""

from __future__ import annotations

from functools import cache

from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from coordination.chain.quote import Address


def development_key(name: str) -> PrivateKey:
    """The key of the account called `name`. Never send it anything of worth."""
    return PrivateKey(keccak(text=f"prover coordination, development account: {name}"))


def address_of(key: PrivateKey) -> Address:
    return Address(key.public_key.to_checksum_address())


@cache
def address_of_number(number: int) -> Address:
    """The address that is this number, as the specification has accounts. Raises OverflowError beyond 160 bits."""
    return to_checksum_address(number.to_bytes(20, "big"))


DEPLOYER = development_key("deployer")  # of contracts, on every chain: what it deploys has the same address on each
