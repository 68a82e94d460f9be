"""Configured peers are dialled until they answer, and again when they are lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import trio
from libp2p.abc import IHost
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.peerinfo import PeerInfo
from libp2p.peer.peerstore import PeerStoreError
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from coordination.node.gossip.settings import GossipError

FIRST_DELAY, LAST_DELAY = 0.25, 2.0  # seconds between two looks at a peer
TIMEOUT = 10.0  # seconds

log = logging.getLogger(__name__)


async def keep_connected(host: IHost, swarm: Swarm, peer: PeerInfo) -> None:
    """Never returns. Says what is wrong with a peer when that changes, not each time that it is dialled."""
    delay, trouble = FIRST_DELAY, ""
    while True:
        if any(not connection.is_closed for connection in swarm.get_connections(peer.peer_id)):
            delay, trouble = FIRST_DELAY, ""
        else:
            try:
                await dial(host, swarm, peer)
            except GossipError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    log.warning("%s", trouble)
                delay = min(2 * delay, LAST_DELAY)
        await trio.sleep(delay)


async def dial(host: IHost, swarm: Swarm, peer: PeerInfo) -> None:
    """Raises GossipError if there is no connection then."""
    where = f"{peer.addrs[0]}/p2p/{peer.peer_id}"
    swarm.unblock_peer(peer.peer_id)  # libp2p would not try again for a minute
    try:
        host.get_peerstore().clear_addrs(peer.peer_id)  # what the peer says of itself is not what is configured
        with trio.fail_after(TIMEOUT):
            await host.connect(peer)
    except trio.TooSlowError:
        raise GossipError(f"no answer from {where} in {TIMEOUT:.0f} s") from None
    except (SwarmException, PeerStoreError) as error:
        if any(isinstance(cause, PeerIDMismatchesPubkey) for cause in _causes(error)):
            raise GossipError(f"somebody else than {peer.peer_id} answers at {peer.addrs[0]}") from None
        raise GossipError(f"no connection to {where}") from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """All that led to this; libp2p packs them in more than one way."""
    yield error
    for cause in (error.__cause__, error.__context__, *getattr(error, "errors", ())):
        if cause is not None:
            yield from _causes(cause)
