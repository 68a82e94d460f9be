"""An EVM in this process (revm, by pyrevm), with snapshots: a few microseconds a call.

Each call stands for a transaction of its own. Accounts and slots stay warm between them, so gas is not a transaction's.
"""

from __future__ import annotations

import re
from typing import Any

from eth_utils.address import to_checksum_address

from coordination.chain.accounts import DEPLOYER, address_of
from coordination.chain.chain import Answer, Log
from coordination.chain.errors import ChainError, DeploymentError
from coordination.chain.quote import Address

GAS = 30_000_000  # of each call: a block's
_REVERTED = re.compile(r"^Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}$")
_STORAGE = re.compile(r"storage: \{(.*?)\}, status", re.DOTALL)
_PRESENT = re.compile(r"(0x[0-9a-f]+|\d+): (?:Evm)?StorageSlot \{ .*?present_value: (0x[0-9a-f]+|\d+)")


class EvmMissing(ChainError):
    """pyrevm is not installed: it has no wheel for this Python."""


class Evm:
    """A chain with one block environment, on the rules of Cancun. A block's number is its time."""

    chain_id = 31_337

    def __init__(self) -> None:
        try:
            import pyrevm
        except ImportError as error:
            raise EvmMissing(
                "the in-process EVM is not installed: pyrevm has wheels for Python 3.11 and 3.12 on Linux; "
                "use one of these, and install this project again"
            ) from error
        self._block_env: Any = pyrevm.BlockEnv
        self._evm: Any = pyrevm.EVM(env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=self.chain_id)), spec_id="Cancun")
        self._timestamp: int | None = None

    def at(self, timestamp: int) -> None:
        """Set the time of the calls that follow, in seconds."""
        if timestamp != self._timestamp:
            self._evm.set_block_env(self._block_env(timestamp=timestamp, number=timestamp))
            self._timestamp = timestamp

    def deploy(self, code: bytes) -> Address:
        """Run creation code. Raises DeploymentError with what the constructor reverted with."""
        try:
            return to_checksum_address(self._evm.deploy(address_of(DEPLOYER), code))
        except RuntimeError as error:
            raise DeploymentError(f"the constructor fails: {error}") from error

    def call(self, caller: Address, to: Address, data: bytes) -> Answer:
        """One transaction. What it changes stays, until a snapshot from before it is reverted to."""
        return self._send(caller, to, data, is_static=False)

    def view(self, caller: Address, to: Address, data: bytes) -> Answer:
        """A question: whoever would change something to answer it fails."""
        return self._send(caller, to, data, is_static=True)

    def _send(self, caller: Address, to: Address, data: bytes, is_static: bool) -> Answer:
        evm = self._evm
        evm.reset_transient_storage()
        try:
            output = evm.message_call(caller, to, data, gas=GAS, is_static=is_static)
        except RuntimeError as error:
            reverted = _REVERTED.match(error.args[0])
            return Answer(False, bytes.fromhex(reverted[1]) if reverted else b"")
        logs = evm.result.logs
        if not logs:
            return Answer(True, output)
        parts = ((Address(log.address), *log.data) for log in logs)
        return Answer(True, output, tuple(Log(address, tuple(topics), data) for address, topics, data in parts))

    def snapshot(self) -> Any:
        """A point to revert to, once. At most 1,024 can be open."""
        return self._evm.snapshot()

    def revert(self, snapshot: Any) -> None:
        self._evm.revert(snapshot)

    def whole_storage(self, address: Address) -> dict[int, int]:
        """Every slot of a contract that is not zero, read off a printout: pyrevm has no other way to ask for all."""
        text = self._evm.journal_str
        start = text.index(f"{address.lower()}: Account {{")
        found = _STORAGE.search(text, start)
        if found is None:
            raise ChainError("this version of pyrevm prints its state in another way; use the pinned one")
        slots = _PRESENT.findall(found[1])
        return {int(slot, 0): int(value, 0) for slot, value in slots if int(value, 0)}
