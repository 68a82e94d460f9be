"""Connections: who may connect, and what becomes of a connection that is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address

from libp2p.abc import IMuxedConn, IRawConnection
from libp2p.crypto.x25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.transport.tcp.tcp import TCP
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from coordination.node.gossip.identity import keys_of
from coordination.node.gossip.muxer import BoundedMuxer, BoundedYamux

CONNECTIONS = 128
PLACES_TO_DIAL = 32  # of them, that are not for those who dial this node
PLACES_OF_A_HOST = 16  # of the others: peer ids cost nothing, addresses do. A devnet on one machine has room in them
UPGRADE_TIMEOUT = 5.0  # seconds


class _NoAutoConnector(AutoConnector):
    """libp2p's own dials whatever addresses strangers have told it. Here only configured peers are dialled."""

    async def maybe_connect(self) -> None:
        pass


class GuardedSwarm(Swarm):
    """TCP, encrypted by Noise and shared by Yamux: nothing weaker is offered."""

    def __init__(self, seed: bytes, is_refused: Callable[[ID], bool]) -> None:
        """Raises ValueError for a seed that is not of 32 bytes."""
        keys = keys_of(seed)
        peer = ID.from_pubkey(keys.public_key)
        store = PeerStore()
        store.add_key_pair(peer, keys)
        noise = Noise(keys, noise_privkey=create_new_key_pair().private_key)
        muxers = {TProtocol(YAMUX): BoundedYamux}
        upgrader = TransportUpgrader({TProtocol(NOISE): noise}, muxers)
        upgrader.muxer_multistream = BoundedMuxer(muxers)
        limits = ConnectionConfig(
            max_connections=CONNECTIONS,
            min_connections=PLACES_TO_DIAL,
            low_watermark=PLACES_TO_DIAL,
            high_watermark=CONNECTIONS,
            inbound_upgrade_timeout=UPGRADE_TIMEOUT,
            outbound_upgrade_timeout=UPGRADE_TIMEOUT,
        )
        super().__init__(peer, store, upgrader, [TCP()], RetryConfig(max_retries=0), limits)
        self.auto_connector = _NoAutoConnector(self)
        self._is_refused = is_refused
        self._dialled_by = Counter[str]()  # connections, and those that are being upgraded, of each host

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Who somebody is, is known only now. Raises SwarmException for a peer that is refused."""
        if self._is_refused(muxed_conn.peer_id):
            await muxed_conn.close()
            raise SwarmException(f"peer {muxed_conn.peer_id} is refused")
        return await super().add_conn(muxed_conn, direction)

    async def upgrade_inbound_raw_conn(self, raw_conn: IRawConnection, maddr: Multiaddr) -> IMuxedConn:
        """Returns never: raises SwarmException when the connection is over.

        libp2p's own returns at once, and its caller holds one of the places for inbound connections until the swarm
        ends, so that after some hundred connections there is none left.
        """
        with self._place_for(raw_conn):
            muxed = await super().upgrade_inbound_raw_conn(raw_conn, maddr)
            for connection in self.get_connections(muxed.peer_id):
                if isinstance(connection, SwarmConn) and connection.muxed_conn is muxed:
                    await connection.event_closed.wait()
            raise SwarmException(f"the connection from {muxed.peer_id} is over")

    @contextmanager
    def _place_for(self, connection: IRawConnection) -> Iterator[None]:
        """Raises SwarmException if its host has all that one host may have."""
        address = connection.get_remote_address()
        if address is None:
            raise SwarmException("the connection is over")
        host = host_of(address[0])
        if self._dialled_by[host] >= PLACES_OF_A_HOST:
            raise SwarmException(f"{host} has {PLACES_OF_A_HOST} connections")
        self._dialled_by[host] += 1
        try:
            yield
        finally:
            self._dialled_by[host] -= 1
            self._dialled_by += Counter()  # without those that have none left


def host_of(address: str) -> str:
    """What one host has of addresses: an IPv4 address, however it is written, or the /64 network of an IPv6 address."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or IPv6Address(ip.packed[:8] + bytes(8)))
