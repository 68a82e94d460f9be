"""Questions to contracts, many of which can be asked at once, and what is told in answer."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple

from coordination.chain.artifacts import Artifact
from coordination.chain.quote import Address
from coordination.node.l1.endpoints import Answer, Call


class View:
    """A function of a contract that only tells something: one value."""

    def __init__(self, artifact: Artifact, name: str) -> None:
        [entry] = (each for each in artifact.abi if each["type"] == "function" and each["name"] == name)
        [output] = entry["outputs"]
        self._artifact, self.name = artifact, name
        self._type = collapse_if_tuple(dict(output))

    def asked(self, contract: Address, *arguments: Any) -> Call:
        """The question, as of the last block."""
        data = self._artifact.call(self.name, *arguments)
        return Call("eth_call", [{"to": contract, "data": "0x" + data.hex()}, "latest"])

    def told(self, answer: Answer) -> Any | None:
        """The value; None if the contract reverts, or answers something else."""
        try:
            return decode([self._type], bytes.fromhex(answer.removeprefix("0x")))[0]
        except (AttributeError, DecodingError, OverflowError, ValueError):  # the length of a text can be any word
            return None
