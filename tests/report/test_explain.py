"""Why a property failed is told by the property itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordination.machine import (
    Instance,
    Machine,
    Property,
    all_of,
    any_of,
    attempt,
    forall,
    implies,
    invariant,
    ite,
    negate,
    same,
    situation,
    step_property,
    terms,
    total,
)
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.trace import Trace
from coordination.machine.unrolled import Unrolled
from coordination.report.explain import PARTS, _needed, explain
from coordination.report.narrative import explain_end
from tests.report.escrow import (
    ESCROW,
    SMALL,
    Account,
    Amount,
    Escrow,
    Item,
    Stage,
    Terms,
    mallory_is_rich,
    never_reopened,
    release,
    run,
    told_first,
    walk,
)
from tests.two_phase_commit import (
    TWO_PHASE_COMMIT,
    Manager,
    Nothing,
    TwoPhase,
    consistent,
    managers,
    nobody_aborts_alone,
)

SEEDS = range(60)
TICK = ("tick", ())
BOB_SELLS = ("pay", (2, 0, 2, 1, 2))


def escrow(*calls: tuple[str, tuple[int, ...]], prop: str = "") -> Trace:
    return run(ESCROW, SMALL, prop, *calls)


def two_phase_commit(*calls: tuple[str, tuple[int, ...]]) -> Trace:
    return run(TWO_PHASE_COMMIT, managers(3), "", *calls)


def explained(trace: Trace, machine: Machine, prop: Property) -> list[str]:
    instance = machine.instance(trace.instance)
    return explain(machine, instance, prop, *(trace.states()[-2:] if prop.kind is Kind.STEP else trace.states()[-1:]))


def test_a_failed_implication_says_what_holds_and_what_does_not() -> None:
    aborted_alone = two_phase_commit(("choose_to_abort", (2,)))
    assert explained(aborted_alone, TWO_PHASE_COMMIT, nobody_aborts_alone) == [
        "manager[2] == ABORTED, but not said_abort"
    ]


def test_a_map_read_at_another_variable_is_told_at_the_place_that_was_read() -> None:
    sold = escrow(TICK, BOB_SELLS, ("release", (0, False)))
    assert explained(sold, ESCROW, told_first) == ["stage[0] == SOLD, seller[0] == bob, but not told[bob, 0]"]


def test_a_wrong_sum_is_told_with_its_figures() -> None:
    tipped = escrow(TICK, BOB_SELLS, ("release", (0, True)))
    (line,) = explained(tipped, ESCROW, ESCROW.properties[0])
    assert line == "not balance[alice] + balance[bob] + balance[mallory] + house == 8 (5 + 3 + 1 + 0 is 9)"


def test_a_step_property_speaks_of_the_state_before_and_the_state_after() -> None:
    reopened = escrow(TICK, ("pay", (0, 0, 0, 1, 2)), ("release", (0, False)), ("pay", (0, 0, 0, 1, 2)))
    assert explained(reopened, ESCROW, never_reopened) == [
        "stage[0] == SOLD, but not stage'[0] == SOLD (stage'[0] is HELD)"
    ]


def test_a_reached_situation_is_told_by_the_facts_that_make_it_one() -> None:
    rich = escrow(TICK, ("pay", (0, 0, 0, 2, 2)), ("release", (0, False)))
    assert explained(rich, ESCROW, mallory_is_rich) == [
        "today != 0 (today is 1), balance[mallory] > 3 (balance[mallory] is 5)"
    ]
    assert explained(escrow(TICK), ESCROW, mallory_is_rich) == []


def test_a_premise_that_denies_something_is_not_told_as_a_demand() -> None:
    @invariant()
    def opened_for_nothing(s: Escrow, w: Terms) -> bool:
        """The premise of each reaches the explanation as alternatives: the day is 0, or the item FREE."""
        is_paid = all_of(s.today != 0, s.stage[Item(0)] != Stage.FREE)
        is_early = all_of(s.today != 2, s.stage[Item(0)] != Stage.SOLD)
        return all_of(
            implies(is_paid, s.house == 2),
            implies(is_early, all_of(s.told[Account(1), Item(0)], s.price[Item(0)] >= 1)),
        )

    paid = escrow(TICK, ("pay", (0, 0, 0, 1, 2)))
    assert explained(paid, ESCROW, opened_for_nothing) == [
        "today != 2 (today is 1), stage[0] != SOLD (stage[0] is HELD), but not told[bob, 0]"
    ]
    shifted = escrow(TICK, ("pay", (0, 1, 0, 1, 2)), ("pay", (0, 0, 0, 1, 2)), ("tell", (0,)))
    assert explained(shifted, ESCROW, opened_for_nothing) == [
        "today != 0 (today is 1), stage[0] != FREE (stage[0] is HELD), but not house == 2 (house is 4)"
    ]


def test_of_alternatives_the_state_after_a_step_and_what_is_no_inequality_are_told_as_missing() -> None:
    @step_property()
    def what_is_unsold_stays_free(before: Escrow, after: Escrow, w: Terms) -> bool:
        return implies(before.stage[Item(0)] != Stage.SOLD, after.stage[Item(0)] == Stage.FREE)

    @invariant()
    def poor_on_the_first_day(s: Escrow, w: Terms) -> bool:
        return implies(s.today < 2, s.house == 1)

    paid = escrow(TICK, ("pay", (0, 0, 0, 1, 2)))
    assert explained(paid, ESCROW, what_is_unsold_stays_free) == [
        "stage[0] != SOLD (stage[0] is FREE), but not stage'[0] == FREE (stage'[0] is HELD)"
    ]
    assert explained(paid, ESCROW, poor_on_the_first_day) == ["today < 2 (today is 1), but not house == 1 (house is 2)"]


def test_what_is_supposed_and_demanded_at_once_is_not_told_as_missing() -> None:
    @invariant()
    def unsold_is_told(s: Escrow, w: Terms) -> bool:
        unsold = s.stage[Item(0)] != Stage.SOLD
        return implies(all_of(s.open_, s.house > 0, unsold), all_of(unsold, s.told[Account(1), Item(0)]))

    paid = escrow(TICK, ("pay", (0, 0, 0, 1, 2)))
    assert explained(paid, ESCROW, unsold_is_told) == [
        "house > 0 (house is 2), stage[0] != SOLD (stage[0] is HELD), open_, but not told[bob, 0]"
    ]


def test_a_property_that_imagines_a_call_is_told_by_the_check_that_refuses_it() -> None:
    @invariant()
    def every_item_can_be_released(s: Escrow, w: Terms) -> bool:
        accepted, _ = attempt(release, s, w, Item(0), False)
        return implies(s.open_, accepted)

    assert explained(escrow(TICK), ESCROW, every_item_can_be_released) == [
        "open_, but not stage[0] == HELD (stage[0] is FREE)"
    ]


def test_what_must_not_hold_together_is_told_as_it_is() -> None:
    @invariant()
    def nothing_is_held_early(s: Escrow, w: Terms) -> bool:
        stage = s.stage[Item(0)]
        return negate(all_of(stage != Stage.FREE, stage != Stage.SOLD, s.house > 0, s.today < 2))

    paid = escrow(TICK, ("pay", (0, 0, 0, 1, 2)))
    assert explained(paid, ESCROW, nothing_is_held_early) == [
        "today < 2 (today is 1), house > 0 (house is 2), stage[0] == HELD"
    ]


def test_a_negated_conjunction_is_told_by_what_should_not_hold_together() -> None:
    @invariant()
    def nobody_prepares_while_another_aborts(s: TwoPhase, w: Nothing) -> bool:
        return negate(
            any_of(s.said_abort, s.said_commit, forall(Manager, lambda rm: s.said_prepared[rm])),
        )

    aborted = two_phase_commit(("abort", ()))
    assert explained(aborted, TWO_PHASE_COMMIT, nobody_prepares_while_another_aborts) == ["said_abort"]


def test_a_disjunction_fails_in_all_its_alternatives() -> None:
    @invariant()
    def somebody_was_told(s: Escrow, w: Terms) -> bool:
        return any_of(s.told[Account(0), Item(0)], s.told[Account(1), Item(1)], s.house == Amount(2))

    assert explained(escrow(), ESCROW, somebody_was_told) == [
        "none of: house == 2 (house is 0); told[alice, 0]; told[bob, 1]"
    ]


def test_facts_that_should_agree_are_told_apart() -> None:
    @invariant()
    def open_and_told_agree(s: Escrow, w: Terms) -> bool:
        return same(s.open_, s.told[Account(0), Item(0)])

    assert explained(escrow(TICK), ESCROW, open_and_told_agree) == ["open_, but not told[alice, 0]"]


def test_a_property_that_fails_everywhere_says_that_no_state_matters() -> None:
    @invariant()
    def impossible(s: Escrow, w: Terms) -> bool:
        return any_of(False)

    assert explained(escrow(), ESCROW, impossible) == ["IMPOSSIBLE does not depend on the state"]


def test_of_many_failing_parts_only_a_few_are_told() -> None:
    @invariant()
    def everybody_prepared(s: TwoPhase, w: Nothing) -> bool:
        return forall(Manager, lambda rm: s.said_prepared[rm])

    instance = managers(PARTS + 4)
    machine = replace(TWO_PHASE_COMMIT, instances={instance.name: instance})
    trace = run(machine, instance, "")
    lines = explained(trace, machine, everybody_prepared)
    assert lines[:2] == ["not said_prepared[0]", "not said_prepared[1]"]
    assert lines[PARTS:] == ["and 4 more parts fail"]


def test_a_long_sum_is_abbreviated() -> None:
    @invariant()
    def nothing_prepared(s: TwoPhase, w: Nothing) -> bool:
        return sum(s.manager[Manager(number)] for number in range(9)) == 0

    instance = managers(9)
    machine = replace(TWO_PHASE_COMMIT, instances={"9": instance})
    (line,) = explained(run(machine, instance, "", ("prepare", (0,))), machine, nothing_prepared)
    assert line == (
        "not manager[0] + manager[1] + manager[2] + manager[3] + manager[4] + manager[5] + … (3 more) == 0 "
        "(PREPARED + WORKING + WORKING + WORKING + WORKING + WORKING + … (3 more) is 1)"
    )


def test_an_unknown_condition_inside_a_number_is_resolved() -> None:
    @invariant()
    def house_holds_more_every_day(s: Escrow, w: Terms) -> bool:
        owed = total(Item, lambda item: ite(s.stage[item] == Stage.HELD, s.price[item] + 1, 0))
        return s.house == owed + s.today

    paid = escrow(TICK, BOB_SELLS)
    (line,) = explained(paid, ESCROW, house_holds_more_every_day)
    assert line.startswith("stage[0] == HELD, stage[1] == FREE, but not ")
    assert "price[0]" in line
    assert "price[1]" not in line


@pytest.mark.parametrize(
    ("machine", "instance", "properties"),
    [
        (ESCROW, SMALL, (*ESCROW.properties, mallory_is_rich)),
        (TWO_PHASE_COMMIT, managers(3), (consistent, nobody_aborts_alone)),
    ],
    ids=["escrow", "two-phase commit"],
)
def test_there_is_an_explanation_exactly_where_the_oracle_sees_a_failure(
    machine: Machine, instance: Instance, properties: Sequence[Property]
) -> None:
    machine = replace(machine, instances={instance.name: instance})
    oracle, failures = Oracle(machine, instance), 0
    for seed in SEEDS:
        trace = Trace(
            machine.name, "", instance.name, "", oracle.initial(), walk(machine, instance, seed, 1 + seed % 9)
        )
        for prop in properties:
            states = trace.states()[-2:] if prop.kind is Kind.STEP else trace.states()[-1:]
            is_worth_telling = oracle.holds(prop, *states) is (prop.kind is Kind.SITUATION)
            assert bool(explain_end(trace, machine, prop)) is is_worth_telling, (seed, prop.name)
            failures += is_worth_telling
    assert failures >= 10


def test_a_step_property_of_a_trace_without_steps_has_nothing_to_explain() -> None:
    assert explain_end(escrow(), ESCROW, never_reopened) == []


def test_an_explanation_has_no_dispensable_fact() -> None:
    wanted = {3, 17, 60}
    found = _needed(lambda kept: wanted <= set(kept), list(range(100)))
    assert set(found) == wanted


def test_an_explanation_prefers_the_more_telling_of_two_facts() -> None:
    assert _needed(lambda kept: 2 in kept or 7 in kept, list(range(10))) == [2]


def test_a_situation_can_be_explained_with_facts_that_are_absent() -> None:
    @situation
    def closed(s: Escrow, w: Terms) -> bool:
        """The house is closed."""
        return negate(s.open_)

    assert explained(escrow(), ESCROW, closed) == ["not open_"]


def test_an_explanation_does_not_depend_on_what_was_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = replace(TWO_PHASE_COMMIT, instances={"9": managers(9)})
    trace = run(machine, managers(9), "", *(("choose_to_abort", (rm,)) for rm in range(7)))
    lines = explained(trace, machine, nobody_aborts_alone)
    fields = list(Unrolled(machine, managers(9)).fields.values())
    monkeypatch.setattr(terms, "_interned", {})
    for leaf in reversed(fields):
        terms.field(leaf.args[0], leaf.boolean)
    assert explained(trace, machine, nobody_aborts_alone) == lines
    assert lines[0] == "manager[0] == ABORTED, but not said_abort"
