"""What a node is started with: each thing that is wrong is told in one line."""

from __future__ import annotations

import socket

import pytest
import trio

from coordination.node.core.effects import Topic
from coordination.node.gossip.addresses import parse_listen, parse_peer
from coordination.node.gossip.identity import keys_of, peer_id
from coordination.node.gossip.settings import GossipError, Settings
from tests.node.gossip.peers import in_trio, opened, told, until

SOMEBODY = peer_id(b"s" * 32)


def test_the_topics_are_those_of_the_seed() -> None:
    settings = Settings("0.1.0", b"s" * 32)
    assert [settings.name_of(topic) for topic in Topic] == [
        "/aztec/proof-quotes/make/0.1.0",
        "/aztec/proof-quotes/take/0.1.0",
    ]


def test_the_seed_is_not_shown() -> None:
    assert "secret" not in repr(Settings("0.1.0", b"secret"))


def test_a_seed_decides_the_id_and_has_a_size() -> None:
    assert peer_id(b"s" * 32) == SOMEBODY != peer_id(b"t" * 32)
    with pytest.raises(ValueError, match="a seed has 32 bytes, not 31"):
        keys_of(b"s" * 31)


@pytest.mark.parametrize(
    "listen",
    [
        "",
        "nonsense",
        "/ip4/127.0.0.1",
        "/ip4/127.0.0.1/udp/1",
        "/ip4/300.0.0.1/tcp/1",
        "/ip4/127.0.0.1/tcp/70000",
        "/dns4/localhost/tcp/1",
        "/ip4/127.0.0.1/tcp/1/ws",
        f"/ip4/127.0.0.1/tcp/1/p2p/{SOMEBODY}",
        "/tcp/1",
        "/",
    ],
)
def test_a_place_to_listen_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(GossipError) as error:
        parse_listen(listen)
    assert repr(listen) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "peer",
    [
        "",
        "/ip4/127.0.0.1/tcp/1",
        "/ip4/127.0.0.1/tcp/1/p2p/",
        "/ip4/127.0.0.1/tcp/1/p2p/0OIl",
        f"/p2p/{SOMEBODY}",
        f"/ip4/127.0.0.1/udp/1/quic-v1/p2p/{SOMEBODY}",
        f"/ip4/127.0.0.1/tcp/1/ws/p2p/{SOMEBODY}",
    ],
)
def test_a_peer_whose_address_is_none_is_refused(peer: str) -> None:
    with pytest.raises(GossipError) as error:
        parse_peer(peer)
    assert repr(peer) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("host", ["/ip4/10.0.0.1", "/ip6/::1", "/dns4/node.example", "/dns/node.example"])
def test_a_peer_has_a_place_and_an_id(host: str) -> None:
    peer = parse_peer(f"{host}/tcp/4001/p2p/{SOMEBODY}")
    assert (str(peer.peer_id), [str(address) for address in peer.addrs]) == (SOMEBODY, [f"{host}/tcp/4001"])


@in_trio
async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        with pytest.raises(GossipError, match=f"^cannot listen on {listen}: Address already in use$"):
            async with opened(1, listen=listen):
                pass


@in_trio
async def test_a_port_is_not_shared_with_another_node() -> None:
    """libp2p's listeners would share it, and each get half of the connections."""
    async with opened(1) as first:
        listen = first.address.split("/p2p/")[0]
        with pytest.raises(GossipError, match="Address already in use"):
            async with opened(2, listen=listen):
                pass


@in_trio
async def test_somebody_else_at_a_peers_address_is_told_and_not_talked_to(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(1) as other:
        place = other.address.split("/p2p/")[0]
        async with opened(2, f"{place}/p2p/{SOMEBODY}") as node:
            await until(lambda: told(caplog))
            assert told(caplog) == [f"somebody else than {SOMEBODY} answers at {place}"]
            assert node.gossip.peers == other.gossip.peers == ()


@in_trio
async def test_a_node_in_its_own_list_of_peers_does_not_dial_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(1) as first:
        address = first.address
    async with opened(1, address, listen=address.split("/p2p/")[0]) as again:
        await trio.sleep(0.6)
        assert again.gossip.peers == ()
    assert told(caplog) == []
