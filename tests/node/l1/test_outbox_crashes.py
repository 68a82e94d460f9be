"""The outbox against a chain in memory: the process ends at any moment, and much else happens in any order."""

from __future__ import annotations

from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.node.l1.pretence import Crash, World, send, stop


@pytest.fixture
def world() -> World:
    return World()


def crash_and_finish(moment: int) -> tuple[World, bool]:
    """Send, with the process ending at a moment; start it again, ask it again, and let the chain go on."""
    world = World()
    world.moments_left = moment
    crashed = False
    try:
        world.outbox.send(send(1))
        for _ in range(4):
            world.advance()
            world.chain.mine()
    except Crash:
        crashed = True
        world.start()
        world.outbox.send(send(1))
    for _ in range(6):
        world.advance()
        world.chain.mine()
    return world, crashed


def test_a_crash_at_any_moment_leads_to_exactly_one_transaction() -> None:
    for moment in count():
        world, crashed = crash_and_finish(moment)
        assert (moment, world.count_mined(1), len(world.chain.mined)) == (moment, 1, 1)
        if not crashed:
            break
    assert moment > 10


def test_what_is_on_disk_is_sent_after_a_crash_without_being_asked_for_again(world: World) -> None:
    world.outbox.send(send(1))
    world.start()
    world.advance()
    world.chain.mine()
    assert world.count_mined(1) == 1


def test_the_same_bytes_leave_after_a_crash_between_disk_and_network(world: World) -> None:
    world.outbox.send(send(1))
    world.moments_left = 6  # look, estimate, put: two moments each
    with pytest.raises(Crash):
        world.advance()
    [row] = world.rows.values()
    assert (len(row.raw), world.chain.pool) == (1, {})
    world.start()
    assert world.advance() == ["sent again"]
    assert world.chain.pool == {0: row.raw[0]}


MOVES = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 3)),
    st.tuples(st.just("stop"), st.integers(1, 3)),
    st.tuples(st.just("advance"), st.integers(1, 16)),
    st.tuples(st.just("mine"), st.just(0)),
    st.tuples(st.just("reorganise"), st.integers(1, 2)),
    st.tuples(st.just("reorganise and keep"), st.integers(1, 2)),
    st.tuples(st.just("lose the pool"), st.just(0)),
    st.tuples(st.just("go down or up"), st.just(0)),
    st.tuples(st.just("crash"), st.integers(0, 12)),
    st.tuples(st.just("restart"), st.just(0)),
)


def make(world: World, move: str, number: int) -> None:
    match move:
        case "send":
            world.outbox.send(send(number))
        case "stop":
            world.outbox.stop(stop(number))
        case "advance":
            world.wait(number / 2)
        case "mine":
            world.chain.mine()
        case "reorganise" | "reorganise and keep":
            world.chain.reorganise(number, is_kept=move.endswith("keep"))
        case "lose the pool":
            world.chain.pool.clear()
        case "go down or up":
            world.chain.is_up = not world.chain.is_up
        case "crash":
            world.moments_left = number
        case "restart":
            world.start()


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.lists(MOVES, max_size=40))
def test_whatever_happens_each_intent_is_mined_once_and_no_nonce_is_left_out(moves: list[tuple[str, int]]) -> None:
    world, wanted = World(), set[int]()
    for move, number in moves:
        with suppress(Crash):
            make(world, move, number)
            wanted = {"send": wanted | {number}, "stop": wanted - {number}}.get(move, wanted)
            continue
        world.start()
        if move in ("send", "stop"):  # whoever asked for it asks again
            make(world, move, number)
            wanted = {"send": wanted | {number}, "stop": wanted - {number}}[move]
    world.moments_left, world.chain.is_up = None, True
    for _ in range(30):
        world.wait(4)
        world.chain.mine()
    mined = {number: world.count_mined(number) for number in (1, 2, 3)}
    assert all(times <= 1 for times in mined.values())
    assert not world.chain.pool
    assert all(row.raw for row in world.rows.values())
    never_stopped = {number for number in wanted if ("stop", number) not in moves}
    assert all(mined[number] == 1 for number in never_stopped)
