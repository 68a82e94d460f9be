"""What solvers have answered before, by the digest of what they were asked."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from coordination.prove.deciding.solvers import Answer, Outcome

DEFAULT = user_cache_path("prover-coordination") / "answers.sqlite"


class Cache:
    """Answers in one SQLite file, which several processes may share. Raises OSError where there can be no such file."""

    def __init__(self, path: Path = DEFAULT) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, timeout=1, isolation_level=None)
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, outcome TEXT, seconds REAL,"
                " core TEXT, reason TEXT) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise OSError(f"{path} is no cache of answers ({error}); delete it, or use --no-cache") from error

    def close(self) -> None:
        self._database.close()

    def get(self, question: str) -> Answer | None:
        """What was answered; None too where the file holds something else, or is in use for long."""
        asked = "SELECT outcome, seconds, core, reason FROM answers WHERE question = ?"
        with suppress(sqlite3.Error):
            match self._database.execute(asked, (question,)).fetchone():
                case (Outcome.SAT | Outcome.UNSAT as outcome, float(seconds), str(core), str(reason)):
                    return Answer(Outcome(outcome), seconds, frozenset(filter(None, core.split("\n"))), reason)
        return None

    def put(self, question: str, answer: Answer) -> None:
        row = (question, answer.outcome.value, answer.seconds, "\n".join(sorted(answer.core)), answer.reason)
        with suppress(sqlite3.Error):  # what is not remembered is asked again
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)
