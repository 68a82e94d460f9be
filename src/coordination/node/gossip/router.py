"""To which peers a message goes."""

from __future__ import annotations

from collections.abc import Iterable

from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID, PROTOCOL_ID_V11, GossipSub


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
