"""What comes in is judged before anything else is done with it, and only what is accepted goes on to others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from weakref import WeakKeyDictionary

import trio
from google.protobuf.message import DecodeError
from libp2p.abc import IHost, INetStream
from libp2p.io.exceptions import IOException
from libp2p.network.connection.exceptions import RawConnError
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.pubsub.validators import signature_validator

from coordination.node.core.core import Verdict
from coordination.node.gossip.frames import BadFrame, Frames
from coordination.node.gossip.router import Router
from coordination.node.gossip.standing import Standing

RPC_SIZE = 256 * 1024  # bytes, the most that is read at once
MESSAGE_SIZE = 1_024  # bytes, of a message with its envelope
ENTRIES = 256  # of subscriptions and control in one RPC; of two topics, even with what was lost and is sent again
IDS = 5_000  # of messages, in the control of one RPC: what others send at most, and what fits in the answer
QUEUE = 2_048  # what waits for one peer; libp2p's 32 lose most of a burst

Judge = Callable[[rpc_pb2.Message], Verdict]
log = logging.getLogger(__name__)


class JudgingPubsub(Pubsub):
    """Pubsub whose receiving half is its own.

    libp2p's starts a task for each message, however many come; tells valid from invalid, and nothing between; and
    ends with all that it serves when a stranger's bytes do not parse. Here the messages of a peer are judged one after
    the other, and it is read on only then, and not faster than its standing allows: whoever sends too much waits.
    """

    def __init__(self, host: IHost, router: Router, topics: Collection[str], judge: Judge, standing: Standing) -> None:
        super().__init__(host, router, allowed_topics=set(topics))
        self.counter = time.time_ns()  # messages are known by sender and number: none comes again after a restart
        self._judge, self._standing = judge, standing
        self._writing: WeakKeyDictionary[INetStream, trio.Lock] = WeakKeyDictionary()

    async def stream_handler(self, stream: INetStream) -> None:
        peer = stream.muxed_conn.peer_id
        try:
            await self.continuously_read_stream(stream)
        except (BadFrame, DecodeError) as error:
            self._blame(peer, str(error))
        except (StreamError, IOException, RawConnError):
            pass  # it is over
        await stream.reset()

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Work on what comes, until the stream is over or its peer is refused."""
        peer = stream.muxed_conn.peer_id
        frames = Frames(stream, RPC_SIZE)
        while self.manager.is_running and not self._is_refused(peer):
            data = await frames.receive()
            rpc = rpc_pb2.RPC.FromString(data)
            worth = len(data) // 1024 + max(1, len(rpc.publish) + _entries(rpc))  # messages that cost as much
            await trio.sleep(self._standing.pause(peer, worth, trio.current_time()))
            await self._receive(peer, rpc)

    async def _receive(self, peer: ID, rpc: rpc_pb2.RPC) -> None:
        for message in rpc.publish:
            await trio.lowlevel.checkpoint()  # the other peers' turn
            if self._is_refused(peer):
                return
            await self.push_msg(peer, message)
        for subscription in {said.topicid: said for said in rpc.subscriptions}.values():  # the last word on each
            self.handle_subscription(peer, subscription)
        await self.router.handle_rpc(rpc, peer)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Pass on what this node publishes, and what it accepts of others."""
        if self._is_msg_seen(msg):
            return
        if msg_forwarder == self.my_id:
            self._mark_msg_seen(msg)
        elif not self._is_accepted(msg_forwarder, msg):
            return
        await self.router.publish(msg_forwarder, msg)

    def _is_accepted(self, sender: ID, message: rpc_pb2.Message) -> bool:
        if message.ByteSize() > MESSAGE_SIZE or not _is_signed(message):
            verdict = Verdict.REJECT  # and not marked as seen: its number may be one that its author is yet to use
        else:
            self._mark_msg_seen(message)
            is_own = ID(message.from_id) == self.my_id  # published before a restart
            verdict = Verdict.IGNORE if is_own else self._judge(message)
        if verdict is Verdict.REJECT:
            self._blame(sender, "it passes on what is to be rejected")
        return verdict is Verdict.ACCEPT

    async def handle_sending_messages(self, peer_id: ID, stream: INetStream, queue: RpcQueue) -> None:
        queue.max_message_size = RPC_SIZE
        queue._queue.max_size = QUEUE
        await super().handle_sending_messages(peer_id, stream, queue)

    async def write_msg(self, stream: INetStream, rpc_msg: rpc_pb2.RPC) -> bool:
        """One after the other: several tasks write to a peer, and a long message takes more than one write."""
        async with self._writing.setdefault(stream, trio.Lock()):
            return await super().write_msg(stream, rpc_msg)

    def _is_refused(self, peer: ID) -> bool:
        return self._standing.is_refused(peer, trio.current_time())

    def _blame(self, peer: ID, why: str) -> None:
        if self._standing.blame(peer, trio.current_time()):
            log.warning("peer %s is refused: %s", peer, why)
            self.manager.run_task(self.host.disconnect, peer)


def _entries(rpc: rpc_pb2.RPC) -> int:
    """How much there is in it beside messages. Raises BadFrame for what no honest peer sends: libp2p works through all
    of it, and nobody else has a turn meanwhile."""
    control = rpc.control
    entries = len(control.ihave) + len(control.iwant) + len(control.graft) + len(control.prune) + len(rpc.subscriptions)
    if entries > ENTRIES:
        raise BadFrame(f"{entries} subscriptions and entries of control, more than {ENTRIES}")
    ids = sum(len(have.messageIDs) for have in control.ihave) + sum(len(want.messageIDs) for want in control.iwant)
    if ids > IDS:
        raise BadFrame(f"{ids} ids of messages, more than {IDS}")
    return entries


def _is_signed(message: rpc_pb2.Message) -> bool:
    try:
        return signature_validator(message)
    except Exception:  # it raises whatever the many parsers of foreign keys raise
        return False
