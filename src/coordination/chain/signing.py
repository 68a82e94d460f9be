"""What make and take sign, in the two designs; signing, and whose signature it is.

`0.1.0` signs `keccak256(abi.encode(prover, epoch, basisPointFee))`, raw, in both roles. `0.2.0` signs EIP-712 typed
data of two types in the domain of one rollup; a take names its slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from eth_abi.abi import encode
from eth_keys import datatypes
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from coordination.chain.quote import Address, Quote, Signature

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
HALF_ORDER = ORDER // 2  # EIP-2: above it, `s` is malleable

_DOMAIN = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_OFFER = "address prover,uint256 epoch,uint32 basisPointFee"
_TYPES = {
    "Make": (keccak(text=f"Make({_OFFER})"), ("address", "uint256", "uint32")),
    "Take": (keccak(text=f"Take({_OFFER},uint256 slot)"), ("address", "uint256", "uint32", "uint256")),
}


class Signing(Protocol):
    """One design's digests, each of 32 bytes. What Solidity's types cannot hold raises eth_abi's EncodingError."""

    version: str

    def make_digest(self, quote: Quote) -> bytes:
        """What a prover signs to offer `quote`."""

    def take_digest(self, quote: Quote, slot: int) -> bytes:
        """What the proposer of `slot` signs to take `quote`."""


@dataclass(frozen=True)
class SeedSigning:
    """`0.1.0`: one digest for all."""

    version = "0.1.0"

    def make_digest(self, quote: Quote) -> bytes:
        return keccak(encode(["address", "uint256", "uint32"], quote))

    def take_digest(self, quote: Quote, slot: int) -> bytes:
        return self.make_digest(quote)


@dataclass(frozen=True)
class HardenedSigning:
    """`0.2.0`: EIP-712, for one rollup on one chain."""

    chain_id: int
    rollup: Address
    version = "0.2.0"

    def make_digest(self, quote: Quote) -> bytes:
        return self._digest("Make", *quote)

    def take_digest(self, quote: Quote, slot: int) -> bytes:
        return self._digest("Take", *quote, slot)

    @cached_property
    def _domain(self) -> bytes:
        """The domain separator: the same in every digest."""
        fields = (keccak(text="ProverCoordination"), keccak(text=self.version), self.chain_id, self.rollup)
        return keccak(_DOMAIN + encode(["bytes32", "bytes32", "uint256", "address"], fields))

    def _digest(self, kind: str, *values: object) -> bytes:
        type_hash, types = _TYPES[kind]
        struct = keccak(type_hash + encode(types, values))
        return keccak(b"\x19\x01" + self._domain + struct)


def signing(version: str, chain_id: int, rollup: Address) -> Signing:
    """The digests of design `version` for one rollup. Raises ValueError for a version that does not exist."""
    if version == SeedSigning.version:
        return SeedSigning()
    if version == HardenedSigning.version:
        return HardenedSigning(chain_id, rollup)
    raise ValueError(f"there is no design {version!r}; there are 0.1.0 and 0.2.0")


def sign(key: datatypes.PrivateKey, digest: bytes) -> Signature:
    """The signature of a digest by `key`, in the form that the contract accepts; always the same bytes (RFC 6979)."""
    signed = key.sign_msg_hash(digest)
    return Signature(signed.v + 27, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))


def recover(digest: bytes, signature: Signature) -> Address | None:
    """Who signed `digest`, by the contract's rules: None for a malformed signature and for the upper half of `s`."""
    r, s = int.from_bytes(signature.r, "big"), int.from_bytes(signature.s, "big")
    if signature.v not in (27, 28) or s > HALF_ORDER:
        return None
    try:
        known = datatypes.Signature(vrs=(signature.v - 27, r, s))
        return Address(known.recover_public_key_from_msg_hash(digest).to_checksum_address())
    except (BadSignature, ValidationError, ValueError):
        return None
