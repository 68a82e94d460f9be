"""Compiled contracts: the shipped ones, and others' from Foundry, Hardhat or solc."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple

from coordination.chain.abi import SOLIDITY_ERRORS, Entry, Topics
from coordination.chain.errors import ChainError
from coordination.json_text import parse_json


class ArtifactError(ChainError):
    """A file is no usable artifact; the message says why."""


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. `storage_layout` is solc's; an artifact of others may lack it."""

    name: str
    abi: Sequence[Mapping[str, Any]]
    bytecode: bytes
    storage_layout: Mapping[str, Any] | None = None

    def creation(self, *arguments: Any) -> bytes:
        """The code that deploys it with these constructor arguments."""
        declared = [entry["inputs"] for entry in self.abi if entry["type"] == "constructor"]
        return self.bytecode + encode([collapse_if_tuple(dict(each)) for each in (declared or [[]])[0]], arguments)

    def call(self, name: str, *arguments: Any) -> bytes:
        """The calldata of a function."""
        return self._entry("function", name).encode(*arguments)

    def error(self, name: str, *arguments: Any) -> bytes:
        """The revert data of a custom error."""
        return self._entry("error", name).encode(*arguments)

    def event(self, name: str, *arguments: Any) -> tuple[Topics, bytes]:
        """The topics and the data of an event's log."""
        return self._entry("event", name).log(*arguments)

    def parameters(self, kind: str, name: str) -> tuple[str, ...]:
        """The names of a function's, an error's or an event's parameters."""
        return self._entry(kind, name).parameters

    def explain_error(self, data: bytes) -> str | None:
        """Revert data as it would be written in Solidity; None if it is no error of this contract's."""
        errors = (entry for (kind, _), entry in self._entries.items() if kind == "error")
        known = {entry.selector: entry for entry in (*SOLIDITY_ERRORS, *errors)}
        return known[data[:4]].explain(data) if data[:4] in known else None

    def explain_event(self, topics: Topics, data: bytes) -> str | None:
        """A log as it would be written in Solidity; None if it is no event of this contract's."""
        known = {entry.digest: entry for (kind, _), entry in self._entries.items() if kind == "event"}
        return known[topics[0]].explain_log(topics, data) if topics and topics[0] in known else None

    def _entry(self, kind: str, name: str) -> Entry:
        if (kind, name) not in self._entries:
            raise ArtifactError(f"{self.name} has no {kind} {name!r}")
        return self._entries[kind, name]

    @cached_property
    def _entries(self) -> Mapping[tuple[str, str], Entry]:
        return {(each["type"], each["name"]): Entry.of(each) for each in self.abi if "name" in each}


@cache
def shipped(name: str) -> Artifact:
    """A contract of this project, as built from `contracts/`."""
    return _read(json.loads((files(__package__) / "artifacts" / f"{name}.json").read_text()), name)


def load(path: Path) -> Artifact:
    """An artifact file. Raises ArtifactError if it cannot be read or lacks an ABI or bytecode."""
    try:
        return _read(parse_json(path.read_text(encoding="utf-8")), path.stem)
    except OSError as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise ArtifactError(f"{path} is no artifact: {error}") from error


def _read(data: Any, name: str) -> Artifact:
    abi = data.get("abi") if isinstance(data, dict) else None
    if not isinstance(abi, list) or not all(map(_is_entry, abi)):
        raise ValueError("it has no 'abi'")
    evm = data.get("evm")
    bytecode = data.get("bytecode", evm.get("bytecode") if isinstance(evm, dict) else None)
    text = bytecode.get("object") if isinstance(bytecode, dict) else bytecode
    if not isinstance(text, str) or not text.removeprefix("0x"):
        raise ValueError("it has no 'bytecode'")
    try:
        code = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError("its bytecode is not hexadecimal: is it linked with its libraries?") from None
    layout = data.get("storageLayout")
    if layout is not None and not (isinstance(layout, dict) and isinstance(layout.get("storage"), list)):
        raise ValueError("its 'storageLayout' has no 'storage'")
    return Artifact(_name_in(data) or name, abi, code, layout)


def _name_in(data: Mapping[str, Any]) -> str | None:
    """What the compiler calls the contract, in `contractName` or in its metadata, which solc writes as a text."""
    metadata = data.get("metadata")
    target = parse_json(metadata) if metadata and isinstance(metadata, str) else metadata
    for key in ("settings", "compilationTarget"):
        target = target.get(key) if isinstance(target, dict) else None
    names = (data.get("contractName"), *(target.values() if isinstance(target, dict) else ()))
    return next((name for name in names if name and isinstance(name, str)), None)


def _is_entry(data: Any) -> bool:
    """Whether it is an entry of an ABI, with inputs if it needs them."""
    needs_inputs = ("function", "error", "event", "constructor")
    return isinstance(data, dict) and "type" in data and (data["type"] not in needs_inputs or "inputs" in data)
