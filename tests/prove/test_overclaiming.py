"""What would make a proof say too much: each of these is false, or means nothing for all sizes, and is not proved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NewType

import pytest

from coordination.machine import (
    Machine,
    Map,
    Property,
    SpecificationError,
    State,
    Unbounded,
    action,
    all_of,
    exists,
    forall,
    implies,
    invariant,
    ite,
    negate,
    step_property,
    total,
    when,
)
from coordination.machine.action import Action
from coordination.prove.conditions import Conditions
from coordination.prove.induction import Prover
from coordination.prove.solvers import Z3

Item = NewType("Item", int)
Few = NewType("Few", Item)
Number = NewType("Number", int)
Positive = NewType("Positive", int)


class Stock(State):
    amount: Map[Item, Number]
    tally: Map[Item, Number]
    likes: Map[tuple[Item, Item], bool]
    marked: Map[Item, bool]
    step: Number


@dataclass(frozen=True)
class Nothing:
    """No constants."""


STOCK = Unbounded(
    about="any items",
    domains={Item: range(1000), Few: range(10), Number: range(1 << 256), Positive: range(1, 1 << 256)},
    constants=Nothing,
    given={},
    assumptions=(),
    varied=("amount", "tally", "likes", "marked"),
    initial=lambda s, w: True,
    lemmas=(),
    premises=(),
    scratch="",
)


def machine(*actions: Action, scope: Unbounded = STOCK, state: type[State] = Stock) -> Machine:
    return Machine("stock", state, actions, (), {}, unbounded=scope)


def is_proved(machine: Machine, prop: Property) -> bool:
    return Prover(Z3(), seconds=1.0).prove(Conditions(machine, [prop]), lambda *_: None, lambda _: None).holds(prop)


# Names that stand for two things


@action
def unmark_the_fond(s: Stock, w: Nothing) -> None:
    """Who likes anything is unmarked."""
    s.marked.reset(where=lambda one: exists(Item, lambda other: s.likes[one, other]))


@step_property()
def tastes_agree(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: whoever are unmarked together like something, but not the same."""

    def agree(one: Item, other: Item) -> bool:
        lost = [all_of(before.marked[each], negate(after.marked[each])) for each in (one, other)]
        return implies(
            all_of(*lost), exists(Item, lambda liked: all_of(before.likes[one, liked], before.likes[other, liked]))
        )

    return forall((Item, Item), agree)


@step_property()
def tastes_exist(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved: whoever is unmarked likes something."""
    return forall(
        Item,
        lambda one: implies(
            all_of(before.marked[one], negate(after.marked[one])),
            exists(Item, lambda liked: before.likes[one, liked]),
        ),
    )


def test_what_exists_for_one_key_need_not_be_what_exists_for_another() -> None:
    assert is_proved(machine(unmark_the_fond), tastes_exist)
    assert not is_proved(machine(unmark_the_fond), tastes_agree)


@action
def note_the_sum(s: Stock, w: Nothing) -> None:
    """The first place of the tally shows the sum of all amounts, if it has room for that."""
    when(total(Item, lambda item: s.amount[item]) < 1 << 256)
    s.tally[Item(0)] = Number(total(Item, lambda item: s.amount[item]))


def tallied(before: Stock, after: Stock) -> Any:
    return total(Item, lambda item: after.tally[item]) - total(Item, lambda item: before.tally[item])


@step_property()
def one_amount_is_tallied(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: it is the sum that is."""
    return tallied(before, after) == before.amount[Item(0)] - before.tally[Item(0)]


@step_property()
def all_amounts_are_tallied(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return tallied(before, after) == total(Item, lambda item: before.amount[item]) - before.tally[Item(0)]


def test_a_sum_inside_of_a_sum_is_over_a_variable_of_its_own() -> None:
    assert is_proved(machine(note_the_sum), all_amounts_are_tallied)
    assert not is_proved(machine(note_the_sum), one_amount_is_tallied)


@action
def unmark_by_the_sum(s: Stock, w: Nothing) -> None:
    """Who is liked by nobody is unmarked: said by a sum."""
    s.tally.reset(where=lambda item: total(Item, lambda other: s.amount[other] * s.amount[item]) == 0)


@step_property()
def zeros_stay(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: what is reset need not have been zero, and the sum over the tally falls."""
    return tallied(before, after) == 0


def test_a_sum_over_a_key_of_which_there_is_a_sum_is_over_a_variable_of_its_own() -> None:
    assert not is_proved(machine(unmark_by_the_sum), zeros_stay)


@step_property()
def few_are_all(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: there are more than few."""
    return total(Few, lambda item: before.amount[item]) == total(Item, lambda item: before.amount[item])


def test_sums_over_two_ranges_are_two_sums() -> None:
    assert not is_proved(machine(note_the_sum), few_are_all)


@step_property()
def few_pairs_like(before: Stock, after: Stock, w: Nothing) -> bool:
    """False, though as many as there are items: a sum of sums."""
    return total((Item, Item), lambda one, other: ite(before.likes[one, other], 1, 0)) <= 1000


@step_property()
def some_pair_likes(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, though not proved: nothing is asked of the sums inside of a sum at the keys that are read."""
    pairs = total((Item, Item), lambda one, other: ite(before.likes[one, other], 1, 0))
    return pairs >= ite(before.likes[Item(3), Item(4)], 1, 0)


@step_property()
def no_pair_likes_less_than_nothing(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return 2 * total((Item, Item), lambda one, other: ite(before.likes[one, other], 1, 0)) >= 0


@invariant()
def all_like_as_many(s: Stock, w: Nothing) -> bool:
    """False; sums that depend on what is bound around them."""
    return all_of(
        forall(Item, lambda one: total(Item, lambda other: ite(s.likes[one, other], 1, 0)) == 7),
        forall(Few, lambda one: total(Item, lambda other: ite(s.likes[one, other], 1, 0)) == 7),
    )


@action
def mark(s: Stock, w: Nothing, item: Item) -> None:
    """Something is marked."""
    s.marked[item] = True


def test_sums_may_be_of_sums_and_of_what_is_bound() -> None:
    assert is_proved(machine(mark), no_pair_likes_less_than_nothing)
    assert not any(is_proved(machine(mark), prop) for prop in (some_pair_likes, few_pairs_like, all_like_as_many))


@action
def go_on(s: Stock, w: Nothing, item: Item) -> None:
    """What needs a mark."""
    when(s.marked[item])
    s.step = Number(1)


@invariant()
def nothing_is_marked(s: Stock, w: Nothing) -> bool:
    """True at the start."""
    return forall(Item, lambda item: negate(s.marked[item]))


@step_property()
def nothing_goes_on(before: Stock, after: Stock, w: Nothing) -> bool:
    """False once something is marked."""
    return before.step == after.step


def test_a_lemma_by_the_name_of_a_property_is_refused() -> None:
    lemma = replace(nothing_is_marked, name=nothing_goes_on.name)
    scope = replace(STOCK, varied=(), lemmas=(lemma,))
    with pytest.raises(SpecificationError, match="NOTHING_GOES_ON"):
        is_proved(machine(mark, go_on, scope=scope), nothing_goes_on)


def test_two_actions_of_one_name_are_refused() -> None:
    with pytest.raises(SpecificationError, match="'mark'"):
        is_proved(machine(replace(go_on, name="mark"), mark), nothing_goes_on)


# Values that there are not


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
