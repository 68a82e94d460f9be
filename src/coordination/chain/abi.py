"""One entry of a contract's ABI: a function, an error or an event; to bytes, and back into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import abi_to_signature, collapse_if_tuple
from eth_utils.crypto import keccak

Topics = tuple[bytes, ...]


@dataclass(frozen=True)
class Entry:
    """`digest` is the hash of the signature: an event's first topic; four bytes of it select a function or an error."""

    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    digest: bytes

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Entry:
        inputs = data["inputs"]
        return cls(
            data["name"],
            tuple(each["name"] for each in inputs),
            tuple(collapse_if_tuple(dict(each)) for each in inputs),
            tuple(each.get("indexed", False) for each in inputs),
            keccak(text=abi_to_signature(dict(data))),  # type: ignore[arg-type]
        )

    @property
    def selector(self) -> bytes:
        return self.digest[:4]

    def encode(self, *arguments: Any) -> bytes:
        """A call's data, or an error's."""
        return self.selector + encode(self.types, arguments)

    def log(self, *arguments: Any) -> tuple[Topics, bytes]:
        """Topics and data of an event; indexed arguments must be of types with one word."""
        fields = list(zip(self.types, self.indexed, arguments, strict=True))
        topics = [encode([kind], [value]) for kind, is_topic, value in fields if is_topic]
        plain = [(kind, value) for kind, is_topic, value in fields if not is_topic]
        return (self.digest, *topics), encode([kind for kind, _ in plain], [value for _, value in plain])

    def explain(self, data: bytes) -> str:
        """A call's or an error's data as Solidity would write it. Bytes that do not decode are shown as they are."""
        try:
            return self._written(decode(self.types, data[4:]))
        except DecodingError:
            return f"{self.name}(0x{data[4:].hex()})"

    def explain_log(self, topics: Topics, data: bytes) -> str:
        """An event's log as Solidity would write it. Bytes that do not decode are shown as they are."""
        try:
            plain = [kind for kind, is_topic in zip(self.types, self.indexed, strict=True) if not is_topic]
            values, words = iter(decode(plain, data)), iter(topics[1:])
            return self._written(
                [
                    decode([kind], next(words))[0] if is_topic else next(values)
                    for kind, is_topic in zip(self.types, self.indexed, strict=True)
                ]
            )
        except (DecodingError, StopIteration):
            return f"{self.name}({' '.join('0x' + each.hex() for each in (*topics[1:], data))})"

    def _written(self, values: Sequence[Any]) -> str:
        fields = zip(self.parameters, values, strict=True)
        return f"{self.name}({', '.join(f'{name}={_show(value)}' for name, value in fields)})"


def _show(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(value))


SOLIDITY_ERRORS = (
    Entry.of({"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]}),
    Entry.of({"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]}),
)
