"""Bytes read back as the call, the error or the event that they are, so that they can be written down in a language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from coordination.chain.abi import Entry
from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Log
from coordination.chain.quote import Quote, Signature


@dataclass(frozen=True)
class Decoded:
    """An entry of the ABI of the contract `artifact`, and its arguments. `inputs` are as the ABI has them."""

    artifact: str
    name: str
    inputs: Sequence[Mapping[str, Any]]
    values: Sequence[Any]

    @property
    def taken(self) -> tuple[Quote, Signature] | None:
        """What a claim presents; None for anything but a claim."""
        if self.name != "claimProofRight":
            return None
        prover, epoch, fee, signature = self.values[0]
        return Quote(to_checksum_address(prover), epoch, fee), Signature(*signature)


def decoded(kind: str, data: bytes, artifacts: Iterable[Artifact]) -> Decoded | None:
    """The function or error that `data` are exactly the bytes of; None if they are of none in these contracts."""
    for artifact in artifacts:
        for each in artifact.abi:
            entry = Entry.of(each) if each["type"] == kind else None
            if entry and data[:4] == entry.selector:
                values = _arguments(entry, data)
                return None if values is None else Decoded(artifact.name, entry.name, each["inputs"], values)
    return None


def _arguments(entry: Entry, data: bytes) -> Sequence[Any] | None:
    try:
        values: Sequence[Any] = decode(entry.types, data[4:])
    except DecodingError:
        return None
    return values if entry.encode(*values) == data else None


def decoded_log(log: Log, artifact: Artifact) -> Decoded:
    """The event of a log of this contract. Raises ValueError if it has no such event."""
    for each in artifact.abi:
        entry = Entry.of(each) if each["type"] == "event" else None
        if entry and log.topics[0] == entry.digest:
            words = iter(log.topics[1:])
            plain = [kind for kind, indexed in zip(entry.types, entry.indexed, strict=True) if not indexed]
            data = iter(decode(plain, log.data))
            fields = zip(entry.types, entry.indexed, strict=True)
            values = [decode([kind], next(words))[0] if indexed else next(data) for kind, indexed in fields]
            return Decoded(artifact.name, entry.name, each["inputs"], values)
    raise ValueError(f"{artifact.name} has no event with the topic 0x{log.topics[0].hex()}")
