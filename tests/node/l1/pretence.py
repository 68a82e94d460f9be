"""A chain and a disk in memory, for what real ones do only at bad times; and a process that ends at any moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar, cast

from coordination.chain.artifacts import shipped
from coordination.chain.quote import NOBODY
from coordination.node.core.effects import SendProof, StopProof
from coordination.node.l1.client import L1
from coordination.node.l1.endpoints import Answer, Call, Failure
from coordination.node.l1.errors import L1Error
from coordination.node.l1.outbox import Outbox, Outcome
from coordination.node.l1.transactions import Fees, read, sign
from coordination.node.store import Pending, Store
from tests.node.l1.town import ALICE_KEY, BOB

CHAIN = 31_337
BASE_FEE = 10**9
PROOF = b"proof"

T = TypeVar("T")


class Crash(BaseException):
    """The process is gone."""


class Block(NamedTuple):
    number: int
    digest: str
    transactions: list[bytes]


class Chain:
    """One account's transactions: in blocks, and in a pool that keeps one for each nonce."""

    def __init__(self) -> None:
        self._names = map(hex, count())
        self.blocks = [Block(0, next(self._names), [])]
        self.pool: dict[int, bytes] = {}
        self.would_revert = False  # what is estimated
        self.reverts = False  # what is mined, unless it does nothing
        self.is_up, self.tells_receipts = True, True
        self.refusal: str | None = None
        self.exchanges = 0
        self.on_send: Callable[[bytes], None] = lambda raw: None

    @property
    def mined(self) -> list[bytes]:
        return [raw for block in self.blocks for raw in block.transactions]

    @property
    def pooled(self) -> int:
        nonce = len(self.mined)
        while nonce in self.pool:
            nonce += 1
        return nonce

    def mine(self) -> None:
        transactions = [self.pool.pop(nonce) for nonce in range(len(self.mined), self.pooled)]
        self.blocks.append(Block(len(self.blocks), next(self._names), transactions))

    def reorganise(self, depth: int, *, is_kept: bool) -> None:
        """Others build the last blocks anew without what was in them; the pool may get that back."""
        depth = min(depth, len(self.blocks) - 1)
        lost = [raw for block in self.blocks[len(self.blocks) - depth :] for raw in block.transactions]
        del self.blocks[len(self.blocks) - depth :]
        for _ in range(depth):
            self.blocks.append(Block(len(self.blocks), next(self._names), []))
        for raw in lost if is_kept else []:
            self.pool.setdefault(read(raw).nonce, raw)

    def send_from_elsewhere(self) -> None:
        """Another program with the same key."""
        nonce = self.pooled
        self.pool[nonce] = sign(ALICE_KEY, CHAIN, nonce, BOB, b"elsewhere", 21_000, Fees(10**12, 10**11))

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        if not self.is_up:
            raise L1Error("no Ethereum node answers")
        self.exchanges += 1
        return [getattr(self, f"_{method}")(*parameters) for method, parameters in calls]

    def _eth_getTransactionCount(self, address: str, block: str) -> Answer:
        return hex(len(self.mined) if block == "latest" else self.pooled)

    def _eth_getTransactionReceipt(self, digest: str) -> Answer:
        for block in self.blocks if self.tells_receipts else []:
            for raw in block.transactions:
                if read(raw).digest == digest:
                    status = 0 if self.reverts and read(raw).data else 1
                    return {"blockNumber": hex(block.number), "blockHash": block.digest, "status": hex(status)}
        return None

    def _eth_getTransactionByHash(self, digest: str) -> Answer:
        known = {read(raw).digest for raw in (*self.pool.values(), *self.mined)}
        return {"hash": digest} if digest in known else None

    def _eth_getBlockByNumber(self, block: str, whole: bool) -> Answer:
        return {"number": hex(len(self.blocks) - 1), "baseFeePerGas": hex(BASE_FEE)}

    def _eth_estimateGas(self, request: Any, block: str) -> Answer:
        return self._eth_call(request, block) if self.would_revert else hex(60_000)

    def _eth_call(self, request: Any, block: str) -> Answer:
        return Failure(3, "execution reverted", shipped("HardenedProverCoordination").error("InvalidProof", 7))

    def _eth_sendRawTransaction(self, text: str) -> Answer:
        raw = bytes.fromhex(text[2:])
        self.on_send(raw)
        new, before = read(raw), self.pool.get(read(raw).nonce)
        refusal = self.refusal
        if new.nonce < len(self.mined):
            refusal = "nonce too low: next nonce 9, tx nonce 3"
        elif before == raw:
            refusal = "already known"
        elif before is not None and new.fees.most * 10 < read(before).fees.most * 11:
            refusal = "replacement transaction underpriced"
        if refusal:
            return Failure(-32_000, refusal, b"")
        self.pool[new.nonce] = raw
        return new.digest


class World:
    """An outbox whose process can be killed. Half a second goes by each time that it is driven."""

    def __init__(self) -> None:
        self.chain = Chain()
        self.chain.on_send = self._check_sent
        self.rows: dict[str, Pending] = {}  # the disk
        self.now = 0.0
        self.moments_left: int | None = None
        self.said: list[Outcome] = []
        self.sent: list[bytes] = []
        self.start()

    def start(self) -> None:
        """A new process on the old disk."""
        self.moments_left = None
        l1, store = cast(L1, _L1(self)), cast(Store, _Store(self))
        self.outbox = Outbox(l1, store, ALICE_KEY, clock=lambda: self.now)

    def live_through(self, act: Callable[[], T]) -> T:
        """Before and after each thing that can be seen from outside, the process may end."""
        self._live()
        result = act()
        self._live()
        return result

    def _live(self) -> None:
        if self.moments_left is not None:
            self.moments_left -= 1
            if self.moments_left < 0:
                raise Crash

    def _check_sent(self, raw: bytes) -> None:
        assert any(raw in row.raw for row in self.rows.values()), "something was sent that is not on disk"
        self.sent.append(raw)

    def advance(self) -> list[str]:
        """What has happened, in short."""
        self.now += 0.5
        outcomes = self.outbox.advance()
        self.said += outcomes
        nonces = [row.nonce for row in self.rows.values() if row.raw]
        assert len(nonces) == len(set(nonces)), "two intents share a nonce"
        return [each.what.value for each in outcomes]

    def wait(self, seconds: float) -> list[str]:
        return [each for _ in range(int(2 * seconds)) for each in self.advance()]

    def count_mined(self, number: int) -> int:
        """How often what was asked for by `send(number)` is in a block."""
        return sum(read(raw).data == data(number) for raw in self.chain.mined)


class _L1:
    """What the outbox needs of L1."""

    rollup, chain_id = NOBODY, CHAIN

    def __init__(self, world: World) -> None:
        self._world, self.endpoints = world, self

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        return self._world.live_through(lambda: self._world.chain.ask(calls))


class _Store:
    """What the outbox needs of a store."""

    def __init__(self, world: World) -> None:
        self._world, self._rows = world, world.rows

    def transactions(self) -> list[Pending]:
        return list(self._rows.values())

    def put(self, pending: Pending) -> None:
        self._world.live_through(lambda: self._rows.update({pending.key: pending}))

    def drop(self, key: str) -> None:
        self._world.live_through(lambda: self._rows.pop(key, None))


def send(number: int) -> SendProof:
    """One of several intents that have nothing to do with each other."""
    return SendProof(number, 4, PROOF)


def stop(number: int) -> StopProof:
    return StopProof(number, 4)


def data(number: int) -> bytes:
    return shipped("HardenedProverCoordination").call("submitEpochProof", number, PROOF)
