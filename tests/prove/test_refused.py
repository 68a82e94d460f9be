"""What means nothing for all sizes is refused, with a word on why: values that there are not, quotients by zero."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum
from typing import Any

import pytest

from coordination.machine import (
    SpecificationError,
    State,
    action,
    exists,
    invariant,
    step_property,
    total,
    when,
)
from coordination.machine.action import Action
from tests.prove.stock import STOCK, Item, Nothing, Number, Positive, Stock, is_proved, machine, mark


class Level(IntEnum):
    LOW = 0
    HIGH = 5


class Tank(State):
    level: Level
    flow: Positive


TANK = replace(STOCK, varied=("flow",))


@action
def fill(s: Tank, w: Nothing) -> None:
    """To the brim."""
    s.level = Level.HIGH


@invariant()
def there_is_a_middle(s: Tank, w: Nothing) -> bool:
    """False: there are two levels, 0 and 5."""
    return exists(Level, lambda level: level == 3)


@pytest.mark.parametrize("domains", [{}, {Level: range(0, 10, 5)}], ids=["of itself", "as given"])
def test_a_sort_whose_values_have_gaps_is_refused(domains: dict[Any, range]) -> None:
    scope = replace(TANK, domains={**TANK.domains, **domains, Positive: range(9)})
    with pytest.raises(SpecificationError, match="gaps between the values of Level"):
        is_proved(machine(fill, scope=scope, state=Tank), there_is_a_middle)


@action
def burst(s: Tank, w: Nothing) -> None:
    """Possible where the flow is zero, as it is at the start."""
    when(s.flow == 0)
    s.level = Level.HIGH


@invariant()
def never_bursts(s: Tank, w: Nothing) -> bool:
    """False."""
    return s.level == Level.LOW


def test_a_variable_that_starts_outside_of_its_range_is_refused() -> None:
    scope = replace(TANK, varied=(), domains={**TANK.domains, Level: range(6)})
    with pytest.raises(SpecificationError, match="flow starts as 0"):
        is_proved(machine(burst, scope=scope, state=Tank), never_bursts)


@action
def divide(s: Stock, w: Nothing) -> None:
    """The quotient is defined wherever the action is possible; but that is not seen in its divisor."""
    when(s.amount[Item(2)] > 0)
    s.amount[Item(0)] = Number(s.amount[Item(1)] // s.amount[Item(2)])


@step_property()
def quotients_are_small(before: Stock, after: Stock, w: Nothing) -> bool:
    """False of amounts beyond 2^64."""
    return after.amount[Item(0)] <= 1 << 64


@step_property()
def quotients_differ(before: Stock, after: Stock, w: Nothing) -> bool:
    """A property that divides by zero means nothing."""
    return before.amount[Item(0)] % after.amount[Item(0)] != 7


@pytest.mark.parametrize("actions", [(divide,), ()])
def test_a_divisor_that_may_be_zero_is_refused(actions: tuple[Action, ...]) -> None:
    prop = quotients_are_small if actions else quotients_differ
    with pytest.raises(SpecificationError, match="divides by what may be zero"):
        is_proved(machine(*actions, mark), prop)


# Terms that are too deep


@action
def fill_every_place(s: Stock, w: Nothing) -> None:
    """One by one: a rule may not say it so, but it may be as long."""
    for number in range(900):
        s.amount[Item(number)] = Number(number)


@invariant()
def the_sum_is_not_negative(s: Stock, w: Nothing) -> bool:
    """True."""
    return total(Item, lambda item: s.amount[item]) >= 0


@pytest.fixture
def depth() -> Iterator[None]:
    """Python's own limit: libraries that other tests have imported may have raised it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("depth")
def test_an_action_that_writes_more_than_can_be_read_is_refused() -> None:
    with pytest.raises(SpecificationError, match="nested too deeply"):
        is_proved(machine(fill_every_place), the_sum_is_not_negative)
    assert is_proved(machine(mark), the_sum_is_not_negative)
