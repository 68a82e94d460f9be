"""A node at work: the core in the middle, and whoever carries out what it asks for.

Effects are carried out by one task, in their order, each done before the next begins: a choice is on disk before it is
published (N4). If the disk fails, the node ends, and publishes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, TypeVar

import trio

from coordination.chain.quote import Claim, Quote, SignedQuote, Status
from coordination.node.api.guard import Settings as ApiSettings
from coordination.node.api.operator import NodeStatus
from coordination.node.api.server import serve
from coordination.node.core.core import Core, Verdict
from coordination.node.core.effects import (
    AskFunds,
    AskProof,
    Effect,
    Forget,
    Publish,
    Remember,
    SendClaim,
    SendProof,
    StopClaim,
    StopProof,
    Topic,
)
from coordination.node.core.errors import L1_UNREACHABLE, Refused
from coordination.node.gossip.network import Gossip, open_gossip
from coordination.node.gossip.settings import Settings as GossipSettings
from coordination.node.l1.client import L1, Described
from coordination.node.l1.errors import L1Error
from coordination.node.l1.outbox import Outbox, What
from coordination.node.metrics import Metrics
from coordination.node.store import Store

LONGEST_POLL = 1.0  # seconds between two looks at L1, or an eighth of a slot if that is less
SILENCE = 30.0  # seconds without L1, and the node is not healthy
QUESTIONS = 4  # about claims, and as many about funds, that wait for L1 at once: the disk needs threads too
TROUBLE = (What.REVERTED, What.WOULD_REVERT, What.REFUSED, What.NONCE_LOST)

Told = TypeVar("Told")


class Node:
    """One node, and what its operator asks of it. `prove` computes the proof of an epoch, if this node does that."""

    def __init__(
        self,
        core: Core,
        store: Store,
        l1: L1,
        rollup: Described,
        outbox: Outbox | None,
        metrics: Metrics,
        log: Any,
        prove: Callable[[int], bytes] | None,
    ) -> None:
        self._core, self._store, self._l1, self._rollup, self._outbox = core, store, l1, rollup, outbox
        self._metrics, self._log, self._prove = metrics, log, prove
        self._poll = min(LONGEST_POLL, core.view.timing.slot_duration / 8)
        self._work, self._queue = trio.open_memory_channel[tuple[Sequence[Effect], trio.Event]](inf)
        self._contact: float | None = None  # when L1 last answered
        self._is_told_gone = False
        self._claims, self._funds = trio.CapacityLimiter(QUESTIONS), trio.CapacityLimiter(QUESTIONS)
        self._bell = trio.Event()  # rung when there is something to send
        self._gossip: Gossip
        self._nursery: trio.Nursery

    async def run(self, gossiping: GossipSettings, asking: ApiSettings) -> None:
        """Until cancelled. Raises GossipError, ApiError or StoreError if it cannot go on."""
        async with open_gossip(gossiping, self.hear) as self._gossip, trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._carry_out)
            # What is over since the last life is stopped before the outbox sends it again.
            await self._do(self._core.tick(time.time())).wait()
            self._nursery.start_soon(self._keep_time)
            self._nursery.start_soon(self._watch_l1)
            if self._outbox:
                self._nursery.start_soon(self._send, self._outbox)
            url = await self._nursery.start(serve, self, asking, self._metrics.render)
            self._log.info("ready", api=url, gossip=str(self._gossip.address), pid=os.getpid(), **self._owners())
            if self._core.prover:
                self._nursery.start_soon(self._warn_if_poor)

    def _owners(self) -> dict[str, str]:
        roles = {"prover": self._core.prover, "proposer": self._core.proposer}
        return {name: role.address for name, role in roles.items() if role}

    # What the network and the operator bring

    def hear(self, topic: Topic, message: SignedQuote) -> Verdict:
        """A message from the network, and what is to become of it."""
        heard = (self._core.hear_make if topic is Topic.MAKE else self._core.hear_take)(message)
        self._metrics.heard(topic, heard.verdict)
        # Whoever floods must not fill the disk: accepted takes are few, and so are rejected messages, as their senders
        # are soon refused; to pass on what is ignored costs nobody anything.
        is_rare = heard.verdict is Verdict.REJECT or (topic is Topic.TAKE and heard.verdict is Verdict.ACCEPT)
        tell = self._log.info if is_rare else self._log.debug
        tell("heard", topic=topic.value, verdict=heard.verdict.value, error=heard.error, **told(message.quote))
        self._do(heard.effects)
        return heard.verdict

    async def bid(self, epoch: int, basis_point_fee: int) -> None:
        await self._answer("bid", partial(self._core.bid, epoch, basis_point_fee), epoch=epoch, fee=basis_point_fee)
        self._nursery.start_soon(self._warn_if_poor)

    async def hand_in(self, epoch: int, proof: bytes) -> None:
        await self._answer("proof handed in", partial(self._core.hand_in, epoch, proof), epoch=epoch, size=len(proof))

    async def quotes(self, epoch: int) -> Sequence[Quote]:
        return self._core.pool.quotes(epoch)

    async def claim(self, epoch: int) -> Claim:
        try:
            return (await self._ask(partial(self._l1.look, 0, epoch), self._claims)).claims[epoch]
        except L1Error as error:
            raise Refused(L1_UNREACHABLE, str(error)) from error

    async def status(self) -> NodeStatus:
        core, view, contact, now = self._core, self._core.view, self._contact, time.time()
        return NodeStatus(
            version=self._rollup.version,
            chain_id=self._rollup.chain_id,
            rollup=self._l1.rollup,
            slot=view.slot,
            epoch=view.epoch,
            is_in_claim_phase=view.timing.is_in_claim_phase(view.slot),
            current_proposer=view.proposer,
            prover=core.prover.address if core.prover else None,
            proposer=core.proposer.address if core.proposer else None,
            peers=len(self._gossip.peers),
            pool_size=len(core.pool),
            last_l1_contact=None if contact is None else int(contact),
            # A clock that has gone back waits for a slot that was, and decides nothing until then.
            is_healthy=contact is not None and now - contact < SILENCE and view.timing.slot_at(now) >= view.slot,
        )

    async def _answer(self, what: str, request: Callable[[], Sequence[Effect]], **about: Any) -> None:
        """Carry out a request, whole, before it is answered."""
        try:
            done = self._do(request())
        except Refused as refused:
            self._log.info(f"{what} refused", error=refused.error, **about)
            raise
        self._log.info(what, **about)
        await done.wait()

    # What the core asks for

    def _do(self, effects: Sequence[Effect]) -> trio.Event:
        """Have effects carried out; the event says when they are."""
        done = trio.Event()
        self._work.send_nowait((effects, done))
        return done

    async def _carry_out(self) -> None:
        async for effects, done in self._queue:
            for effect in effects:
                await self._perform(effect)
                self._metrics.done(effect)
            done.set()

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Remember(fact):
                await trio.to_thread.run_sync(self._store.remember, fact)
                self._log.info("remembered", fact=type(fact).__name__, **told(fact))
            case Forget(epoch):
                await trio.to_thread.run_sync(self._store.forget, epoch)
            case Publish(topic, message):
                await self._gossip.publish(topic, message)
                self._log.info("published", topic=topic.value, **told(message.quote))
            case SendClaim() | SendProof() if self._outbox:
                await trio.to_thread.run_sync(self._outbox.send, effect)
                self._bell.set()
                self._log.info("sending", what=type(effect).__name__, **told(effect))
            case StopClaim() | StopProof() if self._outbox:
                if isinstance(effect, StopProof):
                    self._tell_if_missed(effect)
                await trio.to_thread.run_sync(self._outbox.stop, effect)
                self._bell.set()
            case AskProof(epoch, deadline):
                self._log.info("proof wanted", epoch=epoch, before_slot=deadline)
                if self._prove:
                    self._nursery.start_soon(self._compute, self._prove, epoch)
            case AskFunds():
                self._nursery.start_soon(self._find_funds, effect)

    def _tell_if_missed(self, stopped: StopProof) -> None:
        """A claim whose proof phase is over, and that L1 still has as claimed, has lost its bond."""
        claim = self._core.view.head.claims.get(stopped.epoch)
        if claim and claim.status == Status.CLAIMED and claim.slot == stopped.claim_slot:
            self._metrics.missed()
            self._log.error("proof missed, bond lost", epoch=stopped.epoch)

    async def _compute(self, prove: Callable[[int], bytes], epoch: int) -> None:
        proof = await trio.to_thread.run_sync(prove, epoch)
        try:
            await self.hand_in(epoch, proof)
        except Refused:
            return  # it took too long, which is told

    async def _warn_if_poor(self) -> None:
        """Proposers pass over the bids of whoever cannot pay, and nobody tells them but their own node."""
        assert self._core.prover is not None
        prover = self._core.prover.address
        with suppress(L1Error):
            if not (await self._ask(partial(self._l1.can_pay, [prover]), self._funds))[prover]:
                self._log.warning("prover cannot pay a bond", prover=prover, bond=self._rollup.parameters.bond)

    async def _find_funds(self, question: AskFunds) -> None:
        async with self._funds:
            if question.slot != self._core.view.slot:
                return  # it has waited too long
            try:
                can_pay = await self._ask(partial(self._l1.can_pay, question.provers))
            except L1Error:
                return  # it is asked again when L1 answers again
        self._do(self._core.learn_funds(question.slot, can_pay))

    # What time and L1 bring

    async def _keep_time(self) -> None:
        """A tick at the start of each slot, or soon after, if this machine's clock is set."""
        while True:
            self._do(self._core.tick(time.time()))
            self._metrics.at(self._core.view.slot, len(self._core.pool), len(self._gossip.peers))
            left = self._core.view.timing.start_of(self._core.view.slot + 1) - time.time()
            await trio.sleep(min(max(left, 0.005), LONGEST_POLL))

    async def _watch_l1(self) -> None:
        while True:
            view = self._core.view
            try:
                head = await self._ask(partial(self._l1.look, view.slot, view.epoch))
            except L1Error:
                pass  # told; what it said last stands
            else:
                self._do(self._core.see(head))
            await trio.sleep(self._poll)

    async def _send(self, outbox: Outbox) -> None:
        """Move transactions on, and tell what became of them."""
        while True:
            self._bell = trio.Event()
            for outcome in await trio.to_thread.run_sync(outbox.advance):
                self._metrics.sent(outcome)
                tell = self._log.warning if outcome.what in TROUBLE else self._log.info
                tell("transaction", **outcome._asdict())
            with trio.move_on_after(self._poll):
                await self._bell.wait()

    async def _ask(self, question: Callable[[], Told], limiter: trio.CapacityLimiter | None = None) -> Told:
        """What L1 answers. Raises L1Error; that it is gone, and that it is back, are told once."""
        try:
            answer = await trio.to_thread.run_sync(question, abandon_on_cancel=True, limiter=limiter)  # type: ignore[call-arg]  # its stubs are old
        except L1Error as error:
            self._metrics.l1_failed()
            if not self._is_told_gone:
                self._log.warning("L1 does not answer", error=str(error))
            self._is_told_gone = True
            raise
        if self._is_told_gone:
            self._log.info("L1 answers again")
        self._is_told_gone, self._contact = False, time.time()
        return answer


def told(about: Any) -> dict[str, Any]:
    """A tuple of the core's as fields of a log's line, without its signature or proof."""
    fields: dict[str, Any] = {}
    for name, value in about._asdict().items():
        if isinstance(value, Quote):
            fields |= told(value)
        elif isinstance(value, int | str):
            fields[name] = value
    return fields
