"""A node at work, with a real core and store; L1, the network and the interface are pretended."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from coordination.chain.accounts import address_of, development_key
from coordination.chain.deployment import Parameters
from coordination.chain.quote import NOBODY, Address, Claim, Quote, Signature, SignedQuote, Status
from coordination.chain.signing import SeedSigning
from coordination.node import running
from coordination.node.api.guard import Settings as ApiSettings
from coordination.node.core.core import Core, Verdict
from coordination.node.core.effects import Claimed, StopClaim, Topic
from coordination.node.core.timing import Timing
from coordination.node.core.view import Head
from coordination.node.gossip.settings import Settings as GossipSettings
from coordination.node.l1.client import L1, Described
from coordination.node.l1.outbox import Outbox, Outcome
from coordination.node.logs import open_log
from coordination.node.metrics import Metrics
from coordination.node.running import Node
from coordination.node.store import Store

ALICE_KEY, BOB_KEY = development_key("alice"), development_key("bob")
ALICE, BOB = address_of(ALICE_KEY), address_of(BOB_KEY)
SLOT, LENGTH = 4, 10_000  # it is the first of the claim phase for epoch 0, for hours
QUOTE = Quote(ALICE, 0, 100)
GARBAGE = Signature(27, b"\1" * 32, b"\1" * 32)
BOUND = 10.0  # seconds that any test waits for anything


class Stage:
    """One node, and what it meets. `funds` is waited for by every question about them."""

    def __init__(self, folder: Path, claimed: Claimed | None = None) -> None:
        self.store = Store(folder / "store", "a test's")
        if claimed:
            self.store.remember(claimed)
        self.funds, self.is_rich, self.asked = threading.Event(), True, 0
        self.head = Head(dict.fromkeys(range(SLOT + 3), BOB), {0: Claim(NOBODY, 0, Status.OPEN, NOBODY, 0)})
        self.sending: list[object] = []  # what the outbox was told, and when it was driven
        self.lines = io.StringIO()
        parameters = Parameters(int(time.time()) - SLOT * LENGTH - 10, LENGTH, 4, 2, 2, 1, 1)
        self.core = Core(Timing.of(parameters), SeedSigning(), self.store.load(), prover=ALICE_KEY, proposer=BOB_KEY)
        rollup = Described("0.1.0", 1, parameters, NOBODY, NOBODY)
        l1 = SimpleNamespace(rollup=NOBODY, look=self.look, can_pay=self.can_pay)
        outbox = SimpleNamespace(send=self.sending.append, stop=self.sending.append, advance=self.advance)
        log = open_log(self.lines)
        self.node = Node(self.core, self.store, cast(L1, l1), rollup, cast(Outbox, outbox), Metrics(), log, None)

    def look(self, slot: int, epoch: int) -> Head:
        self.asked += 1
        return self.head

    def can_pay(self, provers: Iterable[Address]) -> dict[Address, bool]:
        assert self.funds.wait(BOUND)
        return dict.fromkeys(provers, self.is_rich)

    def advance(self) -> list[Outcome]:
        self.sending.append("advance")
        return []

    def events(self, name: str) -> list[dict[str, Any]]:
        events = map(json.loads, self.lines.getvalue().splitlines())
        return [event for event in events if event["event"] == name]

    def run(self, act: Callable[[Node], Awaitable[None]]) -> None:
        """Let the node run until `act` is done."""

        async def both() -> None:
            with trio.fail_after(BOUND):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.node.run, cast(GossipSettings, None), ApiSettings())
                    while not self.events("ready"):
                        await trio.sleep(0.001)
                    try:
                        await act(self.node)
                    finally:
                        self.funds.set()
                    nursery.cancel_scope.cancel()

        trio.run(both)


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    """Makes nodes that look at L1 a thousand times a second."""
    made: list[Stage] = []

    @asynccontextmanager
    async def gossip(*_: object) -> AsyncIterator[object]:
        async def publish(*_: object) -> None:
            pass

        yield SimpleNamespace(address="here", peers=(), publish=publish)

    async def serve(*_: object, task_status: Any) -> None:
        task_status.started("there")
        await trio.sleep_forever()

    def make(**memory: Any) -> Stage:
        home = tmp_path / str(len(made))
        home.mkdir()
        made.append(Stage(home, **memory))
        return made[-1]

    monkeypatch.setattr(running, "open_gossip", gossip)
    monkeypatch.setattr(running, "serve", serve)
    monkeypatch.setattr(running, "LONGEST_POLL", 0.001)
    yield make
    for each in made:
        each.store.close()


def test_while_l1_is_slow_to_tell_of_funds_the_disk_is_still_written(stages: Callable[..., Stage]) -> None:
    stage = stages()

    async def act(node: Node) -> None:
        await node.bid(0, 100)
        while stage.asked < 100:  # each time, the funds are asked for again
            await trio.sleep(0.001)
        await node.bid(0, 90)

    stage.run(act)
    assert Quote(ALICE, 0, 90) in stage.store.load().made


def test_a_prover_that_cannot_pay_a_bond_is_warned(stages: Callable[..., Stage]) -> None:
    stage = stages()
    stage.is_rich = False
    stage.funds.set()

    async def act(node: Node) -> None:
        while not stage.events("prover cannot pay a bond"):
            await trio.sleep(0.001)
        await node.bid(0, 100)
        while len(stage.events("prover cannot pay a bond")) < 2:
            await trio.sleep(0.001)

    stage.run(act)
    [warned, *_] = stage.events("prover cannot pay a bond")
    assert (warned["level"], warned["prover"]) == ("warning", ALICE)


def test_takes_that_cannot_be_judged_do_not_fill_the_log(stages: Callable[..., Stage]) -> None:
    stage = stages()
    stage.head = Head({}, {})

    async def act(node: Node) -> None:
        for fee in range(100):
            heard = node.hear(Topic.TAKE, SignedQuote(QUOTE._replace(basis_point_fee=fee), GARBAGE))
            assert heard is Verdict.IGNORE

    stage.run(act)
    assert stage.events("heard") == []


def test_a_claim_that_is_over_is_stopped_before_anything_is_sent_again(stages: Callable[..., Stage]) -> None:
    for _ in range(20):  # tasks begin in any order
        stage = stages(claimed=Claimed(SLOT - 3, QUOTE, GARBAGE))

        async def act(node: Node, stage: Stage = stage) -> None:
            while "advance" not in stage.sending:
                await trio.sleep(0.001)

        stage.run(act)
        assert stage.sending[0] == StopClaim(SLOT - 3)


def test_a_node_whose_clock_has_gone_back_is_not_healthy(stages: Callable[..., Stage]) -> None:
    stage, told = stages(), list[bool]()

    async def act(node: Node) -> None:
        while (await node.status()).last_l1_contact is None:
            await trio.sleep(0.001)
        told.append((await node.status()).is_healthy)
        stage.core.tick(time.time() + LENGTH)
        told.append((await node.status()).is_healthy)

    stage.run(act)
    assert told == [True, False]
