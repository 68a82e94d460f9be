"""`docs/wire.md` says what a peer may cost: it has to be what the code allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordination.node.core.pool import CAPACITY, IMPROVEMENTS
from coordination.node.gossip.muxer import UNREAD
from coordination.node.gossip.network import STREAMS
from coordination.node.gossip.pubsub import ENTRIES, IDS, MESSAGE_SIZE, RPC_SIZE
from coordination.node.gossip.standing import BURST, POINTS, READING
from coordination.node.gossip.swarm import CONNECTIONS, PLACES_OF_A_HOST, PLACES_TO_DIAL

DOCUMENT = (Path(__file__).parents[3] / "docs" / "wire.md").read_text()


@pytest.mark.parametrize(
    "bound",
    [
        f"quotes of {CAPACITY:,} provers are kept",
        f"has gone down {IMPROVEMENTS} times",
        f"with its envelope | {MESSAGE_SIZE:,} bytes",
        f"{RPC_SIZE // 1024} KiB, {ENTRIES} entries of control and subscriptions, {IDS:,} message ids",
        f"{BURST:,} at once, then {READING:.0f} a second",
        f"rejected messages | {POINTS}, of which",
        f"{CONNECTIONS}, of which {PLACES_TO_DIAL} are for peers that this node dials; {PLACES_OF_A_HOST} from",
        f"{STREAMS} streams, and {UNREAD // 2**20} MiB that lie unread",
    ],
)
def test_the_document_has_the_bounds_of_the_code(bound: str) -> None:
    assert bound in DOCUMENT
