"""A development chain over JSON-RPC, by transactions that its senders sign. Made for anvil, whose methods it uses.

Nothing happens by itself: each transaction is mined alone, in a block of the time that was set.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from requests import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from coordination.chain.accounts import DEPLOYER, address_of
from coordination.chain.chain import Answer, Log
from coordination.chain.errors import ChainError, DeploymentError
from coordination.chain.quote import Address

GAS = 10_000_000  # of each transaction: far more than any needs
GAS_PRICE = 10**12  # wei; well above a development chain's base fee
FORTUNE = 10**24  # wei that each account is given to pay with
TIMEOUT = 30.0  # seconds that a node may take to answer

_NO_SUCH_METHOD, _REVERTED = -32_601, 3  # error codes of JSON-RPC, and of eth_call


class RpcError(ChainError):
    """The node cannot be reached, or does not do what it was asked; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block: its hash, the gas on its receipt, what it gave, and the contract that it made."""

    transaction: str
    gas_used: int
    answer: Answer
    created: Address | None


class RpcChain:
    """The chain at `url`, on which `keys` can send. Stops automatic mining there, and gives the senders ether."""

    def __init__(self, url: str, keys: Mapping[Address, PrivateKey]) -> None:
        provider = HTTPProvider(url, request_kwargs={"timeout": TIMEOUT}, exception_retry_configuration=None)
        self.url, self.web3 = url, Web3(provider)
        self._keys = {**keys, address_of(DEPLOYER): DEPLOYER}
        try:
            self.chain_id = int(self._ask("eth_chainId"), 16)
            self._ask("evm_setIntervalMining", 0)
            for address in self._keys:
                self._ask("anvil_setBalance", address, hex(FORTUNE))
            self._timestamp = int(self._ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RpcError(f"what is at {url} answers, but not as an Ethereum node does") from error

    def at(self, timestamp: int) -> None:
        """Set the time of what follows, in seconds: an empty block is mined, so that the chain's own clock shows it.

        Raises RpcError if the chain is past it.
        """
        if timestamp < self._timestamp:
            raise RpcError(
                f"the clock of the chain at {self.url} stands at {self._timestamp}, past {timestamp}, and cannot go "
                f"back; a fresh 'anvil --timestamp 0' is before everything"
            )
        if timestamp > self._timestamp:
            self._timestamp = timestamp
            self._mine()

    def deploy(self, code: bytes) -> Address:
        """Run creation code. Raises DeploymentError with what the constructor reverted with."""
        mined = self._send(DEPLOYER, None, code)
        if not mined.answer.succeeded or mined.created is None:
            raise DeploymentError(
                f"the constructor reverted with 0x{mined.answer.output.hex()}; the chain needs the rules of Cancun"
            )
        return mined.created

    def call(self, caller: Address, to: Address, data: bytes) -> Answer:
        """One transaction. What it changes stays."""
        return self.send(caller, to, data).answer

    def send(self, caller: Address, to: Address, data: bytes) -> Mined:
        """One transaction, signed by `caller` and mined at the time that was set, also if it fails there."""
        return self._send(self._keys[caller], to, data)

    def view(self, caller: Address, to: Address, data: bytes) -> Answer:
        """What a call would give in the last block; nothing is sent."""
        request = {"from": caller, "to": to, "data": "0x" + data.hex()}
        response = self._response("eth_call", request, "latest")
        if response.get("error", {}).get("code") == _REVERTED:
            return Answer(False, _bytes(response["error"].get("data", "0x")))
        return Answer(True, _bytes(self._result("eth_call", response)))

    def whole_storage(self, address: Address) -> dict[int, int]:
        """Every slot of a contract that is not zero: from a dump of the chain, for no method asks for all."""
        dump = json.loads(gzip.decompress(_bytes(self._ask("anvil_dumpState"))))
        storage = dump["accounts"].get(address.lower(), {}).get("storage", {})
        return {int(slot, 16): int(value, 16) for slot, value in storage.items() if int(value, 16)}

    def _send(self, key: PrivateKey, to: Address | None, data: bytes) -> Mined:
        transaction = self._ask("eth_sendRawTransaction", self._signed(key, to, data))
        self._mine()
        receipt = self._ask("eth_getTransactionReceipt", transaction)
        if receipt is None:
            raise RpcError(f"the node at {self.url} does not mine what it is sent: {transaction}")
        trace = self._ask("debug_traceTransaction", transaction, {"tracer": "callTracer"})  # a receipt has no output
        answer = Answer(receipt["status"] == "0x1", _bytes(trace.get("output", "0x")), _logs(receipt))
        created = receipt["contractAddress"]
        return Mined(
            transaction, int(receipt["gasUsed"], 16), answer, to_checksum_address(created) if created else None
        )

    def _signed(self, key: PrivateKey, to: Address | None, data: bytes) -> str:
        nonce = int(self._ask("eth_getTransactionCount", address_of(key), "latest"), 16)
        fields = {"chainId": self.chain_id, "nonce": nonce, "gas": GAS, "gasPrice": GAS_PRICE, "value": 0, "data": data}
        signed = Account.sign_transaction({**fields, "to": to} if to else fields, key)
        return str(signed.raw_transaction.to_0x_hex())

    def _mine(self) -> None:
        self._ask("evm_setNextBlockTimestamp", self._timestamp)
        self._ask("evm_mine")

    def _ask(self, method: str, *parameters: Any) -> Any:
        return self._result(method, self._response(method, *parameters))

    def _response(self, method: str, *parameters: Any) -> Mapping[str, Any]:
        try:
            response: object = self.web3.provider.make_request(RPCEndpoint(method), parameters)
        except (RequestException, Web3Exception, ValueError) as error:
            raise RpcError(f"no Ethereum node answers at {self.url} ({type(error).__name__})") from error
        if not isinstance(response, Mapping) or not response.keys() & {"result", "error"}:
            raise RpcError(f"what answers at {self.url} is no Ethereum node")
        return response

    def _result(self, method: str, response: Mapping[str, Any]) -> Any:
        if "result" in response:
            return response["result"]
        error = response["error"]
        if error["code"] == _NO_SUCH_METHOD:
            raise RpcError(f"the node at {self.url} is no development chain: it has no {method}; start anvil")
        raise RpcError(f"the node at {self.url} refuses {method}: {error['message']}")


def _logs(receipt: Mapping[str, Any]) -> tuple[Log, ...]:
    return tuple(
        Log(to_checksum_address(log["address"]), tuple(map(_bytes, log["topics"])), _bytes(log["data"]))
        for log in receipt["logs"]
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
