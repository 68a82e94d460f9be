"""A signed quote as bytes: the ABI encoding of the seed's struct `Quote`, six words (`docs/wire.md`).

They are what follows the selector in the calldata of `claimProofRight`, bit for bit.
"""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from coordination.chain.quote import Quote, Signature, SignedQuote

WORD = 32
SIZE = 6 * WORD  # bytes, of every message

_PROVER, _EPOCH, _FEE, _V, _R, _S = range(6)
_ADDRESS_SIZE, _FEE_SIZE = 20, 4  # bytes that may be other than zero
_RECOVERY = {0: 27, 1: 28, 27: 27, 28: 28}


class Malformed(Exception):
    """These bytes are no signed quote; the message says in one line what is wrong, and where."""


def encode(message: SignedQuote) -> bytes:
    """The only encoding of `message`. Raises OverflowError for a number that the struct cannot hold."""
    (prover, epoch, fee), (v, r, s) = message
    numbers = (epoch.to_bytes(WORD, "big"), fee.to_bytes(_FEE_SIZE, "big"), v.to_bytes(1, "big"))
    return b"".join(word.rjust(WORD, b"\0") for word in (bytes.fromhex(prover[2:]), *numbers, r, s))


def decode(data: bytes) -> SignedQuote:
    """The message that `data` is, with `v` as 27 or 28: some tools write 0 and 1. Raises Malformed."""
    if len(data) != SIZE:
        raise Malformed(f"a signed quote has {SIZE} bytes, not {len(data)}")
    words = [data[start : start + WORD] for start in range(0, SIZE, WORD)]
    prover = to_checksum_address(_narrow(words, _PROVER, "prover", _ADDRESS_SIZE))
    fee = int.from_bytes(_narrow(words, _FEE, "basisPointFee", _FEE_SIZE), "big")
    v = _RECOVERY.get(int.from_bytes(words[_V], "big"))
    if v is None:
        raise Malformed(f"word {_V} (v) is 0x{words[_V].hex().lstrip('0')}, none of 0, 1, 27 and 28")
    return SignedQuote(Quote(prover, int.from_bytes(words[_EPOCH], "big"), fee), Signature(v, words[_R], words[_S]))


def _narrow(words: list[bytes], index: int, name: str, size: int) -> bytes:
    """The last `size` bytes of a word whose others must be zero."""
    padding, value = words[index][:-size], words[index][-size:]
    if any(padding):
        raise Malformed(f"word {index} ({name}) has more than {size} bytes: 0x{words[index].hex()}")
    return value
