"""What a solver has answered is remembered, for the very same question only; what is no answer is not believed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from coordination.machine import Machine, ite
from coordination.prove.deciding.cache import Cache
from coordination.prove.deciding.solvers import Z3, Answer
from tests.prove.cases import MOMENT, claims, induction
from tests.prove.pair import Number, go_up, one_is_small, other_is_small, pair


class Counting:
    """Z3, and how often it was asked."""

    def __init__(self) -> None:
        self._z3, self.asked = Z3(), 0
        self.name = self._z3.name

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        self.asked += 1
        return self._z3.decide(text, seconds, seed)


def asked(cache: Cache, machine: Machine, seed: int = 0, seconds: float = MOMENT) -> int:
    solver = Counting()
    induction(machine, claims(machine), solver, cache, seed, seconds)
    return solver.asked


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.sqlite")
    machine = pair([one_is_small, other_is_small])
    first = asked(cache, machine)
    assert first > 0
    assert asked(cache, machine) == 0
    assert asked(cache, machine, seed=1) == first
    assert asked(cache, machine, seconds=MOMENT / 2) == first
    changed = machine.replacing(
        replace(go_up, run=lambda s, w: setattr(s, "one", Number(ite(s.one < 9, s.one + 1, 0))))
    )
    assert asked(cache, changed) > 0
    cache.close()


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_that_is_no_cache_is_one_clear_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(damage)
    with pytest.raises(OSError, match="is no cache of answers"):
        Cache(path).get("anything")


WRONG_ROWS = {
    "another word for an outcome": ("unsatisfiable", 0.1, "the step", ""),
    "no outcome": (None, 0.1, "the step", ""),
    "an answer that decides nothing": ("unknown", 0.1, "", "timeout"),
    "no time": ("unsat", None, "the step", ""),
    "no core": ("unsat", 0.1, None, ""),
    "bytes": ("unsat", 0.1, b"the step", b""),
}


@pytest.mark.parametrize("row", WRONG_ROWS)
def test_what_no_cache_would_say_is_asked_again(tmp_path: Path, row: str) -> None:
    path, machine = tmp_path / "answers.sqlite", pair([one_is_small, other_is_small])
    with closing(Cache(path)) as cache:
        first = asked(cache, machine)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE answers SET outcome = ?, seconds = ?, core = ?, reason = ?", WRONG_ROWS[row])
    with closing(Cache(path)) as cache:
        assert asked(cache, machine) == first
        assert asked(cache, machine) == 0


def test_a_cache_with_other_columns_answers_nothing(tmp_path: Path) -> None:
    path, machine = tmp_path / "answers.sqlite", pair([one_is_small, other_is_small])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE answers (question, answer)")
    with closing(Cache(path)) as cache:
        assert asked(cache, machine) == asked(cache, machine) > 0
