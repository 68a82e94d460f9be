"""Yamux, with a bound on what one connection can make this node keep."""

from __future__ import annotations

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.peer.id import ID
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux.yamux import Yamux

UNREAD = 4 * 1024 * 1024  # bytes, of all streams of a connection; an honest peer fills one window, of less than 1 MiB


class BoundedYamux(Yamux):
    """libp2p's own only notes that a peer sends more than its window, and keeps all of it."""

    async def _read_data_body(self, length: int) -> bytes:
        if length + sum(map(len, self.stream_buffers.values())) > UNREAD:
            raise trio.TooSlowError  # closes the connection; after anything else libp2p goes on reading
        return await super()._read_data_body(length)

    def rtt(self) -> float:
        """Next to none. libp2p doubles a window, up to 16 MiB, that is updated twice in four round trips; a peer is
        slowed by its window, and may not be given one beyond the bound."""
        return 1e-9


class BoundedMuxer(MuxerMultistream):
    """libp2p's own makes its plain Yamux, whatever class it is given."""

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        muxer = await self.select_transport(conn)
        return muxer(conn, peer_id)
