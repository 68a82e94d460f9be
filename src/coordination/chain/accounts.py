"""Keys for development: derived from names, known to everybody, the same on every run."""

from __future__ import annotations

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from coordination.chain.quote import Address


def development_key(name: str) -> PrivateKey:
    """The key of the account called `name`. Never send it anything of worth."""
    return PrivateKey(keccak(text=f"prover coordination, development account: {name}"))


def address_of(key: PrivateKey) -> Address:
    return Address(key.public_key.to_checksum_address())


DEPLOYER = development_key("deployer")  # of contracts, on every chain: what it deploys has the same address on each
