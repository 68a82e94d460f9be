"""Honest nodes: what one publishes, the others hear, if those between accept it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from time import perf_counter

import pytest
import trio
from libp2p import new_host
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, PROTOCOL_ID_V13, GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from coordination.node.core.core import Verdict
from coordination.node.core.effects import Topic
from coordination.node.gossip.identity import peer_id
from coordination.node.gossip.standing import POINTS
from coordination.node.wire import encode
from tests.node.gossip.peers import MAKE, Node, in_trio, line, message, opened, outsider, told, until

WRONG = 666


def rejecting(epoch: int) -> Verdict:
    return Verdict.REJECT if epoch == WRONG else Verdict.ACCEPT


def ignoring(epoch: int) -> Verdict:
    return Verdict.IGNORE if epoch == WRONG else Verdict.ACCEPT


@pytest.mark.parametrize("topic", Topic)
@in_trio
async def test_a_message_reaches_a_node_that_its_author_does_not_know(topic: Topic) -> None:
    a, b, c = Node(), Node(), Node()
    async with line(a, b, c):
        await a.gossip.publish(topic, message(7))
        await until(lambda: c.heard)
    assert b.heard == c.heard == [(topic, 7)]
    assert a.heard == []


@pytest.mark.parametrize("judge", [rejecting, ignoring])
@in_trio
async def test_what_a_node_does_not_accept_goes_no_further(judge) -> None:
    a, b, c = Node(), Node(judge), Node()
    async with line(a, b, c):
        await a.gossip.publish(Topic.MAKE, message(WRONG))
        await a.gossip.publish(Topic.MAKE, message(7))
        await until(lambda: c.heard)
    assert b.epochs == [WRONG, 7]
    assert c.epochs == [7]


@in_trio
async def test_who_passes_on_too_much_that_is_rejected_is_refused_for_a_while() -> None:
    a, b, c = Node(), Node(rejecting), Node()
    async with line(a, b, c):
        for _ in range(POINTS):
            await a.gossip.publish(Topic.MAKE, message(WRONG))
        await until(lambda: len(b.heard) == POINTS)
        assert peer_id(bytes([1]) * 32) in b.gossip.peers
        await a.gossip.publish(Topic.MAKE, message(WRONG))
        await until(lambda: b.gossip.peers == (peer_id(bytes([3]) * 32),))
        await until(lambda: not a.gossip.peers)
        await trio.sleep(1.0)  # b dials a as often as it is allowed to
        assert a.gossip.peers == ()
        await c.gossip.publish(Topic.MAKE, message(7))
        await until(lambda: 7 in b.epochs)


@in_trio
async def test_what_is_ignored_is_held_against_nobody() -> None:
    a, b = Node(), Node(ignoring)
    async with line(a, b):
        for _ in range(2 * POINTS):
            await a.gossip.publish(Topic.MAKE, message(WRONG))
        await a.gossip.publish(Topic.MAKE, message(7))
        await until(lambda: 7 in b.epochs)
        assert len(b.heard) == 2 * POINTS + 1


@in_trio
async def test_a_burst_arrives_whole_and_fast() -> None:
    a, b, c = Node(), Node(), Node()
    async with line(a, b, c):
        start = perf_counter()
        for epoch in range(500):
            await a.gossip.publish(Topic.MAKE, message(epoch))
        await until(lambda: len(c.heard) == 500, within=10)
        took = perf_counter() - start
    assert b.epochs == c.epochs == list(range(500))
    print(f"{500 / took:.0f} messages a second over two hops, all three nodes in one process")


@in_trio
async def test_what_a_node_publishes_reaches_a_peer_that_is_not_in_its_mesh_yet() -> None:
    a, b = Node(), Node()
    async with line(a, b):
        for peers in a.gossip._router.mesh.values():
            peers.clear()
        await a.gossip.publish(Topic.MAKE, message(7))
        await until(lambda: b.epochs == [7])


@in_trio
async def test_a_peer_with_libp2ps_own_pubsub_hears_and_is_heard() -> None:
    host = new_host()
    pubsub = Pubsub(host, GossipSub([PROTOCOL_ID_V13, PROTOCOL_ID_V11], 6, 4, 12))
    async with (
        opened(1) as node,
        host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]),
        background_trio_service(pubsub.router),
        background_trio_service(pubsub),
    ):
        told_to_it = await pubsub.subscribe(MAKE)
        await host.connect(info_from_p2p_addr(Multiaddr(node.address)))
        await pubsub.wait_for_mesh(node.gossip._host.get_id(), MAKE)
        await pubsub.publish(MAKE, encode(message(7)))
        await until(lambda: node.epochs == [7])
        await node.gossip.publish(Topic.MAKE, message(8))
        data = [(await told_to_it.get()).data for _ in range(2)]
        await host.close()
    assert data == [encode(message(7)), encode(message(8))], "its own is told to it too"


@in_trio
async def test_publishing_with_nobody_there_is_no_error() -> None:
    async with opened(1) as alone:
        await alone.gossip.publish(Topic.MAKE, message(7))
        assert alone.gossip.peers == ()


@in_trio
async def test_a_peer_that_was_not_up_is_found_when_it_is(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(2) as early:
        address = early.address
    place = address.split("/p2p/")[0]
    async with opened(1, address) as waiting:
        await until(lambda: told(caplog))
        await trio.sleep(0.8)
        assert told(caplog) == [f"no connection to {address}"], "told once"
        async with opened(2, listen=place):
            await until(lambda: waiting.gossip.peers, within=2.5)


@in_trio
async def test_a_peer_that_restarts_is_found_again_and_heard_at_once() -> None:
    async with opened(2) as first:
        address = first.address
        async with opened(1, address) as b:
            await until(lambda: b.gossip.peers and first.gossip.peers)
            for epoch in range(20):
                await first.gossip.publish(Topic.MAKE, message(epoch))
            await until(lambda: len(b.heard) == 20)
            b_address = b.address
            # It ends while b goes on, and comes back with the same identity.
            await first.gossip._host.close()
            await until(lambda: not b.gossip.peers)
            async with opened(2, b_address) as again:
                assert again.gossip._host.get_id() == first.gossip._host.get_id()
                await until(lambda: again.gossip.peers, within=2.0)
                for epoch in range(100, 120):
                    await again.gossip.publish(Topic.MAKE, message(epoch))
                await until(lambda: len(b.heard) == 40)


@in_trio
async def test_cancelled_it_ends_soon_with_its_connections(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Node(), Node()
    async with opened(1, node=a):
        with trio.CancelScope() as scope:
            async with opened(2, a.address, node=b):
                await until(lambda: a.gossip.peers and b.gossip.peers)
                start = perf_counter()
                scope.cancel()
                await trio.sleep_forever()
        assert perf_counter() - start < 2
        assert scope.cancelled_caught
        await until(lambda: not a.gossip.peers)
    assert told(caplog) == []


@in_trio
async def test_it_ends_as_soon_with_many_connections() -> None:
    async with AsyncExitStack() as guests:
        hosts = [await guests.enter_async_context(outsider(100 + number)) for number in range(8)]
        async with opened(1) as node:
            for host in hosts:
                await host.connect(info_from_p2p_addr(Multiaddr(node.address)))
            await until(lambda: node.gossip._swarm.get_total_connections() == 8)
            start = perf_counter()
        assert perf_counter() - start < 1


@in_trio
async def test_what_fails_in_its_block_comes_out_and_all_is_closed() -> None:
    with pytest.RaisesGroup(ZeroDivisionError):
        async with opened(1) as node:
            address = node.address.split("/p2p/")[0]
            _ = 1 / 0
    async with opened(1, listen=address) as again:
        assert again.address.startswith(address)
