"""What tests of several rooms share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from coordination import cli
from tests.command import Result, Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["coordination", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        printed = capsys.readouterr()
        code = exit_.value.code
        return Result(code if isinstance(code, int) else 0, printed.out, printed.err)

    return call
