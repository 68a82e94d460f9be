"""Points and pauses: no network, and a clock of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordination.node.gossip.standing import BURST, POINTS, POINTS_BACK, READING, REFUSAL, Standing


def blamed(standing: Standing, peer: str, times: int, now: float) -> list[bool]:
    return [standing.blame(peer, now) for _ in range(times)]


def test_a_peer_is_refused_after_more_rejected_messages_than_it_has_points() -> None:
    standing = Standing()
    assert blamed(standing, "a", POINTS, 10.0) == [False] * POINTS
    assert not standing.is_refused("a", 10.0)
    assert standing.blame("a", 10.0)
    assert standing.is_refused("a", 10.0)


def test_a_peer_is_refused_for_a_while_and_no_longer() -> None:
    standing = Standing()
    blamed(standing, "a", POINTS + 1, 10.0)
    assert standing.is_refused("a", 10.0 + REFUSAL - 0.1)
    assert not standing.is_refused("a", 10.0 + REFUSAL)


def test_points_come_back_with_time_and_not_more_than_there_were() -> None:
    standing = Standing()
    blamed(standing, "a", POINTS, 0.0)
    assert not standing.blame("a", 1 / POINTS_BACK), "one point is back"
    assert standing.blame("a", 1 / POINTS_BACK), "and no second one"
    later = 1_000_000.0
    assert blamed(standing, "a", POINTS + 1, later) == [False] * POINTS + [True]


def test_the_fault_of_one_peer_is_not_held_against_another() -> None:
    standing = Standing()
    blamed(standing, "a", POINTS + 1, 0.0)
    standing.pause("a", 10 * BURST, 0.0)
    assert not standing.is_refused("b", 0.0)
    assert standing.pause("b", 1, 0.0) == 0


def test_a_burst_is_read_at_once() -> None:
    standing = Standing()
    assert [standing.pause("a", 1, 0.0) for _ in range(BURST)] == [0.0] * BURST


def test_a_flood_is_read_at_the_steady_rate() -> None:
    standing, now, read = Standing(), 0.0, 0
    while now < 20.0:
        now += standing.pause("a", 1, now)
        read += 1
    assert abs(read - (BURST + 20 * READING)) <= 1


def test_a_pause_is_as_long_as_what_came_at_once_is_large() -> None:
    assert Standing().pause("a", BURST + int(READING) * 7, 0.0) == 7.0


def test_a_peer_that_is_as_good_as_new_makes_room_first() -> None:
    standing = Standing(peers=2)
    standing.pause("idle", 1, 0.0)
    blamed(standing, "bad", POINTS + 1, 50.0)
    standing.pause("new", 1, 51.0)
    assert standing.is_refused("bad", 51.0)
    assert len(standing) == 2


def test_what_is_refused_is_forgotten_last() -> None:
    standing = Standing(peers=3)
    blamed(standing, "bad", POINTS + 1, 0.0)
    for number in range(100):
        standing.blame(number, 0.0)
    assert standing.is_refused("bad", 0.0)
    assert len(standing) == 3


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.floats(0, 100)), max_size=60))
def test_no_more_peers_are_known_than_there_is_room_for(doings: list[tuple[int, bool, float]]) -> None:
    standing, now = Standing(peers=5), 0.0
    for peer, is_bad, later in doings:
        now += later
        _ = standing.blame(peer, now) if is_bad else standing.pause(peer, 2_000, now)
        assert len(standing) <= 5
