"""Sets of packed states, as sorted NumPy columns, kept exactly.

States of one word sort by the word. Wider states sort by a 64-bit mix of their words, which only orders them: equality
is always decided on all words, so two states that mix alike stay two states.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]
Columns = tuple[Column, ...]  # one column a word; row i of a set is the i-th entry of each

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


def mix(columns: Columns) -> Column:
    """A 64-bit hash of each row (multiply and fold, after SplitMix64's finaliser)."""
    hashed = np.zeros(len(columns[0]), np.uint64)
    for number, column in enumerate(columns):
        hashed ^= column.view(np.uint64)
        hashed *= np.uint64(_ODD[number % len(_ODD)])
        hashed ^= hashed >> np.uint64(32)
    hashed *= np.uint64(_ODD[-1])
    hashed ^= hashed >> np.uint64(29)
    return hashed.view(np.int64)


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
        keep = np.empty(len(words), np.bool_)
        keep[0] = True
        np.not_equal(words[1:], words[:-1], out=keep[1:])
        words = words.compress(keep)
        return words, (words,)
    keys = mix(columns)
    order = np.argsort(keys)
    keys, columns = keys.take(order), tuple(column.take(order) for column in columns)
    repeated = keys[1:] == keys[:-1]
    alike = repeated & _equal(tuple(c[1:] for c in columns), tuple(c[:-1] for c in columns))
    if np.count_nonzero(alike) < np.count_nonzero(repeated):  # different rows share a key: put equal rows side by side
        order = np.lexsort((*columns, keys))
        keys, columns = keys.take(order), tuple(column.take(order) for column in columns)
        alike = _equal(tuple(c[1:] for c in columns), tuple(c[:-1] for c in columns))
    keep = np.concatenate(([True], ~alike))
    return keys.compress(keep), compress(keep, columns)


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
            known = _contains(run_keys, run, keys, columns)
            if known.any():
                fresh = ~known
                keys, columns = keys.compress(fresh), compress(fresh, columns)
        if len(keys):
            self._runs.append((keys, columns))
            self._merge()
        return columns

    def nbytes(self) -> int:
        return sum(column.nbytes for _, run in self._runs for column in run)

    def _merge(self) -> None:
        while len(self._runs) > 1 and len(self._runs[-2][0]) < self.GROWTH * len(self._runs[-1][0]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(distinct(concatenate([before[1], last[1]])))


def _contains(run_keys: Column, run: Columns, keys: Column, columns: Columns) -> NDArray[np.bool_]:
    """Which of the rows are in the run."""
    at = np.searchsorted(run_keys, keys)
    at[at == len(run_keys)] = 0  # larger than all: equal to none, so any place will do
    found = run_keys.take(at) == keys
    if len(columns) == 1:
        return found
    result = found & _equal((column.take(at) for column in run), columns)
    undecided = np.flatnonzero(found & ~result)
    while len(undecided):  # the key is there with another row: look at the following rows of that key
        at[undecided] += 1
        undecided = undecided[at[undecided] < len(run_keys)]
        undecided = undecided[run_keys.take(at[undecided]) == keys.take(undecided)]
        here = _equal((c.take(at[undecided]) for c in run), tuple(c.take(undecided) for c in columns))
        result[undecided[here]] = True
        undecided = undecided[~here]
    return result
