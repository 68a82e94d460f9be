"""Where a contract keeps what: values by name to words by slot, after solc's storage layout.

https://docs.soliditylang.org/en/latest/internals/layout_in_storage.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak

from coordination.chain.artifacts import Artifact, ArtifactError


@dataclass(frozen=True, slots=True)
class Member:
    """A named value inside of a word: `size` bytes, `offset` bytes from the word's lower end."""

    name: str
    slot: int
    offset: int
    size: int

    def of(self, word: int) -> int:
        return word >> (8 * self.offset) & ((1 << 8 * self.size) - 1)


class Words(dict[int, int]):
    """Slot to word; what is not listed is zero. `members` are the named values that the words are made of."""

    members: tuple[Member, ...] = ()


class StorageLayout:
    """The layout of one contract. Raises ArtifactError if the artifact does not tell it."""

    def __init__(self, artifact: Artifact) -> None:
        if artifact.storage_layout is None:
            raise ArtifactError(f"{artifact.name} comes without a storage layout; ask the compiler for 'storageLayout'")
        self._name = artifact.name
        self._variables = {entry["label"]: entry for entry in artifact.storage_layout["storage"]}
        self._types: Mapping[str, Mapping[str, Any]] = artifact.storage_layout.get("types") or {}

    def words(self, values: Mapping[str, Any]) -> Words:
        """The words that hold `values`: mappings and structs as dicts, addresses as text, strings under 32 bytes.

        Raises ArtifactError for a name that the contract does not store.
        """
        sums: dict[int, int] = {}
        members = []
        for name, value in values.items():
            if name not in self._variables:
                raise ArtifactError(f"{self._name} stores no {name!r}; it has: {', '.join(sorted(self._variables))}")
            entry = self._variables[name]
            for member, number in self._written(name, entry["type"], int(entry["slot"]), entry["offset"], value):
                members.append(member)
                sums[member.slot] = sums.get(member.slot, 0) | number << (8 * member.offset)
        words = Words((slot, word) for slot, word in sums.items() if word)
        words.members = tuple(members)
        return words

    def _written(self, name: str, kind: str, slot: int, offset: int, value: Any) -> Iterator[tuple[Member, int]]:
        described = self._types[kind]
        if described["encoding"] == "mapping":
            for key, entry in value.items():
                yield from self._written(f"{name}[{key}]", described["value"], _place(_number(key), slot), 0, entry)
        elif "members" in described:
            for member in described["members"]:
                if member["label"] in value:
                    label, at = member["label"], slot + int(member["slot"])
                    yield from self._written(f"{name}.{label}", member["type"], at, member["offset"], value[label])
        elif described["encoding"] == "bytes":
            text = value.encode()
            yield Member(name, slot, 0, 32), int.from_bytes(text.ljust(31, b"\0") + bytes([2 * len(text)]), "big")
        else:
            yield Member(name, slot, offset, int(described["numberOfBytes"])), _number(value)


@lru_cache(1 << 16)
def _place(key: int, slot: int) -> int:
    """Where the mapping at `slot` keeps its entry for `key`."""
    return int.from_bytes(keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")


def _number(value: int | str) -> int:
    return int(value, 16) if isinstance(value, str) else value
