"""Two numbers that are exchanged, for tests of induction: what holds of one holds only with what holds of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NewType

from coordination.machine import Machine, Property, State, Unbounded, action, invariant, when
from coordination.machine.action import Action
from tests.two_phase_commit import Nothing

Number = NewType("Number", int)


class Pair(State):
    one: Number
    other: Number


ANY_PAIR = Unbounded(
    about="any numbers",
    domains={Number: range(1000)},
    constants=Nothing,
    given={},
    assumptions=(),
    varied=(),
    initial=lambda s, w: True,
    lemmas=(),
    premises=(),
    scratch="",
)


@action
def exchange(s: Pair, w: Nothing) -> None:
    """Each becomes the other."""
    s.one, s.other = s.other, s.one


@action
def go_up(s: Pair, w: Nothing) -> None:
    """One by one, to ten."""
    when(s.one < 10)
    s.one = Number(s.one + 1)


@action
def overflow(s: Pair, w: Nothing) -> None:
    """Beyond what a number can be, from where no run comes to; but nothing says so."""
    when(s.other == 77)
    s.one = Number(s.one + 999)


@invariant()
def one_is_small(s: Pair, w: Nothing) -> bool:
    """Holds only with the next."""
    return s.one <= 10


@invariant()
def other_is_small(s: Pair, w: Nothing) -> bool:
    """Holds only with the one before."""
    return s.other <= 10


@invariant()
def one_is_zero(s: Pair, w: Nothing) -> bool:
    """False after a step."""
    return s.one == 0


@invariant()
def one_is_not_zero(s: Pair, w: Nothing) -> bool:
    """False at the start."""
    return s.one != 0


@invariant()
def one_is_tiny(s: Pair, w: Nothing) -> bool:
    """False after four steps; it follows from what is false after one."""
    return s.one <= 3


@invariant()
def one_is_at_most_five(s: Pair, w: Nothing) -> bool:
    """False after six steps; it follows from what is false after four."""
    return s.one <= 5


def pair(lemmas: Sequence[Property] = (), *more: Action) -> Machine:
    scope = replace(ANY_PAIR, lemmas=tuple(lemmas))
    return Machine("pair", Pair, (exchange, go_up, *more), (), {}, unbounded=scope)
