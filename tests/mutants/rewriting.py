"""How a statement's text is changed: the parts that operators are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from tests.mutants.statements import Source, Statement

Change = Mapping[Statement, str]  # statements, each with the text that takes its place
Changes = Callable[[Source], Iterable[Change]]  # all that an operator does to a file, one change at a time
Rewrite = Callable[[str], Iterable[str]]  # the texts that a statement's text is changed to, one at a time


def each(applies: Callable[[Statement], bool], rewrite: Rewrite) -> Changes:
    """Rewrite the statements that it applies to."""

    def changes(source: Source) -> Iterator[Change]:
        for statement in filter(applies, source.statements):
            for text in rewrite(statement.text):
                yield {statement: text}

    return changes


def replacing(pattern: str, replace: Callable[[re.Match[str]], Iterable[str]]) -> Rewrite:
    """Replace each match of `pattern`."""

    def rewrite(text: str) -> Iterator[str]:
        for match in re.finditer(pattern, text):
            for replacement in replace(match):
                yield text[: match.start()] + replacement + text[match.end() :]

    return rewrite


def by_table(pattern: str, table: Mapping[str, str]) -> Rewrite:
    """Replace each match of `pattern` that is in the table."""
    return replacing(pattern, lambda match: [table[match[0]]] if match[0] in table else [])


def both_ways(pairs: Mapping[str, str]) -> dict[str, str]:
    return dict(pairs) | {right: left for left, right in pairs.items()}


def without_operand(text: str) -> Iterator[str]:
    """One side of an && or || left out."""
    for match in re.finditer(r" (?:&&|\|\|) ", text):
        left, right = _left_of(text, match.start()), _right_of(text, match.end())
        yield text[:left] + text[match.end() :]
        yield text[: match.start()] + text[right:]


def _left_of(text: str, end: int) -> int:
    """Where the operand that ends at `end` begins: after a bracket, a connective or a keyword."""
    depth, start = 0, end
    while start > 0:
        depth += {")": 1, "(": -1}.get(text[start - 1], 0)
        if depth < 0 or (depth == 0 and text[:start].endswith(("&& ", "|| ", " = ", "return "))):
            break
        start -= 1
    return start


def _right_of(text: str, start: int) -> int:
    """Where the operand that begins at `start` ends."""
    depth, end = 0, start
    while end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth < 0 or (depth == 0 and text[end:].startswith((" &&", " ||", ";"))):
            break
        end += 1
    return end


_CONDITIONS = (
    r"(if \()(.*)(\) (?:revert|return|\{).*)$",
    r"(.*(?:return|=) )(.* (?:==|<) .*)( \? .*)$",
    r"(return )([^?]* (?:==|<|>) [^?]*)(;)$",
)


def negated(text: str) -> Iterator[str]:
    """The condition of an `if`, of a choice `... ? ... : ...`, or one that is returned, turned round."""
    for match in filter(None, (re.match(pattern, text) for pattern in _CONDITIONS)):
        yield f"{match[1]}!({match[2]}){match[3]}"


def decided(text: str) -> Iterator[str]:
    """A choice made once and for all."""
    if match := re.match(r"(.*(?:return|=) ).* \? (.*) : (.*);$", text):
        yield from (f"{match[1]}{value};" for value in (match[2], match[3]))


def neighbours_exchanged(arguments: list[str]) -> Iterator[list[str]]:
    for at in range(len(arguments) - 1):
        yield [*arguments[:at], arguments[at + 1], arguments[at], *arguments[at + 2 :]]


def each_left_out(arguments: list[str]) -> Iterator[list[str]]:
    if len(arguments) > 1:
        yield from ([*arguments[:at], *arguments[at + 1 :]] for at in range(len(arguments)))


def with_arguments(change: Callable[[list[str]], Iterable[list[str]]]) -> Rewrite:
    """Change the arguments of each call."""

    def rewrite(text: str) -> Iterator[str]:
        for start, arguments, end in _calls(text):
            for changed in change(arguments):
                yield text[:start] + ", ".join(changed) + text[end:]

    return rewrite


def _calls(text: str) -> Iterator[tuple[int, list[str], int]]:
    """The calls in a text: where the arguments begin, the arguments, where they end.

    Those of Math are left out: the order of what is compared or multiplied means nothing.
    """
    for match in re.finditer(r"(?<![\w.])(?!Math\.)[\w.]+\(", text):
        depth, end, starts = 0, match.end(), [match.end()]
        while depth >= 0:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            if depth == 0 and text[end] == ",":
                starts.append(end + 1)
            end += 1
        ends = [*(start - 1 for start in starts[1:]), end - 1]
        yield match.end(), [text[start:end].strip() for start, end in zip(starts, ends, strict=True)], end - 1


def guards_swapped(source: Source) -> Iterator[Change]:
    """Guards that ask for two values of one variable are left alone: never do both fail."""
    guards = [statement for statement in source.statements if statement.is_guard]
    for one, other in pairwise(guards):
        asked, is_value, _ = one.text.partition(" == ")
        excludes = bool(is_value) and other.text.startswith(f"{asked} == ")
        if one.function == other.function and not excludes:
            yield {one: other.text, other: one.text}


def calls_moved(source: Source) -> Iterator[Change]:
    """A call of the token changes places with the effect beside it."""
    for one, other in pairwise(source.statements):
        if one.is_effect and other.is_effect and "token." in one.text + other.text:
            yield {one: other.text, other: one.text}
