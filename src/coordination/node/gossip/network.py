"""A node's part in the gossip: what it publishes, and what it hears."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from libp2p.abc import INetStream
from libp2p.host.basic_host import BasicHost
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.peerinfo import PeerInfo
from libp2p.pubsub.pb import rpc_pb2
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from coordination.chain.quote import SignedQuote
from coordination.node.core.core import Verdict
from coordination.node.core.effects import Topic
from coordination.node.gossip.addresses import ensure_free, parse_listen, parse_peer
from coordination.node.gossip.dialling import keep_connected
from coordination.node.gossip.pubsub import JudgingPubsub
from coordination.node.gossip.router import Router
from coordination.node.gossip.settings import GossipError, Settings
from coordination.node.gossip.standing import Standing
from coordination.node.gossip.swarm import GuardedSwarm
from coordination.node.wire import Malformed, decode, encode

STREAMS = 64  # of a connection; an honest peer has a handful
CLOSING = 2.0  # seconds

Hear = Callable[[Topic, SignedQuote], Verdict]
log = logging.getLogger(__name__)

# libp2p warns of each stranger that misbehaves. What it says goes where LIBP2P_DEBUG sends it, and nowhere else.
logging.getLogger("libp2p").addHandler(logging.NullHandler())


class Gossip:
    """One node among its peers."""

    def __init__(self, settings: Settings, hear: Hear) -> None:
        self._hear = hear
        self._names = {topic: settings.name_of(topic) for topic in Topic}
        self._topics = {name: topic for topic, name in self._names.items()}
        standing = Standing()
        self._swarm = GuardedSwarm(settings.seed, lambda peer: standing.is_refused(peer, trio.current_time()))
        self._host = BasicHost(self._swarm, disable_identify_address_discovery=True)
        self._swarm.set_stream_handler(self._handle)
        self._router = Router()
        self._pubsub = JudgingPubsub(self._host, self._router, self._topics, self._judge, standing)

    @property
    def address(self) -> str:
        """The multiaddr to give to others."""
        return str(self._host.get_addrs()[0])

    @property
    def peers(self) -> tuple[str, ...]:
        """The ids of those that hear what is published."""
        return tuple(str(peer) for peer in self._pubsub.peers)

    async def publish(self, topic: Topic, message: SignedQuote) -> None:
        """Send `message` to the peers that there are; it is no error if there is none."""
        await self._pubsub.publish(self._names[topic], encode(message))
        await trio.lowlevel.checkpoint()  # who publishes much in a row lets it be sent

    async def run(self, listen: Multiaddr, peers: Sequence[PeerInfo], opened: trio.Event, closing: trio.Event) -> None:
        """Take part until `closing`. What is cancelled here would leave connections open: it is stopped instead."""
        with trio.CancelScope(shield=True) as scope:
            async with (
                self._host.run([listen]),
                background_trio_service(self._router),
                background_trio_service(self._pubsub),
            ):
                if not self._host.get_transport_addrs():
                    raise GossipError(f"cannot listen on {listen}")
                for name in self._topics:
                    await self._pubsub.subscribe(name)
                async with trio.open_nursery() as nursery:
                    for peer in (peer for peer in peers if peer.peer_id != self._host.get_id()):
                        nursery.start_soon(keep_connected, self._host, self._swarm, peer)
                    opened.set()
                    await closing.wait()
                    nursery.cancel_scope.cancel()
                scope.deadline = trio.current_time() + CLOSING
                await self._leave()
            self._pubsub.seen_messages.stop()

    async def _leave(self) -> None:
        """While the services still run: libp2p leaves sockets open when it is stopped first."""
        async with trio.open_nursery() as nursery:  # each takes a while, and does nothing
            for peer in self._host.get_connected_peers():
                nursery.start_soon(self._swarm.close_peer, peer)
        await self._host.close()

    async def _handle(self, stream: INetStream) -> None:
        """What goes wrong with one stream ends it, and not the swarm with all the others."""
        try:
            if isinstance(stream, NetStream) and stream.swarm_conn and len(stream.swarm_conn.streams) > STREAMS:
                await stream.reset()
            else:
                await self._host._swarm_stream_handler(stream)
        except Exception:
            log.exception("a stream of %s failed", stream.muxed_conn.peer_id)
            await stream.reset()

    def _judge(self, message: rpc_pb2.Message) -> Verdict:
        topic = self._topics.get(message.topicIDs[0]) if len(message.topicIDs) == 1 else None
        if topic is None:
            return Verdict.REJECT
        try:
            return self._hear(topic, decode(message.data))
        except Malformed:
            return Verdict.REJECT


@asynccontextmanager
async def open_gossip(settings: Settings, hear: Hear) -> AsyncIterator[Gossip]:
    """Join, and leave at the end of the block. `hear` decides about each message that was not heard before.

    Raises GossipError if the addresses cannot be understood or listened on, and ValueError for a seed of a wrong size.
    What the block raises comes out in an exception group. A peer that is not reached is no error: it is dialled again,
    and so are those that are lost; this node itself may be among the peers, and is left out. What `hear` raises is
    logged, and ends the stream that the message came on.
    """
    listen = parse_listen(settings.listen)
    peers = [parse_peer(address) for address in settings.peers]
    ensure_free(listen)
    gossip = Gossip(settings, hear)
    opened, closing = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gossip.run, listen, peers, opened, closing)
        try:
            await opened.wait()
            yield gossip
        finally:
            closing.set()
