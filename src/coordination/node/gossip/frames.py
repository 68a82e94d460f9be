"""What comes on a stream, cut into the pieces that were sent: each has its length before it, as a varint."""

from __future__ import annotations

from libp2p.abc import INetStream
from libp2p.network.stream.exceptions import StreamEOF

LENGTH_SIZE = 5  # bytes of a varint, at most: 35 bits


class BadFrame(Exception):
    """What comes is not cut as it should be, or a piece is too large: one line that says which."""


class Frames:
    """The pieces of `stream`, of at most `largest` bytes. It reads what there is: libp2p answers each read, and its
    own reader reads byte by byte."""

    def __init__(self, stream: INetStream, largest: int) -> None:
        self._stream, self._largest = stream, largest
        self._rest = bytearray()

    async def receive(self) -> bytes:
        """The next piece, whole. Raises BadFrame, and libp2p's StreamError when the stream is over."""
        while True:
            start, size = _length(self._rest)
            if size > self._largest:
                raise BadFrame(f"a piece of {size} bytes, more than {self._largest}")
            if start and len(self._rest) >= start + size:
                piece = bytes(self._rest[start : start + size])
                del self._rest[: start + size]
                return piece
            more = await self._stream.read(self._largest)
            if not more:
                raise StreamEOF
            self._rest += more


def _length(data: bytearray) -> tuple[int, int]:
    """Where the piece begins, and its size in bytes; 0 and 0 if its length is not there yet. Raises BadFrame."""
    size = 0
    for index, byte in enumerate(data[:LENGTH_SIZE]):
        size |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return index + 1, size
    if len(data) >= LENGTH_SIZE:
        raise BadFrame(f"a length of more than {LENGTH_SIZE} bytes")
    return 0, 0
