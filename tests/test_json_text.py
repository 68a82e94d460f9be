"""JSON from a file that a user names: however it is nested, it is read or refused, and nothing crashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coordination.json_text import DEPTH, parse_json
from tests.command import Run, assert_refused

COMMANDS = {
    "trace": ("trace",),
    "replay": ("replay",),
    "conform": ("conform", "contract", "--design", "0.2.0", "--artifact"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}"), ("[", "")], ids=["lists", "objects", "open"])
def test_a_file_nested_a_hundred_thousand_deep_gets_one_line(
    command: str, left: str, right: str, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "deep.json"
    file.write_text(left * 100_000 + "7" + right * 100_000)
    assert_refused(run(*COMMANDS[command], file), "deep.json", f"nested more than {DEPTH} levels deep")


def test_as_deep_as_that_is_read_and_no_deeper() -> None:
    deep: object = parse_json("[" * DEPTH + "]" * DEPTH)
    for _ in range(DEPTH - 1):
        assert isinstance(deep, list)
        (deep,) = deep
    assert deep == []
    with pytest.raises(ValueError, match="nested more than"):
        parse_json("[" * (DEPTH + 1) + "]" * (DEPTH + 1))


def test_brackets_side_by_side_are_not_deep() -> None:
    assert parse_json("[" + "[]," * 9_999 + "{}]") == [[]] * 9_999 + [{}]


@pytest.mark.parametrize("text", ["[" * 9_999, '"' + "[" * 9_999, "\\" + '"[' * 9_999, "[{" * 9_999 + "\\"])
def test_brackets_in_a_text_are_not_deep(text: str) -> None:
    assert parse_json(json.dumps({text: text})) == {text: text}


@pytest.mark.parametrize("text", ["", "]" * 9_999 + "[", '"', '"\\', "{]", "NaN[", "NaN", "[-Infinity]"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra data|double quotes"):
        parse_json(text)
