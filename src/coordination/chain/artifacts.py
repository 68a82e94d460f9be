"""Compiled contracts: the shipped ones, and others' from Foundry, Hardhat or solc."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import abi_to_signature, collapse_if_tuple
from eth_utils.crypto import keccak


class ArtifactError(Exception):
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
        return self.bytecode + encode(_types(declared[0] if declared else []), arguments)

    def call(self, name: str, *arguments: Any) -> bytes:
        """The calldata of a function."""
        return self._selected("function", name)[:4] + self._encoded("function", name, arguments)

    def error(self, name: str, *arguments: Any) -> bytes:
        """The revert data of a custom error."""
        return self._selected("error", name)[:4] + self._encoded("error", name, arguments)

    def event(self, name: str, *arguments: Any) -> tuple[tuple[bytes, ...], bytes]:
        """The topics and the data of an event's log; indexed arguments must be of types with one word."""
        inputs = self._entry("event", name)["inputs"]
        pairs = list(zip(inputs, arguments, strict=True))
        indexed = [encode([each["type"]], [value]) for each, value in pairs if each["indexed"]]
        rest = [(each["type"], value) for each, value in pairs if not each["indexed"]]
        data = encode([kind for kind, _ in rest], [value for _, value in rest])
        return (self._selected("event", name), *indexed), data

    def parameters(self, kind: str, name: str) -> tuple[str, ...]:
        """The names of a function's, an error's or an event's parameters."""
        return tuple(each["name"] for each in self._entry(kind, name)["inputs"])

    def explain_error(self, data: bytes) -> str | None:
        """Revert data as it would be written in Solidity; None if it is no error of this contract's."""
        for entry in [*self.abi, *_SOLIDITY_ERRORS]:
            if entry["type"] == "error" and data[:4] == _digest(entry)[:4]:
                with suppress(DecodingError):
                    return _written(entry, _decoded(entry["inputs"], data[4:]))
        return None

    def explain_event(self, topics: Sequence[bytes], data: bytes) -> str | None:
        """A log as it would be written in Solidity; None if it is no event of this contract's."""
        for entry in self.abi:
            if entry["type"] == "event" and topics[:1] == (_digest(entry),):
                inputs = entry["inputs"]
                plain = iter(_decoded([each for each in inputs if not each["indexed"]], data))
                words = iter(topics[1:])
                pick = (_decoded([each], next(words))[0] if each["indexed"] else next(plain) for each in inputs)
                return _written(entry, list(pick))
        return None

    def _encoded(self, kind: str, name: str, arguments: Sequence[Any]) -> bytes:
        return encode(_types(self._entry(kind, name)["inputs"]), arguments)

    def _selected(self, kind: str, name: str) -> bytes:
        return _digest(self._entry(kind, name))

    def _entry(self, kind: str, name: str) -> Mapping[str, Any]:
        for entry in self.abi:
            if entry["type"] == kind and entry["name"] == name:
                return entry
        raise ArtifactError(f"{self.name} has no {kind} {name!r}")


_SOLIDITY_ERRORS: Sequence[Mapping[str, Any]] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


def _digest(entry: Mapping[str, Any]) -> bytes:
    return keccak(text=abi_to_signature(dict(entry)))  # type: ignore[arg-type]


def _types(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [collapse_if_tuple(dict(each)) for each in inputs]


def _decoded(inputs: Sequence[Mapping[str, Any]], data: bytes) -> Sequence[Any]:
    return decode(_types(inputs), data)


def _written(entry: Mapping[str, Any], values: Sequence[Any]) -> str:
    names = (each["name"] for each in entry["inputs"])
    return f"{entry['name']}({', '.join(f'{name}={value}' for name, value in zip(names, values, strict=True))})"


@cache
def shipped(name: str) -> Artifact:
    """A contract of this project, as built from `contracts/`."""
    return _read(json.loads((files(__package__) / "artifacts" / f"{name}.json").read_text()), name)


def load(path: Path) -> Artifact:
    """An artifact file. Raises ArtifactError if it cannot be read or lacks an ABI or bytecode."""
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")), path.stem)
    except OSError as error:
        raise ArtifactError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise ArtifactError(f"{path} is no artifact: {error}") from error


def _read(data: Any, name: str) -> Artifact:
    if not isinstance(data, dict) or not isinstance(data.get("abi"), list):
        raise ValueError("it has no 'abi'")
    bytecode = data.get("bytecode", data.get("evm", {}).get("bytecode"))
    text = bytecode.get("object") if isinstance(bytecode, dict) else bytecode
    if not isinstance(text, str) or not text.removeprefix("0x"):
        raise ValueError("it has no 'bytecode'")
    try:
        code = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError("its bytecode is not hexadecimal: is it linked with its libraries?") from None
    return Artifact(data.get("contractName", name), data["abi"], code, data.get("storageLayout"))
