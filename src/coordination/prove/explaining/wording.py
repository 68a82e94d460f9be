"""Lemmas in the machine language: facts about single fields as an invariant that can be pasted into a file."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, get_args, get_origin, get_type_hints

from coordination import machine as words
from coordination.explore.symmetry import is_kind_of
from coordination.explore.values import Place
from coordination.machine.language import Sort
from coordination.machine.lint import lint_expression
from coordination.machine.lint_rules import Finding
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import enumerated, sort_name, variables

WIDTH = 120  # of a line of the printed file
INDENT = " " * 4
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">": "<="}


@dataclass(frozen=True)
class Constant:
    sort: Sort
    value: int

    def is_like(self, other: Constant) -> bool:
        """Whether the two are one value, of sorts that share their values."""
        return self.value == other.value and is_kind_of(self.sort, other.sort)


@dataclass(frozen=True)
class Read:
    """What a variable of the state holds, a map at `key`."""

    variable: str
    key: tuple[Constant, ...]
    sort: Sort


@dataclass(frozen=True)
class Fact:
    """`left op right`, where `op` is one of OPPOSITE."""

    op: str
    left: Read
    right: Read | Constant


@dataclass(frozen=True)
class Lemma:
    """Some of the `facts` is always false, whatever of their sorts stands in the place of the `bound` values."""

    facts: tuple[Fact, ...]
    bound: tuple[Constant, ...] = ()


class Vocabulary:
    """What a machine calls its variables and sorts."""

    def __init__(self, machine: Machine, instance: Instance) -> None:
        self._machine, self._instance = machine, instance
        self._variables = {variable.name: variable for variable in variables(machine.state)}
        self._hints = get_type_hints(machine.state)
        kinds = [kind for variable in self._variables.values() for kind in (*variable.index, variable.sort)]
        kinds += [record for hint in self._hints.values() for record in _records(hint)]
        self._sorts = {sort_name(kind): kind for kind in kinds}
        self._names: Mapping[str, Any] = {**{name: getattr(words, name) for name in words.__all__}, **self._sorts}

    def read(self, place: Place) -> Read:
        name, key = place
        variable = self._variables[name]
        return Read(name, tuple(map(Constant, variable.index, key)), variable.sort)

    def comparison(self, one: Read, its: int, other: Read | Constant, others: int) -> Fact:
        """How the values of two operands compare.

        Less and more mean nothing among enumerated values, nor among those that have names.
        """
        is_quantity = enumerated(one.sort) is None and not any(
            is_kind_of(one.sort, sort) for sort in self._instance.names
        )
        unequal = "!=" if not is_quantity else "<" if its < others else ">"
        return Fact("==" if its == others else unequal, one, other)

    def situation(self, fact: Fact) -> Property:
        return _property(self._fact(fact, {}), Kind.SITUATION, self._names)

    def invariant(self, lemma: Lemma) -> Property:
        return _property(str(self._expression(lemma)), Kind.INVARIANT, self._names)

    def findings(self, lemma: Lemma) -> list[Finding]:
        """What the linter has against a lemma."""
        world = self._instance.constants
        return lint_expression(str(self._expression(lemma)), self._names, s=self._machine.state, w=world)

    def source(self, lemma: Lemma, name: str, title: str, statement: str) -> str:
        """A Python file that declares the lemma as an invariant called `name`."""
        expression = self._expression(lemma)
        state, world = self._machine.state, type(self._instance.constants)
        used = re.findall(r"\w+", str(expression))
        needed = [state, world, *(kind for sort, kind in self._sorts.items() if sort in used)]
        imports = {words.__name__: {"invariant", *(word for word in words.__all__ if word in used)}}
        for kind in needed:
            imports.setdefault(kind.__module__, set()).add(sort_name(kind))
        imports.pop("builtins", None)
        lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(imports.items())]
        return (
            f'"""{title}"""\n\nfrom __future__ import annotations\n\n' + "\n".join(lines) + "\n\n\n@invariant()\n"
            f"def {name}(s: {state.__name__}, w: {world.__name__}) -> bool:\n"
            f'{INDENT}"""{statement}"""\n{INDENT}{expression.lines(INDENT, "return ")}\n'
        )

    def _expression(self, lemma: Lemma) -> _Text:
        names = dict(zip(lemma.bound, self._names_of(lemma.bound), strict=True))
        body = self._never_together(lemma.facts, names)
        if not lemma.bound:
            return body
        sorts = [sort_name(bound.sort) for bound in lemma.bound]
        over = sorts[0] if len(sorts) == 1 else f"({', '.join(sorts)})"
        inner = replace(body, before=f"lambda {', '.join(names.values())}: ")
        return _Text("forall", (_Text(over), inner))

    def _never_together(self, facts: Sequence[Fact], names: Mapping[Constant, str]) -> _Text:
        """Some of `facts` is false: the last of the facts that a map of facts lacks, or else the last, comes after."""
        absent = [fact for fact in facts if fact.left.sort is bool and fact.right == Constant(bool, 0)]
        last = (absent or facts)[-1]
        premises = tuple(_Text(self._fact(fact, names)) for fact in facts if fact is not last)
        conclusion = _Text(self._fact(replace(last, op=OPPOSITE[last.op]), names))
        if not premises:
            return conclusion
        return _Text("implies", (premises[0] if len(premises) == 1 else _Text("all_of", premises), conclusion))

    def _fact(self, fact: Fact, names: Mapping[Constant, str]) -> str:
        left = self._read(fact.left, names)
        if fact.left.sort is bool:
            return left if (fact.op == "==") == (fact.right == Constant(bool, 1)) else f"negate({left})"
        right = self._read(fact.right, names) if isinstance(fact.right, Read) else _constant(fact.right, names)
        return f"{left} {fact.op} {right}"

    def _read(self, read: Read, names: Mapping[Constant, str]) -> str:
        if not read.key:
            return f"s.{read.variable}"
        parts = (_constant(part, names) for part in read.key)
        return f"s.{read.variable}[{_key(get_args(self._hints[read.variable])[0], parts)}]"

    def _names_of(self, bound: Sequence[Constant]) -> Iterator[str]:
        """A variable for each: like its sort, and unlike all others."""
        taken = {"s", "w", *keyword.kwlist, *self._names}
        for each in bound:
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", sort_name(each.sort)).lower()
            names = (name if number == 1 else f"{name}_{number}" for number in count(1))
            chosen = next(name for name in names if name not in taken)
            taken.add(chosen)
            yield chosen


@dataclass(frozen=True)
class _Text:
    """A name, or a call where it has arguments, with something `before`: it can be broken into lines."""

    name: str
    arguments: tuple[_Text, ...] = ()
    before: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.name}" + (f"({', '.join(map(str, self.arguments))})" if self.arguments else "")

    def lines(self, indent: str, before: str = "", after: str = "") -> str:
        """The text between `before` and `after`, in as few lines as have room for it."""
        if not self.arguments or len(f"{indent}{before}{self}{after}") <= WIDTH:
            return f"{before}{self}{after}"
        inner = indent + INDENT
        broken = "".join(f"{inner}{argument.lines(inner, after=',')}\n" for argument in self.arguments)
        return f"{before}{self.before}{self.name}(\n{broken}{indent}){after}"


def _property(text: str, kind: Kind, names: Mapping[str, Any]) -> Property:
    return Property(text, kind, eval(f"lambda s, w: {text}", dict(names)), "")


def _constant(constant: Constant, names: Mapping[Constant, str]) -> str:
    for bound, name in names.items():
        if bound.is_like(constant):
            return name
    if constant.sort is bool:
        return str(bool(constant.value))
    if enumerated(constant.sort) is not None:
        return f"{sort_name(constant.sort)}.{constant.sort(constant.value).name}"
    return f"{constant.value:_}"


def _key(kind: Any, parts: Iterator[str]) -> str:
    """The parts of a key put back into its records."""
    if get_origin(kind) is tuple:
        return ", ".join(_key(part, parts) for part in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, tuple):
        return f"{kind.__name__}({', '.join(_key(part, parts) for part in get_type_hints(kind).values())})"
    return next(parts)


def _records(hint: Any) -> Iterator[type]:
    """The records that stand in the keys of a map."""
    if isinstance(hint, type) and issubclass(hint, tuple):
        yield hint
        hint = tuple[tuple(get_type_hints(hint).values())]  # type: ignore[misc]
    for part in get_args(hint):
        yield from _records(part)
