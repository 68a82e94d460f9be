"""Solidity sources as statements: as much of the language as this project's contracts use.

A statement that is broken over several lines is read as one line. Comments are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


@dataclass(frozen=True)
class Statement:
    """`text` is on one line, without indentation; in the file it stands on `lines` lines, of which the first is `line`.

    `function` is where it stands: a function's name, "constructor", or "" for what stands in none.
    """

    line: int
    lines: int
    indentation: str
    text: str
    function: str

    @property
    def is_header(self) -> bool:
        """Whether it opens a function. A constructor's is code too: it calls those of the contracts below it."""
        return self.text.startswith("function ")

    @property
    def is_code(self) -> bool:
        """Whether it runs, or is a constant that is used where something runs."""
        return " constant " in self.text or (bool(self.function) and not self.is_header)

    @property
    def is_guard(self) -> bool:
        return re.match(r"(if \(.*\) )?revert\b.*;$", self.text) is not None

    @property
    def is_effect(self) -> bool:
        """Whether it is there for what it changes, pays or tells."""
        is_local = re.match(r"(uint256|address|bool|bytes32|Claim storage) \w+ = ", self.text) is not None
        is_other = is_local or self.is_guard or self.text.startswith(("return ", "if "))
        return bool(self.function) and self.text.endswith(";") and not is_other

    @property
    def is_payment_event_or_sum(self) -> bool:
        """Whether doing it twice differs from doing it once."""
        return self.is_effect and re.match(r"emit |token\.|.* [-+]= ", self.text) is not None


@dataclass(frozen=True)
class Source:
    """One file; `name` is its path from contracts/."""

    name: str
    text: str

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(_statements(self.text))

    def with_texts(self, texts: Mapping[Statement, str]) -> str:
        """The file with these statements replaced; the empty text removes one. All others keep their lines."""
        lines = self.text.splitlines(keepends=True)
        for statement, text in texts.items():
            start, end = statement.line - 1, statement.line - 1 + statement.lines
            lines[start:end] = [f"{statement.indentation}{text}\n", *["\n"] * (statement.lines - 1)]
        return "".join(lines)


def read(name: str) -> Source:
    return Source(name, (CONTRACTS / name).read_text(encoding="utf-8"))


def _statements(text: str) -> Iterator[Statement]:
    function, depth, outside = "", 0, 0
    for first, lines in _whole(text):
        indentation = lines[0][: -len(lines[0].lstrip())]
        whole = " ".join(line.strip() for line in lines).replace("( ", "(").replace(" )", ")")
        if opened := re.match(r"(?:function (\w+)|(constructor))\(.*\{", whole):
            function, outside = opened[1] or opened[2], depth
        yield Statement(first, len(lines), indentation, whole, function)
        depth += whole.count("{") - whole.count("}")
        if depth == outside:
            function = ""


def _whole(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of each statement, with the number of the first."""
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.strip()
        if not parts and (not code or code.startswith("//")):
            continue
        if "//" in code or "/*" in code:
            raise ValueError(f"line {number}: a comment must stand between statements, after //: {code}")
        parts.append(line)
        if code.endswith((";", "{", "}")):
            yield number - len(parts) + 1, parts
            parts = []
