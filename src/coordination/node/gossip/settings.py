"""How a node joins the gossip, and what can be wrong with that."""

from __future__ import annotations

from dataclasses import dataclass, field

from coordination.node.core.effects import Topic


class GossipError(Exception):
    """A node cannot join, or cannot reach a peer: one line that says why."""


@dataclass(frozen=True)
class Settings:
    """`version` is that of the design, and a part of the topics' names. `seed`, secret and of 32 bytes, decides the
    peer's id: keep it, and the others find this node again after a restart. Addresses are multiaddrs: port 0 to listen
    on is any that is free, and each of the `peers` ends in `/p2p/` and its id.
    """

    version: str
    seed: bytes = field(repr=False)
    listen: str = "/ip4/127.0.0.1/tcp/0"
    peers: tuple[str, ...] = ()

    def name_of(self, topic: Topic) -> str:
        return f"/aztec/proof-quotes/{topic.value}/{self.version}"
