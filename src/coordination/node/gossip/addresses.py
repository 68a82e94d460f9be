"""Multiaddrs: what this node understands of them. TCP only."""

from __future__ import annotations

import os
import socket

from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr
from multiaddr.exceptions import Error as MultiaddrError

from coordination.node.gossip.settings import GossipError

_LISTENING = {"ip4", "ip6"}
_DIALLING = {*_LISTENING, "dns", "dns4", "dns6"}


def parse_listen(text: str) -> Multiaddr:
    """Where to listen. Raises GossipError for what is no such address."""
    return _parse(text, _LISTENING, ["tcp"], "/ip4/127.0.0.1/tcp/4001")


def parse_peer(text: str) -> PeerInfo:
    """Whom to dial, and where. Raises GossipError for what is no such address."""
    address = _parse(text, _DIALLING, ["tcp", "p2p"], "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW...")
    peer = address.value_for_protocol("p2p")
    return PeerInfo(ID.from_string(peer), [address.decapsulate(Multiaddr(f"/p2p/{peer}"))])


def ensure_free(address: Multiaddr) -> None:
    """Raises GossipError if nobody can listen there now.

    libp2p would share a port that is taken (SO_REUSEPORT), and half of the connections with it.
    """
    host, port = address.value_for_protocol(next(iter(address.protocols())).code), address.value_for_protocol("tcp")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        raise GossipError(f"cannot listen on {address}: {os.strerror(error.errno or 0)}") from None


def _parse(text: str, hosts: set[str], rest: list[str], example: str) -> Multiaddr:
    try:
        address = Multiaddr(text)
        host, *others = [protocol.name for protocol in address.protocols()]
    except (MultiaddrError, ValueError, TypeError) as error:
        raise GossipError(f"{text!r} is no multiaddr, such as {example}: {error}") from None
    if host not in hosts or others != rest:
        raise GossipError(f"{text!r} is not of the form {example}")
    return address
