"""Connections: what is offered, and that places are given back."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio
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

from coordination.node.gossip.addresses import parse_peer
from coordination.node.gossip.dialling import dial
from coordination.node.gossip.identity import keys_of
from coordination.node.gossip.swarm import PLACES_OF_A_HOST, GuardedSwarm, host_of
from tests.node.gossip.peers import Node, in_trio, is_let_in, opened, outsider, until


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


async def call(node: Node, host: str) -> trio.SocketStream:
    """A connection from that address of this machine, on which nothing is said."""
    place = Multiaddr(node.address)
    port = int(place.value_for_protocol("tcp"))
    return await trio.open_tcp_stream(place.value_for_protocol("ip4"), port, local_address=host)


async def is_cut(connection: trio.SocketStream) -> bool:
    """Whether the other side has closed it, or does so soon; of itself it says nothing at once."""
    with trio.move_on_after(0.5):
        while await connection.receive_some():
            pass
        return True
    return False


@in_trio
async def test_one_host_takes_its_own_places_and_not_those_of_others() -> None:
    async with opened(1) as node, AsyncExitStack() as held:
        calls = [await held.enter_async_context(await call(node, "127.0.0.2")) for _ in range(PLACES_OF_A_HOST + 1)]
        assert await is_cut(calls.pop())
        assert not await is_cut(calls[-1])
        assert await is_let_in(node.address, 99), "from 127.0.0.1"
        await calls[0].aclose()
        await until(lambda: node.gossip._swarm._dialled_by["127.0.0.2"] < PLACES_OF_A_HOST)
        assert not await is_cut(await held.enter_async_context(await call(node, "127.0.0.2")))


@in_trio
async def test_whom_a_node_dials_may_be_at_a_host_that_has_no_place_left() -> None:
    async with opened(1) as node, opened(2) as other, AsyncExitStack() as held:
        for _ in range(PLACES_OF_A_HOST):
            await held.enter_async_context(await call(node, "127.0.0.1"))
        assert not await is_let_in(node.address, 99)
        await dial(node.gossip._host, node.gossip._swarm, parse_peer(other.address))
        await until(lambda: node.gossip.peers)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_a_host_is_told_by_its_address_or_its_network(one: str, other: str, is_same: bool) -> None:
    assert (host_of(one) == host_of(other)) is is_same
