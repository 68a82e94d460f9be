"""To which peers a message goes."""

from __future__ import annotations

from collections.abc import Iterable

from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID, PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2

ID_SIZE = 48  # bytes, of a message's id: an author of up to 38 and a number of 8


class Router(GossipSub):
    """Gossipsub 1.1 with the usual degrees. Of libp2p's own limits those are off that would drop honest bursts."""

    def __init__(self) -> None:
        super().__init__(
            [PROTOCOL_ID_V11, PROTOCOL_ID],
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=1,
            adaptive_gossip_enabled=False,
            spam_protection_enabled=False,
        )
        self.recent_message_deliveries = _Unremembered()

    async def handle_rpc(self, rpc: rpc_pb2.RPC, sender_peer_id: ID) -> None:
        """Work on the control in it, from a peer that this node can answer, and as far as it is of use.

        libp2p's own answers and remembers whatever topics a stranger invents, remembers strangers that are gone, and
        dials whom they name.
        """
        if sender_peer_id in self.peer_protocol:
            await super().handle_rpc(rpc_pb2.RPC(control=self._of_use(rpc.control)), sender_peer_id)

    def _of_use(self, control: rpc_pb2.ControlMessage) -> rpc_pb2.ControlMessage:
        """What concerns our topics, each thing once, and no addresses."""
        ours = (entry for entry in control.ihave if entry.topicID in self.mesh)
        offered = dict.fromkeys(name for entry in ours for name in entry.messageIDs if len(name) <= ID_SIZE)
        wanted = dict.fromkeys(name for entry in control.iwant for name in entry.messageIDs)
        grafted = sorted({entry.topicID for entry in control.graft} & self.mesh.keys())
        pruned = {entry.topicID: entry.backoff for entry in control.prune if entry.topicID in self.mesh}
        return rpc_pb2.ControlMessage(
            ihave=[rpc_pb2.ControlIHave(messageIDs=offered)] if offered else [],
            iwant=[rpc_pb2.ControlIWant(messageIDs=wanted)] if wanted else [],
            graft=[rpc_pb2.ControlGraft(topicID=topic) for topic in grafted],
            prune=[rpc_pb2.ControlPrune(topicID=topic, backoff=backoff) for topic, backoff in pruned.items()],
        )

    def remove_peer(self, peer_id: ID) -> None:
        """And what libp2p keeps of a peer that is gone: that it is not to be grafted."""
        super().remove_peer(peer_id)
        for peers in self.back_off.values():
            peers.pop(peer_id, None)

    def _get_peers_to_send(
        self, topic_ids: Iterable[str], msg_forwarder: ID, origin: ID, msg_id: bytes | None = None
    ) -> Iterable[ID]:
        """What this node publishes goes to all who want it, not to the mesh alone (1.1's flood publishing, which libp2p
        for Python lacks): a peer that has just come is not in the mesh yet, and would miss it."""
        if self.pubsub and msg_forwarder == self.pubsub.my_id:
            wanting = (self.pubsub.peer_topics.get(topic, set()) for topic in topic_ids)
            return set().union(*wanting)
        return super()._get_peers_to_send(topic_ids, msg_forwarder, origin, msg_id)


class _Unremembered(dict[str, list[float]]):
    """libp2p notes the time of each message, for adaptive gossip to read and shorten. That is off: it would grow."""

    def __missing__(self, topic: str) -> list[float]:
        return []
