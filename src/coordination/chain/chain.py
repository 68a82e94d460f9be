"""What a chain is to whoever only sends transactions: an EVM in this process, or a node over JSON-RPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from coordination.chain.quote import Address


@dataclass(frozen=True, slots=True)
class Log:
    address: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave: `output` is the return data, or the revert data; empty where the EVM itself gave up."""

    succeeded: bool
    output: bytes
    logs: tuple[Log, ...] = ()


class Chain(Protocol):
    chain_id: int

    def at(self, timestamp: int) -> None:
        """Set the time of the calls that follow, in seconds."""

    def deploy(self, code: bytes) -> Address:
        """Run creation code; where the contract is. Raises DeploymentError with what the constructor reverted with."""

    def call(self, caller: Address, to: Address, data: bytes) -> Answer:
        """One transaction. What it changes stays."""
