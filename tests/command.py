"""Running the command line inside of a test; the fixture `run` does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


def assert_refused(result: Result, *named: str) -> None:
    """Exit code 2, and one line on standard error that names what is wrong and what would be right."""
    assert result.code == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1, result.err
    for each in named:
        assert each in result.err
