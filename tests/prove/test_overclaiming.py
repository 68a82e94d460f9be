"""What would make a proof say too much: each of these is false, and is not proved; a true one like it is.

The true one is there because a prover that is too weak, or broken, proves nothing false either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordination.machine import (
    SpecificationError,
    action,
    all_of,
    any_of,
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
from tests.prove.stock import STOCK, Few, Item, Nothing, Number, Stock, is_proved, machine, mark

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


@step_property()
def what_is_liked_stays(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""

    def kept(item: Item) -> Any:
        return ite(total(Item, lambda other: before.amount[other] * before.amount[item]) == 0, 0, before.tally[item])

    return total(Item, lambda item: after.tally[item]) == total(Item, kept)


def test_a_sum_over_a_key_of_which_there_is_a_sum_is_over_a_variable_of_its_own() -> None:
    assert is_proved(machine(unmark_by_the_sum), what_is_liked_stays)
    assert not is_proved(machine(unmark_by_the_sum), zeros_stay)


@step_property()
def few_are_all(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: there are more than few. True, and proved, if there are not."""
    return total(Few, lambda item: before.amount[item]) == total(Item, lambda item: before.amount[item])


def test_sums_over_two_ranges_are_two_sums() -> None:
    as_many = replace(STOCK, domains={**STOCK.domains, Few: STOCK.domains[Item]})
    assert is_proved(machine(note_the_sum, scope=as_many), few_are_all)
    assert not is_proved(machine(note_the_sum), few_are_all)


def pairs(s: Stock) -> Any:
    return total((Item, Item), lambda one, other: ite(s.likes[one, other], 1, 0))


@step_property()
def few_pairs_like(before: Stock, after: Stock, w: Nothing) -> bool:
    """False, though as many as there are items: a sum of sums."""
    return pairs(before) <= 1000


@step_property()
def some_pair_does_not_like(before: Stock, after: Stock, w: Nothing) -> bool:
    """False of all that there are."""
    return pairs(before) <= 1000 * 1000 - 1


@step_property()
def no_more_like_than_there_are(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return pairs(before) <= 1000 * 1000


@step_property()
def who_likes_has_as_much_as_who_is_liked(before: Stock, after: Stock, w: Nothing) -> bool:
    """False, though so it would seem if the sum and the sum inside of it were over one variable."""
    who_likes = total((Item, Item), lambda one, other: ite(before.likes[one, other], before.amount[one], 0))
    who_is_liked = total((Item, Item), lambda one, other: ite(before.likes[one, other], before.amount[other], 0))
    return who_likes == who_is_liked


@step_property()
def some_pair_likes(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, though not proved: nothing is asked of the sums inside of a sum at the keys that are read."""
    return pairs(before) >= ite(before.likes[Item(3), Item(4)], 1, 0)


@step_property()
def no_pair_likes_less_than_nothing(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return 2 * pairs(before) >= 0


def liked_by(s: Stock, one: Item) -> Any:
    return total(Item, lambda other: ite(s.likes[one, other], 1, 0))


@invariant()
def all_like_as_many(s: Stock, w: Nothing) -> bool:
    """False; sums that depend on what is bound around them."""
    return all_of(
        forall(Item, lambda one: liked_by(s, one) == 7),
        forall(Few, lambda one: liked_by(s, one) == 7),
    )


@step_property()
def as_many_are_liked_as_before(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return forall(Item, lambda one: liked_by(after, one) == liked_by(before, one))


def test_sums_may_be_of_sums_and_of_what_is_bound() -> None:
    true = (no_pair_likes_less_than_nothing, no_more_like_than_there_are, as_many_are_liked_as_before)
    assert all(is_proved(machine(mark), prop) for prop in true)
    false = (few_pairs_like, some_pair_does_not_like, who_likes_has_as_much_as_who_is_liked, all_like_as_many)
    assert not any(is_proved(machine(mark), prop) for prop in (some_pair_likes, *false))


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


# Facts that are about two things


@action
def unmark_the_indifferent(s: Stock, w: Nothing) -> None:
    """Who likes nothing is unmarked; possible where the first is not."""
    s.marked.reset(where=lambda one: negate(exists(Item, lambda liked: s.likes[one, liked])))
    when(s.marked[Item(0)])


@step_property()
def all_like_what_the_first_likes(before: Stock, after: Stock, w: Nothing) -> bool:
    """False: whoever stays marked likes something, as the first does, but not the same."""

    def is_shared(one: Item) -> Any:
        return exists(Item, lambda liked: all_of(before.likes[one, liked], before.likes[Item(0), liked]))

    return forall(Item, lambda one: implies(after.marked[one], is_shared(one)))


@step_property()
def all_like_something(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved."""
    return forall(Item, lambda one: implies(after.marked[one], exists(Item, lambda liked: before.likes[one, liked])))


def test_what_exists_for_a_step_is_not_what_exists_against_a_claim() -> None:
    assert is_proved(machine(unmark_the_indifferent), all_like_something)
    assert not is_proved(machine(unmark_the_indifferent), all_like_what_the_first_likes)


# The order in which a step writes


@action
def clear_the_marked(s: Stock, w: Nothing, item: Item) -> None:
    """What is marked, one item more among it, is tallied anew, and no longer marked."""
    s.marked[item] = True
    s.tally.reset(where=lambda each: s.marked[each])
    s.marked.reset()


@step_property()
def what_was_marked_is_cleared(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved: said of what was marked before the step."""
    return forall(Item, lambda each: implies(before.marked[each], after.tally[each] == 0))


@step_property()
def something_is_cleared(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved: the step has marked something itself, whatever it unmarks later."""
    return exists(Item, lambda each: all_of(after.tally[each] == 0, negate(after.marked[each])))


@step_property()
def what_was_not_marked_is_kept(before: Stock, after: Stock, w: Nothing) -> bool:
    """False of the item that the step has marked before it looks."""
    return forall(Item, lambda each: any_of(before.marked[each], after.tally[each] == before.tally[each]))


@step_property()
def all_is_kept(before: Stock, after: Stock, w: Nothing) -> bool:
    """False, though nothing is marked once the step is over."""
    return forall(Item, lambda each: after.tally[each] == before.tally[each])


def test_a_reset_looks_at_what_was_written_before_it_and_at_nothing_written_later() -> None:
    clearing = machine(clear_the_marked)
    assert all(is_proved(clearing, prop) for prop in (what_was_marked_is_cleared, something_is_cleared))
    assert not any(is_proved(clearing, prop) for prop in (what_was_not_marked_is_kept, all_is_kept))


# Facts that are no numbers


@step_property()
def a_fact_is_no_two(before: Stock, after: Stock, w: Nothing) -> bool:
    """True, and proved, as of integers: a fact is 0 or 1."""
    return forall(Item, lambda each: before.marked[each] != 2)


@step_property()
def a_fact_is_two(before: Stock, after: Stock, w: Nothing) -> bool:
    """False, of a fact that is true as well."""
    return forall(Item, lambda each: implies(before.marked[each], before.marked[each] == 2))


def test_a_fact_equals_no_number_but_0_and_1() -> None:
    assert is_proved(machine(mark), a_fact_is_no_two)
    assert not is_proved(machine(mark), a_fact_is_two)
