"""What peers say beside messages: bounded, not free, forgotten with them, and nobody is dialled for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import perf_counter

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.envelope import seal_record
from libp2p.peer.id import ID
from libp2p.peer.peer_record import PeerRecord
from libp2p.pubsub.pb.rpc_pb2 import (
    RPC,
    ControlGraft,
    ControlIHave,
    ControlIWant,
    ControlMessage,
    ControlPrune,
    PeerInfo,
)
from multiaddr import Multiaddr

from coordination.node.gossip.pubsub import ENTRIES, IDS
from coordination.node.gossip.router import ID_SIZE
from coordination.node.gossip.standing import BURST, READING
from tests.node.gossip.peers import MAKE, Node, Stranger, in_trio, is_heard, member, opened, stranger, until

INVENTED = [f"invented/{number}" for number in range(100)]


def subscriptions(number: int) -> RPC:
    return RPC(subscriptions=[RPC.SubOpts()] * number)


def grafts(number: int) -> RPC:
    return RPC(control=ControlMessage(graft=[ControlGraft()] * number))


def prunes(number: int) -> RPC:
    return RPC(control=ControlMessage(prune=[ControlPrune()] * number))


def questions(number: int) -> RPC:
    return RPC(control=ControlMessage(ihave=[ControlIHave()], iwant=[ControlIWant()] * (number - 1)))


def ids_to_offer(number: int) -> RPC:
    return RPC(control=ControlMessage(ihave=[ControlIHave(topicID=MAKE, messageIDs=[b"\xff"] * number)]))


def ids_to_ask_for(number: int) -> RPC:
    return RPC(control=ControlMessage(iwant=[ControlIWant(messageIDs=[b"\xff"] * number)]))


@pytest.mark.parametrize(
    ("most", "make"),
    [
        (ENTRIES, subscriptions),
        (ENTRIES, grafts),
        (ENTRIES, prunes),
        (ENTRIES, questions),
        (IDS, ids_to_offer),
        (IDS, ids_to_ask_for),
    ],
)
@in_trio
async def test_more_than_an_honest_peer_says_at_once_ends_its_stream(most: int, make: Callable[[int], RPC]) -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        await bad.send(make(most))
        assert await is_heard(node, bad)
        await bad.send(make(most + 1))
        with trio.fail_after(2):
            await bad.wait_until_cut()


@pytest.mark.parametrize("make", [subscriptions, grafts, prunes, questions])
@in_trio
async def test_what_is_said_beside_messages_costs_as_much(make: Callable[[int], RPC]) -> None:
    pause = 0.5  # seconds
    async with opened(1) as node, stranger(node.address) as bad:
        rest = int(BURST + pause * READING)
        start = perf_counter()
        while rest > 0:
            await bad.send(make(min(rest, ENTRIES)))
            rest -= ENTRIES
        assert await is_heard(node, bad)
        assert perf_counter() - start > 0.8 * pause


@in_trio
async def test_of_what_is_said_of_a_topic_at_once_the_last_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        pubsub, handled = node.gossip._pubsub, list[bool]()
        monkeypatch.setattr(pubsub, "handle_subscription", lambda peer, said: handled.append(said.subscribe))
        await bad.send(
            RPC(subscriptions=[RPC.SubOpts(subscribe=new, topicid=MAKE) for _ in range(50) for new in (True, False)])
        )
        assert await is_heard(node, bad)
        assert handled == [False]


@in_trio
async def test_what_is_asked_for_is_sent_once_however_often_it_is_asked_for() -> None:
    async with opened(1) as node, member(node) as bad:
        assert sum(len(rpc.publish) for rpc in await answers(node, bad, repeated=100)) == 1


@in_trio
async def test_what_is_offered_is_asked_for_if_it_may_be_the_id_of_a_message() -> None:
    """With longer ones the answer would not fit in an RPC; libp2p takes long to cut it in two."""
    names = [b"\xff" * size for size in (ID_SIZE, ID_SIZE + 1, 1, 1)]
    async with opened(1) as node, member(node) as bad:
        await bad.send(RPC(control=ControlMessage(ihave=[ControlIHave(topicID=MAKE, messageIDs=names)] * 2)))
        await until(lambda: any(rpc.control.iwant for rpc in bad.told))
        (wanted,) = [entry for rpc in bad.told for entry in rpc.control.iwant]
        assert sorted(wanted.messageIDs) == sorted([names[0], names[2]])


@in_trio
async def test_of_topics_that_a_peer_invents_nothing_is_answered_or_kept() -> None:
    async with opened(1) as node, member(node) as bad:
        invented = ControlMessage(
            graft=[ControlGraft(topicID=topic) for topic in INVENTED],
            prune=[ControlPrune(topicID=topic, backoff=2**40) for topic in INVENTED],
            ihave=[ControlIHave(topicID="invented", messageIDs=[b"\xff"])],
        )
        await bad.send(RPC(control=invented))
        said = await answers(node, bad)
        assert not any(rpc.control.prune or rpc.control.iwant for rpc in said)
        router = node.gossip._router
        assert not router.back_off.keys() - node.gossip._topics.keys()
        assert not router.graft_flood_tracking.get(ID.from_string(bad.id))


@in_trio
async def test_nothing_that_a_peer_said_outlives_it() -> None:
    async with opened(1) as node:
        router = node.gossip._router
        async with member(node) as bad:
            gone = ID.from_string(bad.id)
            await bad.send(RPC(control=ControlMessage(prune=[ControlPrune(topicID=MAKE, backoff=2**40)])))
            await until(lambda: gone in router.back_off.get(MAKE, {}))
        await until(lambda: gone not in router.peer_protocol)
        assert gone not in router.back_off[MAKE]


@in_trio
async def test_one_that_takes_no_stream_of_the_node_is_not_meshed_or_remembered() -> None:
    async with opened(1) as node, stranger(node.address) as bad:
        for control in (
            ControlMessage(graft=[ControlGraft(topicID=MAKE)]),
            ControlMessage(prune=[ControlPrune(topicID=MAKE)]),
            ControlMessage(graft=[ControlGraft(topicID=MAKE)]),
        ):
            await bad.send(RPC(control=control))
            assert await is_heard(node, bad)
            assert ID.from_string(bad.id) not in node.gossip._router.mesh[MAKE]
        assert not any(node.gossip._router.back_off.values())


@in_trio
async def test_nobody_is_dialled_because_a_peer_says_so() -> None:
    keys = create_new_key_pair(bytes(32))
    other = ID.from_pubkey(keys.public_key)
    with socket.create_server(("127.0.0.1", 0)) as place:
        place.setblocking(False)
        address = Multiaddr(f"/ip4/127.0.0.1/tcp/{place.getsockname()[1]}")
        record = seal_record(PeerRecord(other, [address]), keys.private_key).marshal_envelope()
        named = PeerInfo(peerID=other.to_bytes(), signedPeerRecord=record)
        prune = ControlPrune(topicID=MAKE, backoff=1, peers=[named])
        async with opened(1) as node, member(node) as bad:
            await bad.send(RPC(control=ControlMessage(prune=[prune])))
            assert await is_heard(node, bad)  # it dials, if at all, before it goes on
        with pytest.raises(BlockingIOError):
            place.accept()


async def answers(node: Node, bad: Stranger, repeated: int = 1) -> list[RPC]:
    """All that the node has said when it answers a question for a message that it has: control goes before messages."""
    once = bad.quote(7)
    await bad.send(RPC(publish=[once]))
    await until(lambda: 7 in node.epochs)
    name = once.from_id + once.seqno
    await bad.send(RPC(control=ControlMessage(iwant=[ControlIWant(messageIDs=[name] * repeated)])))
    await until(lambda: any(rpc.publish for rpc in bad.told))
    return bad.told
