"""Sets of packed states are sets, whatever the hash that orders them does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coordination.explore import rows
from coordination.explore.rows import Column, Columns, Visited, distinct

Rows = list[tuple[int, ...]]

LEAST, MOST = -(2**63), 2**63 - 1
WORDS = st.one_of(st.integers(0, 3), st.sampled_from([LEAST, -1, MOST - 1, MOST]), st.integers(LEAST, MOST))
HASHES = pytest.mark.parametrize("bits", [40, 2, 0], ids=lambda bits: f"hash of {bits} bits")


def sets(max_size: int = 40) -> st.SearchStrategy[tuple[int, Rows]]:
    """A number of words, and rows of so many, many of them alike."""
    return st.integers(1, 3).flatmap(
        lambda words: st.tuples(st.just(words), st.lists(st.tuples(*[WORDS] * words), max_size=max_size))
    )


def columns_of(words: int, states: Rows) -> Columns:
    return tuple(np.array([state[word] for state in states], np.int64) for word in range(words))


def rows_of(columns: Columns) -> Rows:
    return list(zip(*(column.tolist() for column in columns), strict=True))


@contextmanager
def hashing(bits: int, places: int | None = None) -> Iterator[None]:
    """A hash of so many bits, so that different rows collide; with room for so many rows below a key."""
    mix = rows.mix
    upper = np.int64(-1 << (64 - bits) if bits else 0)

    def weak(columns: Columns) -> Column:
        return mix(columns) & upper

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "mix", weak)
        if places is not None:
            patch.setattr(rows, "_PLACES", places)
        yield


def key_of(words: int, state: tuple[int, ...]) -> int:
    """What a row is sorted by: its word, or the hash of its words."""
    return state[0] if words == 1 else int(rows.mix(columns_of(words, [state]))[0])


@HASHES
@pytest.mark.parametrize("places", [None, 8], ids=["places for all", "more rows than places"])
@given(drawn=sets())
@example(drawn=(2, []))
@example(drawn=(2, [(MOST, LEAST), (LEAST, MOST), (MOST, LEAST)]))
def test_distinct_rows_are_those_of_the_set(bits: int, places: int | None, drawn: tuple[int, Rows]) -> None:
    words, states = drawn
    columns = columns_of(words, states)
    with hashing(bits, places):
        keys, found = distinct(columns)
        assert sorted(rows_of(found)) == sorted(set(states))
        assert keys.tolist() == sorted(keys.tolist())
        assert keys.tolist() == [key_of(words, state) for state in rows_of(found)]
    assert rows_of(columns) == states, "what it was given is as it was"


@HASHES
@given(drawn=sets(), random=st.randoms(use_true_random=False))
def test_distinct_rows_do_not_depend_on_the_order_of_what_is_given(
    bits: int, drawn: tuple[int, Rows], random: Random
) -> None:
    words, states = drawn
    shuffled = list(states)
    random.shuffle(shuffled)
    with hashing(bits):
        assert rows_of(distinct(columns_of(words, states))[1]) == rows_of(distinct(columns_of(words, shuffled))[1])


@HASHES
@pytest.mark.parametrize("growth", [1, Visited.GROWTH, 1_000])
@given(drawn=sets(max_size=60), sizes=st.lists(st.integers(0, 12), max_size=12))
def test_what_was_visited_is_new_once(bits: int, growth: int, drawn: tuple[int, Rows], sizes: list[int]) -> None:
    words, states = drawn
    visited, known, rest = Visited(), set[tuple[int, ...]](), states
    with hashing(bits), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Visited, "GROWTH", growth)
        for size in [*sizes, len(states)]:
            batch, rest = rest[:size], rest[size // 2 :]  # half of each batch comes again
            keys, columns = distinct(columns_of(words, batch))
            fresh = rows_of(visited.add(keys, columns))
            assert fresh == [state for state in rows_of(columns) if state not in known]
            known.update(batch)


def test_a_hash_uses_every_word() -> None:
    base = columns_of(3, [(1, 2, 3)])
    for word in range(3):
        other = tuple(column + (number == word) for number, column in enumerate(base))
        assert rows.mix(base)[0] != rows.mix(other)[0]
