"""A node's interface on this machine, with a real core behind it but no disk, no L1 and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from threading import Thread

import trio

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import NOBODY, Claim, Quote, Status
from coordination.chain.signing import SeedSigning
from coordination.node.api.guard import Settings
from coordination.node.api.operator import NodeStatus
from coordination.node.api.parameters import PROOF_SIZE
from coordination.node.api.server import serve
from coordination.node.core.core import Core
from coordination.node.core.memory import Memory
from coordination.node.core.timing import Timing

ALICE, BOB = development_key("alice"), development_key("bob")
TIMING = Timing(genesis_time=0, slot_duration=1, slots_per_epoch=32, claim_slots=16, proof_slots=16)
EPOCH = 5
SLOT = EPOCH * 32 + 20  # the claim phase for the epoch before is over
CLAIM = Claim(address_of(ALICE), 500, Status.CLAIMED, address_of(BOB), 130)  # of the epoch before
BOUND = 15.0  # seconds that any test waits for anything


class Node:
    """An operator whose calls are recorded, and whose parameters are checked: ill-typed ones fail the call."""

    def __init__(self) -> None:
        self.core = Core(TIMING, SeedSigning(), Memory(), prover=ALICE)
        self.core.tick(SLOT)
        self.calls: list[tuple[object, ...]] = []
        self.is_healthy = True
        self.is_held = False  # a bid is not done as long as this is so

    async def bid(self, epoch: int, basis_point_fee: int) -> None:
        _check(epoch, 256)
        _check(basis_point_fee, 32)
        self.calls.append(("bid", epoch, basis_point_fee))
        while self.is_held:
            await trio.sleep(0.01)
        self.core.bid(epoch, basis_point_fee)

    async def hand_in(self, epoch: int, proof: bytes) -> None:
        _check(epoch, 256)
        assert isinstance(proof, bytes)
        assert len(proof) <= PROOF_SIZE
        self.calls.append(("hand_in", epoch, proof))
        self.core.hand_in(epoch, proof)

    async def quotes(self, epoch: int) -> Sequence[Quote]:
        _check(epoch, 256)
        return list(self.core.pool.best_first(epoch))

    async def claim(self, epoch: int) -> Claim:
        _check(epoch, 256)
        return CLAIM if epoch == EPOCH - 1 else Claim(NOBODY, 0, Status.OPEN, NOBODY, 0)

    async def status(self) -> NodeStatus:
        return NodeStatus(
            version="0.1.0",
            chain_id=31_337,
            rollup=address_of(BOB),
            slot=self.core.view.slot,
            epoch=self.core.view.epoch,
            is_in_claim_phase=False,
            current_proposer=None,
            prover=address_of(ALICE),
            proposer=None,
            peers=3,
            pool_size=len(self.core.pool),
            last_l1_contact=1_700_000_000,
            is_healthy=self.is_healthy,
        )


def _check(value: object, bits: int) -> None:
    assert type(value) is int
    assert 0 <= value < 2**bits


@contextmanager
def serving(
    node: Node, settings: Settings | None = None, metrics: Callable[[], bytes] = lambda: b"slot 180.0\n"
) -> Iterator[str]:
    """The URL at which `node` answers. That it stops in time is checked too."""
    begun: Queue[tuple[str, Callable[[], None]]] = Queue()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            url = await nursery.start(serve, node, settings or Settings(port=0), metrics)
            token = trio.lowlevel.current_trio_token()
            begun.put((url, lambda: token.run_sync_soon(nursery.cancel_scope.cancel)))

    thread = Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    url, stop = begun.get(timeout=BOUND)
    try:
        yield url
    finally:
        stop()
        thread.join(BOUND)
        assert not thread.is_alive(), "the server does not stop"
