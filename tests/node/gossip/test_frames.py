"""Pieces of a stream, however it is cut on its way."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.abc import INetStream
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.utils.varint import encode_uvarint, encode_varint_prefixed

from coordination.node.gossip.frames import BadFrame, Frames


class Chunks:
    """A stream that gives one chunk a read."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]

    async def read(self, n: int) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


def received(chunks: list[bytes], largest: int = 1_000) -> tuple[list[bytes], type[Exception]]:
    """All pieces, and how it ended."""

    async def receive() -> tuple[list[bytes], type[Exception]]:
        frames, pieces = Frames(cast(INetStream, Chunks(chunks)), largest), list[bytes]()
        while True:
            try:
                pieces.append(await frames.receive())
            except (BadFrame, StreamEOF) as end:
                return pieces, type(end)

    return trio.run(receive)


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 2_500), max_size=8))
def test_pieces_come_out_as_they_were_sent(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(encode_varint_prefixed(piece) for piece in pieces)
    chunks = [data[start:end] for start, end in pairwise([0, *sorted(cuts), 10_000])]
    assert received(chunks) == (pieces, StreamEOF)


def test_a_piece_of_the_largest_size_passes_and_a_larger_one_is_refused_before_it_is_there() -> None:
    assert received([encode_varint_prefixed(b"x" * 1_000)]) == ([b"x" * 1_000], StreamEOF)
    assert received([encode_uvarint(1_001)]) == ([], BadFrame)


def test_a_length_without_end_is_refused() -> None:
    assert received([b"\xff" * 4]) == ([], StreamEOF)
    assert received([b"\xff" * 5]) == ([], BadFrame)


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes_are_cut_or_refused(chunks: list[bytes]) -> None:
    pieces, _ = received(chunks)
    assert sum(map(len, pieces)) + len(pieces) <= sum(map(len, chunks))


@pytest.mark.parametrize("cut", range(1, 4))
def test_half_a_piece_is_none(cut: int) -> None:
    assert received([encode_varint_prefixed(b"abc")[:cut]]) == ([], StreamEOF)
