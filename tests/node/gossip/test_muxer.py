"""What a connection can make a node keep, whether its peer heeds windows or not."""

from __future__ import annotations

import trio
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.stream.exceptions import StreamError
from libp2p.pubsub.pb.rpc_pb2 import RPC

from coordination.node.gossip.muxer import UNREAD, BoundedYamux
from tests.node.gossip.peers import Node, Stranger, in_trio, opened, stranger, until

PIECE = RPC(senderRecord=bytes(200_000))  # some are read at once, and then hardly one a second


def muxer_of(node: Node) -> BoundedYamux:
    """Of the only connection of the node."""
    (connection,) = node.gossip._swarm.get_connections()
    assert isinstance(connection, SwarmConn)
    assert isinstance(connection.muxed_conn, BoundedYamux)
    return connection.muxed_conn


class Unread:
    """How much a connection has at the most, in bytes, that its node has not read; looked at all the time."""

    def __init__(self, muxer: BoundedYamux) -> None:
        self._muxer, self.most = muxer, 0

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, sum(map(len, self._muxer.stream_buffers.values())))
            await trio.sleep(0.001)


async def pour(bad: Stranger, size: int) -> int:
    """Send so many bytes, or what can be sent in a second; returns how much."""
    sent = 0
    with trio.move_on_after(1):
        while sent < size:
            try:
                await bad.send(PIECE)
            except StreamError:
                break
            sent += PIECE.ByteSize()
    return sent


@in_trio
async def test_the_bounded_muxer_is_in_use_at_both_ends() -> None:
    async with opened(1) as one, opened(2, one.address) as other:
        await until(lambda: one.gossip.peers and other.gossip.peers)
        assert {muxer_of(one).is_initiator, muxer_of(other).is_initiator} == {True, False}


@in_trio
async def test_a_peer_that_overruns_its_window_is_cut_off_before_it_fills_the_memory() -> None:
    async with opened(1) as node, stranger(node.address) as bad, trio.open_nursery() as nursery:
        unread = Unread(muxer_of(node))
        nursery.start_soon(unread.watch)
        bad.ignore_window()
        await pour(bad, 8 * UNREAD)
        await until(lambda: not bad.is_connected)
        assert 0 < unread.most <= UNREAD
        assert not node.gossip._swarm.get_connections()
        nursery.cancel_scope.cancel()


@in_trio
async def test_a_peer_that_heeds_its_window_is_slowed_and_not_cut_off() -> None:
    async with opened(1) as node, stranger(node.address) as other, trio.open_nursery() as nursery:
        muxer = muxer_of(node)
        muxer._rtt = 10.0  # seconds: it may answer pings as late as it likes
        unread = Unread(muxer)
        nursery.start_soon(unread.watch)
        assert await pour(other, 4 * UNREAD) < UNREAD
        assert other.is_connected
        assert unread.most < 1024 * 1024
        nursery.cancel_scope.cancel()
