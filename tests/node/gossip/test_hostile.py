"""Peers that send what they should not: each is held off, and the others do not notice."""

from __future__ import annotations

import random
from contextlib import suppress
from time import perf_counter

import pytest
import trio
from libp2p.crypto.rsa import create_new_key_pair as create_rsa_key_pair
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint

from coordination.node.core.effects import Topic
from coordination.node.gossip.network import STREAMS
from coordination.node.gossip.pubsub import RPC_SIZE
from coordination.node.gossip.standing import BURST, POINTS, READING
from coordination.node.wire import SIZE, encode
from tests.node.gossip.peers import (
    MAKE,
    VERSION,
    Node,
    Stranger,
    in_trio,
    is_heard,
    is_let_in,
    line,
    member,
    message,
    opened,
    stranger,
    told,
    until,
)

TAKE = f"/aztec/proof-quotes/take/{VERSION}"
GOOD = encode(message(7))


@in_trio
async def test_a_strangers_message_is_heard() -> None:
    async with opened(1) as node, stranger(node.address) as other:
        assert await is_heard(node, other)


@in_trio
async def test_what_is_no_message_of_a_topic_is_not_heard_and_costs_standing() -> None:
    cases = {
        "empty": (b"", [MAKE]),
        "a byte short": (GOOD[:-1], [MAKE]),
        "a byte long": (GOOD + b"\0", [MAKE]),
        "no words": (b"\xff" * SIZE, [MAKE]),
        "large": (b"x" * 900, [MAKE]),
        "larger than an envelope": (b"x" * 5_000, [MAKE]),
        "of both topics": (GOOD, [MAKE, TAKE]),
        "of a topic, twice": (GOOD, [MAKE, MAKE]),
        "of another topic too": (GOOD, [MAKE, "/something/else"]),
    }

    async def check(number: int, case: str) -> None:
        data, topics = cases[case]
        async with stranger(node.address, 100 + number) as bad:
            for _ in range(POINTS):
                await bad.publish(data, *topics)
            assert await is_heard(node, bad), f"{case}: it has no points left, but is not refused yet"
            await bad.publish(data, *topics)
            await until(lambda: not bad.is_connected)

    async with opened(1) as node, trio.open_nursery() as nursery:
        for number, case in enumerate(cases):
            nursery.start_soon(check, number, case)
    assert len(node.heard) == len(cases), "and nothing but what was to be heard"


@in_trio
async def test_what_is_of_another_topic_is_not_heard() -> None:
    async with opened(1) as node, stranger(node.address) as other:
        await other.publish(GOOD, "/something/else")
        assert await is_heard(node, other)
        assert len(node.heard) == 1


@in_trio
async def test_a_message_is_heard_only_with_its_authors_signature() -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        altered, unsigned, foreign = bad.quote(1), bad.quote(2), bad.quote(3)
        altered.data = encode(message(4))
        unsigned.ClearField("signature")
        foreign.from_id = ID.from_pubkey(create_rsa_key_pair(1024).public_key).to_bytes()
        foreign.key = b"no key at all"  # libp2p's own pubsub ends over this
        await bad.send(rpc_pb2.RPC(publish=[altered, unsigned, foreign]))
        assert await is_heard(node, bad)
        assert len(node.heard) == 1


@in_trio
async def test_a_message_in_a_large_envelope_is_not_heard() -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        await bad.send(rpc_pb2.RPC(publish=[bad.signed(GOOD, number=b"1" * 1_000)]))
        assert await is_heard(node, bad)
        assert len(node.heard) == 1


@in_trio
async def test_a_forged_message_does_not_keep_the_real_one_out() -> None:
    async with opened(1) as node, stranger(node.address, 98) as author, stranger(node.address, 99) as forger:
        real = author.quote(7)
        forged = rpc_pb2.Message.FromString(real.SerializeToString())
        forged.data = encode(message(8))
        await forger.send(rpc_pb2.RPC(publish=[forged]))
        assert await is_heard(node, forger)
        await author.send(rpc_pb2.RPC(publish=[real]))
        await until(lambda: 7 in node.epochs)
        assert 8 not in node.epochs


@in_trio
async def test_a_message_is_heard_once_however_often_it_is_sent() -> None:
    async with opened(1) as node, stranger(node.address, 98) as author, stranger(node.address, 99) as other:
        once = author.quote(7)
        for peer in (author, other, author):
            await peer.send(rpc_pb2.RPC(publish=[once] * 5))
            assert await is_heard(node, peer)
        assert node.epochs.count(7) == 1


@in_trio
async def test_what_is_not_cut_into_messages_ends_its_stream_and_costs_standing() -> None:
    cases = [encode_uvarint(RPC_SIZE + 1), b"\xff" * 20, encode_uvarint(3) + b"\xff\xff\xff"]

    async def check(data: bytes, number: int) -> None:
        async with stranger(node.address, number) as bad:
            for _ in range(POINTS):
                await bad.write(data)
                await bad.wait_until_cut()
                await bad.open()
            assert await is_heard(node, bad), "it has no points left, but is not refused yet"
            await bad.write(data)
            await until(lambda: not bad.is_connected)

    async with opened(1) as node, trio.open_nursery() as nursery:
        for number, data in enumerate(cases):
            nursery.start_soon(check, data, 100 + number)


