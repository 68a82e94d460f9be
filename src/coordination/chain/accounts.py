"""Keys for development: derived from names, known to everybody, the same on every run."""

from __future__ import annotations

from eth_keys import keys
from eth_utils import keccak

from coordination.chain.quote import Address


def development_key(name: str) -> keys.PrivateKey:
    """The key of the account called `name`. Never send it anything of worth."""
    return keys.PrivateKey(keccak(text=f"prover coordination, development account: {name}"))


def address_of(key: keys.PrivateKey) -> Address:
    return Address(key.public_key.to_checksum_address())
