"""Sets of packed states, as sorted NumPy columns, kept exactly.

States of one word sort by the word. Wider states sort by a hash of their words, which only orders them: equality is
always decided on all words, so two states that hash alike stay two states.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]
Columns = tuple[Column, ...]  # one column a word; row i of a set is the i-th entry of each

_PLACES = 1 << 24  # a key leaves this many places free below it
_FOLD = np.uint64(32)
_ODD = tuple(
    np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)


def keys_of(columns: Columns) -> Column:
    """What rows are sorted by."""
    return columns[0] if len(columns) == 1 else mix(columns)


def mix(columns: Columns) -> Column:
    """A hash of each row in the upper 40 bits, the rest zero (multiply and fold, as SplitMix64's finaliser does)."""
    hashed = columns[0].view(np.uint64) * _ODD[0]
    for number, column in enumerate(columns[1:], start=1):
        hashed ^= hashed >> _FOLD
        hashed ^= column.view(np.uint64)
        hashed *= _ODD[number % len(_ODD)]
    hashed ^= hashed >> _FOLD
    hashed *= _ODD[-1]
    keys = hashed.view(np.int64)
    keys &= -_PLACES
    return keys


def size(columns: Columns) -> int:
    return len(columns[0])


def empty(words: int) -> Columns:
    return (np.empty(0, np.int64),) * words


def concatenate(parts: list[Columns]) -> Columns:
    return tuple(np.concatenate(words) for words in zip(*parts, strict=True)) if len(parts) > 1 else parts[0]


def compress(keep: NDArray[np.bool_], columns: Columns) -> Columns:
    return tuple(column.compress(keep) for column in columns)


def distinct(columns: Columns) -> tuple[Column, Columns]:
    """The rows without repetitions, sorted by key; with their keys."""
    if size(columns) == 0:
        return columns[0], columns
    if len(columns) == 1:
        words = np.sort(columns[0])
        words = words.compress(_first_of_run(words[1:] == words[:-1]))
        return words, (words,)
    keys, order = _sorted_keys(mix(columns))
    columns = tuple(column.take(order) for column in columns)
    repeated = keys[1:] == keys[:-1]
    alike = repeated & _same_as_before(columns)
    if np.count_nonzero(alike) < np.count_nonzero(repeated):
        columns = _sort_within_keys(keys, columns, repeated, alike)
        alike = repeated & _same_as_before(columns)
    keep = _first_of_run(alike)
    return keys.compress(keep), compress(keep, columns)


def _sorted_keys(keys: Column) -> tuple[Column, Column]:
    """The keys in order, and where each was. Carrying the place in the key's free bits beats sorting by index."""
    if len(keys) > _PLACES:
        order = np.argsort(keys)
        return keys.take(order), order
    packed = np.sort(keys | np.arange(len(keys)))
    order = packed & (_PLACES - 1)
    packed &= -_PLACES
    return packed, order


def _first_of_run(like_previous: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.concatenate(([True], ~like_previous))


def _same_as_before(columns: Columns) -> NDArray[np.bool_]:
    return _equal((column[1:] for column in columns), (column[:-1] for column in columns))


def _sort_within_keys(keys: Column, columns: Columns, repeated: NDArray[np.bool_], alike: NDArray[np.bool_]) -> Columns:
    """Different rows share a key: sort the rows of such keys, so that equal ones stand side by side."""
    run = np.concatenate(([0], np.cumsum(~repeated)))
    mixed = np.flatnonzero(np.isin(run, run[1:][repeated & ~alike]))
    order = np.lexsort((*(column.take(mixed) for column in columns), keys.take(mixed)))
    for column in columns:
        column[mixed] = column.take(mixed.take(order))
    return columns


def _equal(left: Iterable[Column], right: Iterable[Column]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] | None = None
    for a, b in zip(left, right, strict=True):
        result = a == b if result is None else result & (a == b)
    assert result is not None
    return result


class Visited:
    """A growing set: a few sorted runs, each much larger than the next, so that adding stays cheap."""

    GROWTH = 3  # merge a run into the one before it when that one is less than this many times larger

    def __init__(self) -> None:
        self._runs: list[tuple[Column, Columns]] = []

    def add(self, keys: Column, columns: Columns) -> Columns:
        """Add distinct sorted rows; return those that were new, in order."""
        for run_keys, run in self._runs:
            known = contains(run_keys, run, keys, columns)
            if known.any():
                fresh = ~known
                keys, columns = keys.compress(fresh), compress(fresh, columns)
        if len(keys):
            self._runs.append((keys, columns))
            self._merge()
        return columns

    def _merge(self) -> None:
        while len(self._runs) > 1 and len(self._runs[-2][0]) < self.GROWTH * len(self._runs[-1][0]):
            (new_keys, new), (keys, old) = self._runs.pop(), self._runs.pop()
            places = np.searchsorted(keys, new_keys) + np.arange(len(new_keys))
            rest = np.ones(len(keys) + len(new_keys), np.bool_)
            rest[places] = False
            columns = tuple(_interleave(*pair, places, rest) for pair in zip(old, new, strict=True))
            is_own_key = len(columns) == 1
            self._runs.append((columns[0] if is_own_key else _interleave(keys, new_keys, places, rest), columns))


def _interleave(old: Column, new: Column, places: Column, rest: NDArray[np.bool_]) -> Column:
    merged = np.empty(len(rest), np.int64)
    merged[places] = new
    merged[rest] = old
    return merged


def contains(run_keys: Column, run: Columns, keys: Column, columns: Columns) -> NDArray[np.bool_]:
    """Which of the rows are in the run, of which there is at least one row. The run is sorted; the rows need not be."""
    at = np.searchsorted(run_keys, keys)
    at[at == len(run_keys)] = 0  # larger than all: equal to none, so any place will do
    found: NDArray[np.bool_] = run_keys.take(at) == keys
    if len(columns) == 1:
        return found
    result: NDArray[np.bool_] = found & _equal((column.take(at) for column in run), columns)
    undecided = np.flatnonzero(found & ~result)
    while len(undecided):  # the key is there with another row: look at the following rows of that key
        at[undecided] += 1
        undecided = undecided[at[undecided] < len(run_keys)]
        undecided = undecided[run_keys.take(at[undecided]) == keys.take(undecided)]
        here = _equal((c.take(at[undecided]) for c in run), tuple(c.take(undecided) for c in columns))
        result[undecided[here]] = True
        undecided = undecided[~here]
    return result