@in_trio
async def test_a_flood_is_read_at_its_rate_and_does_not_keep_others_waiting() -> None:
    async with opened(1) as node, stranger(node.address, 98) as good, stranger(node.address, 99) as bad:
        flood = [bad.quote(epoch) for epoch in range(2 * BURST)]
        async with trio.open_nursery() as nursery:

            async def pour() -> None:
                for start in range(0, len(flood), 100):
                    await bad.send(rpc_pb2.RPC(publish=flood[start : start + 100]))

            nursery.start_soon(pour)
            await until(lambda: len(node.heard) >= BURST, within=10)
            start, before = perf_counter(), len(node.heard)
            for epoch in range(3):
                sent = perf_counter()
                await good.send(rpc_pb2.RPC(publish=[good.quote(5_000_000 + epoch)]))
                await until(lambda: 5_000_000 + epoch in node.epochs)  # noqa: B023
                assert perf_counter() - sent < 0.5
                await trio.sleep(0.2)
            took = perf_counter() - start
            assert len(node.heard) - before <= READING * took + 100 + 3
            nursery.cancel_scope.cancel()


@in_trio
async def test_a_refused_peer_is_not_let_in_again(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(1) as node:
        async with stranger(node.address) as bad:
            await bad.send(rpc_pb2.RPC(publish=[bad.signed(b"") for _ in range(POINTS + 1)]))
            await until(lambda: not bad.is_connected)
            refused = bad.id
        assert not await is_let_in(node.address, 99)
        assert node.heard == []
        assert told(caplog) == [f"peer {refused} is refused: it passes on what is to be rejected"]
        assert await is_let_in(node.address, 100)


@in_trio
async def test_nothing_more_is_heard_of_a_peer_that_is_refused() -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        await bad.send(rpc_pb2.RPC(publish=[*(bad.signed(b"") for _ in range(POINTS + 1)), bad.quote(7)]))
        await until(lambda: not bad.is_connected)
        assert node.heard == []


@in_trio
async def test_streams_beyond_a_number_are_closed() -> None:
    async with opened(1) as node, stranger(node.address) as greedy:
        for _ in range(2 * STREAMS):
            with suppress(Exception):  # libp2p's, by how far the opening had come
                await greedy.open()
        (connection,) = node.gossip._swarm.get_connections()
        await until(lambda: len(connection.get_streams()) <= STREAMS)


@in_trio
async def test_no_bytes_end_a_node() -> None:
    """Bytes in place of messages, of envelopes, of frames, and before any of them."""
    chance = random.Random(20240901)
    a, b = Node(), Node()
    async with line(a, b):
        place = a.address.split("/p2p/")[0].split("/")
        for number in range(4):
            raw = await trio.open_tcp_stream(place[2], int(place[4]))
            await raw.send_all(chance.randbytes(chance.randrange(1, 400)))
            await raw.aclose()
            async with member(a, 120 + number) as bad:
                for _ in range(30):
                    await throw(bad, chance)
        await b.gossip.publish(Topic.MAKE, message(7))
        await until(lambda: 7 in a.epochs)
        await a.gossip.publish(Topic.MAKE, message(8))
        await until(lambda: 8 in b.epochs)


async def throw(bad: Stranger, chance: random.Random) -> None:
    noise = chance.randbytes(chance.choice([0, 1, 31, SIZE, SIZE, 700, 3_000]))
    envelope = bad.signed(noise).SerializeToString()
    at = chance.randrange(len(envelope))
    dented = envelope[:at] + chance.randbytes(1) + envelope[at + 1 :]
    control = rpc_pb2.ControlMessage(
        ihave=[rpc_pb2.ControlIHave(topicID=MAKE, messageIDs=[noise])],
        iwant=[rpc_pb2.ControlIWant(messageIDs=[noise])],
        graft=[rpc_pb2.ControlGraft(topicID=chance.choice([MAKE, "other"]))],
        prune=[rpc_pb2.ControlPrune(topicID=TAKE, backoff=1, peers=[rpc_pb2.PeerInfo(peerID=noise)])],
    )
    sent = [
        rpc_pb2.RPC(publish=[bad.signed(noise)]),
        rpc_pb2.RPC(control=control, senderRecord=noise),
        rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=chance.choice([MAKE, "other"]))]),
    ]
    pieces = [rpc.SerializeToString() for rpc in sent] + [b"\x12" + encode_uvarint(len(dented)) + dented, noise]
    piece = chance.choice(pieces)
    try:
        await bad.write(encode_uvarint(len(piece)) + piece if chance.random() < 0.9 else noise)
    except StreamError:
        await bad.open()  # the last one was cut off
