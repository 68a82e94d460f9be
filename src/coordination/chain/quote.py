"""A quote as it is signed and sent, the seed's `Quote`, its fields in order; and what the contract keeps of it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from eth_typing import ChecksumAddress

Address = ChecksumAddress
NOBODY = Address("0x0000000000000000000000000000000000000000")  # type: ignore[arg-type]


class Status(IntEnum):
    """An epoch's life, as the contract stores it."""

    OPEN = 0
    CLAIMED = 1
    PROVEN = 2
    PRUNED = 3


class Signature(NamedTuple):
    """`v` is 27 or 28 on chain; `r` and `s` have 32 bytes, and `s` lies in the lower half of the curve's order."""

    v: int
    r: bytes
    s: bytes


class Quote(NamedTuple):
    """An offer by `prover` to prove `epoch` for `basis_point_fee` hundredths of a percent of its reward."""

    prover: Address
    epoch: int
    basis_point_fee: int

    def signed(self, signature: Signature) -> tuple[Address, int, int, Signature]:
        """The struct that `claimProofRight` takes."""
        return (*self, signature)


class SignedQuote(NamedTuple):
    """A quote that was made or taken: what is gossiped."""

    quote: Quote
    signature: Signature


class Claim(NamedTuple):
    """What is known of an epoch. All but `status` is zero until the epoch is claimed, and kept after it ends."""

    prover: Address
    basis_point_fee: int
    status: Status
    proposer: Address
    slot: int
