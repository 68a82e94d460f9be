"""Connections: what is offered, and that places are given back."""

from __future__ import annotations

import pytest
from libp2p.host.basic_host import BasicHost
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.peer.peerstore import PeerStore
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from coordination.node.gossip.identity import keys_of
from coordination.node.gossip.swarm import GuardedSwarm
from tests.node.gossip.peers import in_trio, is_let_in, opened, outsider, until


async def places_held_after(host: BasicHost, connections: int) -> int:
    """How many places for inbound connections are taken when so many have come and gone."""
    swarm = host.get_network()
    assert isinstance(swarm, Swarm)
    for number in range(connections):
        async with outsider(100 + number) as guest:
            await guest.connect(info_from_p2p_addr(host.get_addrs()[0]))
            await until(lambda: swarm.get_connections())
        await until(lambda: not swarm.get_connections())
    return swarm._inbound_limiter.borrowed_tokens


class ForgetfulSwarm(GuardedSwarm):
    upgrade_inbound_raw_conn = Swarm.upgrade_inbound_raw_conn  # type: ignore[assignment]


@pytest.mark.parametrize(("kind", "held"), [(GuardedSwarm, 0), (ForgetfulSwarm, 3)])
@in_trio
async def test_a_connection_that_is_over_gives_its_place_back(kind: type[GuardedSwarm], held: int) -> None:
    """libp2p's own swarm keeps it: when this changes, and the second case fails, ours is no longer needed."""
    host = BasicHost(kind(b"s" * 32, lambda peer: False))
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        assert await places_held_after(host, 3) == held
        await host.close()


@in_trio
async def test_nobody_is_talked_to_in_the_clear() -> None:
    keys, store = keys_of(b"p" * 32), PeerStore()
    async with opened(1) as node, outsider(99) as host:
        plain = InsecureTransport(keys, peerstore=store)
        host.get_network().upgrader = TransportUpgrader({PLAINTEXT_PROTOCOL_ID: plain}, {YAMUX: Yamux})
        with pytest.raises(SwarmException):
            await host.connect(info_from_p2p_addr(Multiaddr(node.address)))
        assert node.gossip.peers == ()
        assert await is_let_in(node.address, 98)
