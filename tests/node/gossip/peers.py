"""Nodes to gossip with, honest and other, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import wraps
from itertools import count, pairwise

import pytest
import trio
from libp2p.abc import INetStream
from libp2p.host.basic_host import BasicHost
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.utils.varint import encode_varint_prefixed
from multiaddr import Multiaddr

from coordination.chain.quote import Address, Quote, Signature, SignedQuote
from coordination.node.core.core import Verdict
from coordination.node.core.effects import Topic
from coordination.node.gossip.frames import Frames
from coordination.node.gossip.network import Gossip, open_gossip
from coordination.node.gossip.pubsub import RPC_SIZE
from coordination.node.gossip.settings import Settings
from coordination.node.gossip.swarm import GuardedSwarm
from coordination.node.wire import encode

VERSION = "0.2.0"
MAKE = f"/aztec/proof-quotes/make/{VERSION}"
LIMIT = 15.0  # seconds, of any test
_epochs = count(1_000_000)


def in_trio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test; it has failed if it takes too long."""

    @wraps(test)
    def run(**fixtures: object) -> None:
        async def bounded() -> None:
            with trio.fail_after(LIMIT):
                await test(**fixtures)

        trio.run(bounded)

    return run


async def until(is_so: Callable[[], object], within: float = 5.0) -> None:
    """Wait until `is_so`; raises TooSlowError if that takes longer than `within` seconds."""
    with trio.fail_after(within):
        while not is_so():
            await trio.sleep(0.005)


def message(epoch: int) -> SignedQuote:
    """Well formed; whether it is signed well is for the core to say, which is not here."""
    return SignedQuote(Quote(Address("0x" + "11" * 20), epoch, 1_000), Signature(27, b"\1" * 32, b"\2" * 32))


@dataclass
class Node:
    """A node of ours, and what it heard. `judge` says what is to become of an epoch's quotes."""

    judge: Callable[[int], Verdict] = lambda epoch: Verdict.ACCEPT
    heard: list[tuple[Topic, int]] = field(default_factory=list)
    gossip: Gossip = field(init=False)

    def hear(self, topic: Topic, message: SignedQuote) -> Verdict:
        self.heard.append((topic, message.quote.epoch))
        return self.judge(message.quote.epoch)

    @property
    def address(self) -> str:
        return self.gossip.address

    @property
    def epochs(self) -> list[int]:
        return [epoch for _, epoch in self.heard]


@asynccontextmanager
async def opened(
    number: int, *peers: str, node: Node | None = None, listen: str = "/ip4/127.0.0.1/tcp/0"
) -> AsyncIterator[Node]:
    """A node with the seed of `number` that dials `peers`."""
    node = node or Node()
    async with open_gossip(Settings(VERSION, bytes([number]) * 32, listen, peers), node.hear) as node.gossip:
        yield node


@asynccontextmanager
async def line(*nodes: Node) -> AsyncIterator[None]:
    """Nodes each of which knows only those beside it; open when messages can pass."""
    if not nodes:
        yield
        return
    *before, last = nodes
    async with line(*before), opened(len(nodes), *(node.address for node in before[-1:]), node=last):
        for one, other in pairwise(nodes):
            await until(lambda: is_meshed(one, other) and is_meshed(other, one))  # noqa: B023
        yield


def is_meshed(one: Node, other: Node) -> bool:
    """Whether what one accepts goes on to the other."""
    mesh = one.gossip._router.mesh
    return all(other.gossip._host.get_id() in mesh[name] for name in one.gossip._topics)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What our own modules logged; libp2p has much to say about strangers."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("coordination.")]


class Stranger:
    """Speaks libp2p well enough to be let in, and then says whatever it is told to."""

    def __init__(self, host: BasicHost, to: ID) -> None:
        self._host, self._to = host, to
        self._numbers = count(1)
        self._stream: INetStream
        self.told: list[rpc_pb2.RPC] = []  # what the node says, to a member

    @property
    def id(self) -> str:
        return str(self._host.get_id())

    @property
    def is_connected(self) -> bool:
        return bool(self._host.get_connected_peers())

    async def open(self) -> None:
        """A stream, for what is written from now on."""
        self._stream = await self._host.new_stream(self._to, [PROTOCOL_ID_V11])

    def ignore_window(self) -> None:
        """Send from now on however little the other side can take."""
        self._stream.muxed_stream.send_window = 2**40  # type: ignore[attr-defined]

    async def take(self, stream: INetStream) -> None:
        """What the node has to say."""
        frames = Frames(stream, RPC_SIZE)
        with suppress(StreamError):
            while True:
                self.told.append(rpc_pb2.RPC.FromString(await frames.receive()))

    async def wait_until_cut(self) -> None:
        """Return when the other side has ended the stream."""
        with suppress(StreamError):
            await self._stream.read(1)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def send(self, rpc: rpc_pb2.RPC) -> None:
        await self.write(encode_varint_prefixed(rpc.SerializeToString()))

    async def publish(self, data: bytes, *topics: str) -> None:
        await self.send(rpc_pb2.RPC(publish=[self.signed(data, *topics)]))

    def signed(self, data: bytes, *topics: str, number: bytes = b"") -> rpc_pb2.Message:
        number = number or next(self._numbers).to_bytes(8, "big")
        plain = rpc_pb2.Message(
            from_id=self._host.get_id().to_bytes(), seqno=number, topicIDs=topics or (MAKE,), data=data
        )
        signature = self._host.get_private_key().sign(PUBSUB_SIGNING_PREFIX.encode() + plain.SerializeToString())
        plain.signature = signature
        return plain

    def quote(self, epoch: int) -> rpc_pb2.Message:
        return self.signed(encode(message(epoch)))


@asynccontextmanager
async def stranger(to: str, number: int = 99) -> AsyncIterator[Stranger]:
    """Connected to the node at `to`, with a stream to it."""
    async with outsider(number) as host:
        peer = info_from_p2p_addr(Multiaddr(to))
        await host.connect(peer)
        stranger = Stranger(host, peer.peer_id)
        await stranger.open()
        yield stranger


@asynccontextmanager
async def member(of: Node, number: int = 99) -> AsyncIterator[Stranger]:
    """A stranger that is among the peers of the node: it takes a stream of the node's too."""
    async with outsider(number) as host:
        peer = info_from_p2p_addr(Multiaddr(of.address))
        stranger = Stranger(host, peer.peer_id)
        host.set_stream_handler(PROTOCOL_ID_V11, stranger.take)
        await host.connect(peer)
        await stranger.open()
        await until(lambda: stranger.id in of.gossip.peers)
        yield stranger


async def is_let_in(to: str, number: int) -> bool:
    """Whether the node at `to` keeps a connection with that stranger."""
    async with outsider(number) as host:
        with suppress(SwarmException):
            await host.connect(info_from_p2p_addr(Multiaddr(to)))
            await trio.sleep(0.5)
        return bool(host.get_connected_peers())


async def is_heard(node: Node, other: Stranger) -> bool:
    """Whether the node still hears the stranger."""
    epoch = next(_epochs)
    await other.send(rpc_pb2.RPC(publish=[other.quote(epoch)]))
    with trio.move_on_after(1):
        await until(lambda: epoch in node.epochs)
    return epoch in node.epochs


@asynccontextmanager
async def outsider(number: int) -> AsyncIterator[BasicHost]:
    host = BasicHost(GuardedSwarm(bytes([number]) * 32, lambda peer: False))
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        try:
            yield host
        finally:
            await host.close()
