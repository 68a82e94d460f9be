"""Values as JSON has them: what a parameter may be, and how a result is written.

A number beyond 2**53 - 1 is a string, as JSON's numbers are doubles to many who read and write them (RFC 7493).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

EXACT = 2**53 - 1  # the greatest integer up to which a double holds each
PROOF_SIZE = 2**20  # bytes

_INTEGER = re.compile(r"0|[1-9][0-9]{0,77}|0x[0-9a-fA-F]{1,64}")  # as long as a uint256 can be
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def unsigned(bits: int) -> Callable[[object], int]:
    """A reader of integers below 2**bits: a number, or a string in decimal or 0x-hexadecimal digits.

    It raises ValueError for anything else: also for true, which Python counts among the integers, and for 1.0.
    """

    def read(value: object) -> int:
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
        if number is not None and number > EXACT:
            raise ValueError("is a number beyond 2^53 - 1, and has to be a string")
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            number = int(value, 16 if value.startswith("0x") else 10)
        if number is None or not 0 <= number < 2**bits:
            raise ValueError(f"has to be an integer from 0 to 2^{bits} - 1")
        return number

    return read


def proof(value: object) -> bytes:
    """A reader of 0x-hexadecimal bytes, of at most PROOF_SIZE. It raises ValueError for anything else."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("has to be a string of 0x and two hexadecimal digits a byte")
    if len(value) > 2 + 2 * PROOF_SIZE:
        raise ValueError(f"is longer than {PROOF_SIZE:,} bytes")
    return bytes.fromhex(value[2:])


def plain(value: object) -> Any:
    """A value as it is written in JSON."""
    if isinstance(value, int) and abs(value) > EXACT:
        return str(value)
    return "0x" + value.hex() if isinstance(value, bytes) else value


def record(value: NamedTuple) -> dict[str, Any]:
    """A tuple's fields by their names, written as the seed writes names: `basisPointFee`."""
    return {_camel(name): plain(each) for name, each in value._asdict().items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
