"""The chain as the outbox sees it: one account, its transactions, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from coordination.chain.quote import Address
from coordination.chain.rollup import decode_error
from coordination.node.l1.endpoints import Answer, Call, Endpoints, Failure, one_line
from coordination.node.l1.errors import L1Error

QUANTITIES = 1 << 64  # block numbers, nonces, gas, and wei for a unit of it are below it


class Receipt(NamedTuple):
    digest: str
    block: int
    block_digest: str
    succeeded: bool


@dataclass(frozen=True)
class Seen:
    """One look at the account: `used` nonces are in blocks, `pooled` ones at least in the pool.

    `receipts` of transactions that are mined, `known` are those that L1 has, mined or not; by digest.
    """

    block: int
    base_fee: int
    used: int
    pooled: int
    receipts: Mapping[str, Receipt]
    known: frozenset[str]


class Refusal(NamedTuple):
    """A transaction would fail: the contract's named error, or what else L1 says."""

    why: str


class Pool(Enum):
    """What a pool says to a transaction."""

    TAKEN = "taken"
    KNOWN = "known"
    NONCE_USED = "nonce used"
    OUTBID = "outbid"
    REFUSED = "refused"


# How clients say it, in small letters without spaces: geth, reth, Erigon, Nethermind, Besu, anvil, py-evm.
_SAYINGS = {
    Pool.KNOWN: ("alreadyknown", "alreadyimported", "knowntransaction", "alreadyinpool", "alreadyexists"),
    Pool.NONCE_USED: ("noncetoolow", "nonceistoolow", "oldnonce", "invalidnonce", "invalidtransactionnonce"),
    Pool.OUTBID: ("underpriced", "replacementnotallowed", "couldnotreplace", "feetoolow", "gaspricetoolow"),
}


class Account:
    """Every method is one exchange, or few, and raises L1Error if no endpoint answers, or none in an understood way."""

    def __init__(self, endpoints: Endpoints, address: Address) -> None:
        self._endpoints, self._address = endpoints, address

    def look(self, digests: Sequence[str]) -> Seen:
        """The account, and what L1 knows of the transactions of these digests."""
        answers = self._endpoints.ask(
            [
                # Before the receipts, so that what it counts has one by then.
                Call("eth_getTransactionCount", [self._address, "latest"]),
                Call("eth_getTransactionCount", [self._address, "pending"]),
                *(Call("eth_getTransactionReceipt", [digest]) for digest in digests),
                *(Call("eth_getTransactionByHash", [digest]) for digest in digests),
                Call("eth_getBlockByNumber", ["latest", False]),
            ]
        )
        failure = next((each for each in answers if isinstance(each, Failure)), None)
        if failure is not None:
            raise L1Error(f"L1 does not tell how {self._address} stands: {failure.message}")
        used, pooled, *rest, block = answers
        try:
            mined = {digest: _receipt(digest, each) for digest, each in zip(digests, rest, strict=False) if each}
            return Seen(
                block=_number(block["number"]),
                base_fee=_number(block["baseFeePerGas"]),
                used=_number(used),
                pooled=_number(pooled),
                receipts=mined,
                known=frozenset(digest for digest, each in zip(digests, rest[len(digests) :], strict=True) if each),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise L1Error(f"L1 tells something malformed of how {self._address} stands ({error!r})") from error

    def estimate(self, to: Address, data: bytes) -> int | Refusal:
        """The gas that a call would take in the next block, on top of what the pool has."""
        answer = self._endpoints.ask([Call("eth_estimateGas", [self._request(to, data), "pending"])])[0]
        return Refusal(_why(answer)) if isinstance(answer, Failure) else _told(answer)

    def explain(self, to: Address, data: bytes, block: int) -> str:
        """Why a call that was mined in `block` failed, as far as running it again after that block tells."""
        answer = self._endpoints.ask([Call("eth_call", [self._request(to, data), hex(block)])])[0]
        return _why(answer) if isinstance(answer, Failure) else "it would succeed after its block"

    def broadcast(self, raw: bytes) -> tuple[Pool, str]:
        """What the pool says to it, and in which words."""
        answer = self._endpoints.ask([Call("eth_sendRawTransaction", ["0x" + raw.hex()])])[0]
        if not isinstance(answer, Failure):
            return Pool.TAKEN, ""
        said = "".join(answer.message.lower().split())
        for what, sayings in _SAYINGS.items():
            if any(saying in said for saying in sayings):
                return what, answer.message
        return Pool.REFUSED, answer.message

    def _request(self, to: Address, data: bytes) -> dict[str, str]:
        return {"from": self._address, "to": to, "data": "0x" + data.hex()}


def _why(failure: Failure) -> str:
    rejection = decode_error(failure.data)
    if rejection is None:
        return failure.message
    arguments = ", ".join(f"{name}={value}" for name, value in rejection.arguments.items())
    return one_line(f"{rejection.name}({arguments})")


def _receipt(digest: str, answer: Mapping[str, Any]) -> Receipt:
    return Receipt(digest, _number(answer["blockNumber"]), str(answer["blockHash"]), _number(answer["status"]) == 1)


def _number(answer: Answer) -> int:
    """A quantity that a transaction can hold. Raises ValueError for any other."""
    number = int(answer, 16)
    if not 0 <= number < QUANTITIES:
        raise ValueError(f"{answer} is no quantity")
    return number


def _told(answer: Answer) -> int:
    try:
        return _number(answer)
    except (TypeError, ValueError) as error:
        raise L1Error("L1 does not tell how much gas a call takes") from error
