"""What is proved, from which lemmas and which rules; and that nothing stays proved once what it rests on is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from coordination.machine import Machine, Property
from coordination.prove.deciding.conditions import RANGES, START
from coordination.prove.deciding.induction import Induction, Standing
from coordination.prove.deciding.solvers import Z3, Cvc5, Solver
from coordination_spec import DESIGNS
from coordination_spec.lemmas import LEMMAS
from tests.prove.cases import HARDENED, MOMENT, claims, induction
from tests.prove.pair import (
    go_up,
    one_is_at_most_five,
    one_is_not_zero,
    one_is_small,
    one_is_tiny,
    one_is_zero,
    other_is_small,
    overflow,
    pair,
)

README = (Path(__file__).parents[2] / "spec" / "README.md").read_text(encoding="utf-8")


def with_lemmas(machine: Machine, lemmas: Sequence[Property]) -> Machine:
    assert machine.unbounded is not None
    return replace(machine, unbounded=replace(machine.unbounded, lemmas=tuple(lemmas)))


def lost(found: Induction) -> set[str]:
    return {prop.name for prop in found.conditions.properties if found.unproved(prop)}


# Both designs


@pytest.mark.parametrize(
    ("design", "expected"), [("0.1.0", {"SIGNATURE_BINDING", "SINGLE_USABLE_TAKE"}), ("0.2.0", set())]
)
def test_everything_is_proved_but_what_is_expected_to_break(design: str, expected: set[str]) -> None:
    machine = DESIGNS[design]
    assert lost(induction(machine, machine.properties)) == expected
    assert set(machine.expected) == expected


@pytest.mark.parametrize(
    ("design", "sizes"),
    [
        ("0.1.0", {Standing.UNCHANGED: 169, Standing.PROVED: 47}),
        ("0.2.0", {Standing.UNCHANGED: 191, Standing.PROVED: 53}),
    ],
)
def test_so_many_conditions_are_proved(design: str, sizes: dict[Standing, int]) -> None:
    found = induction(DESIGNS[design], claims(DESIGNS[design]))
    assert Counter(result.standing for result in found.results.values()) == sizes


WITHOUT_LEMMA = {
    "BOND_CONSERVATION": {"STAYS_IN_RANGE"},
    "RECORDS_ARE_WHOLE": {
        "STAYS_IN_RANGE",
        "BOND_CONSERVATION",
        "BOND_EXIT",
        "PAYOUT_EXACT",
        "HONEST_PROVER_SAFE",
    },
    "CLAIMS_START_IN_THEIR_PHASE": {"ONE_LIVE_CLAIM"},
    "TAKES_ARE_WHAT_WAS_CHOSEN": {"NO_EQUIVOCATION", "SINGLE_USABLE_TAKE"},
    "SENT_CLAIMS_CARRY_TAKES": {"SIGNATURE_BINDING"},
}


def test_the_table_of_lemmas_says_what_each_is_and_what_for() -> None:
    table = re.findall(r"^\| ([A-Z_]+) \| ([^|]+) \| ([^|]+) \|$", README.partition("## All sizes")[2], re.MULTILINE)
    assert {name: set(re.findall(r"[A-Z_]{5,}", needed)) for name, _, needed in table} == WITHOUT_LEMMA
    properties = {prop.name for prop in HARDENED.properties}
    assert [said for name, said, _ in table if name not in properties] == [
        lemma.statement for lemma in LEMMAS if lemma.name not in properties
    ]


@pytest.mark.parametrize("lemma", LEMMAS, ids=lambda lemma: lemma.name)
def test_without_a_lemma_so_much_is_not_proved(lemma: Property) -> None:
    machine = with_lemmas(HARDENED, [each for each in LEMMAS if each is not lemma])
    assert lost(induction(machine, machine.properties)) == WITHOUT_LEMMA[lemma.name]


WITHOUT_RULE = {
    "C1": {"CLAIM_TIMING"},
    "C2": {"ONE_CLAIM_PER_EPOCH", "FINALITY", "STAYS_IN_RANGE"},
    "C3": {"SIGNATURE_BINDING"},
    "C4": {"CALLER_BINDING"},
    "C5": {"CLAIM_TIMING"},
    "C6": {"HONEST_PROVER_SAFE"},
    "C7": {"STAYS_IN_RANGE"},
    "F1": {"FINALITY"},
    "F2": {"PROOF_TIMING"},
    "F3": {"BOND_EXIT"},
    "X1": {"FINALITY"},
}


@pytest.mark.parametrize("rule", WITHOUT_RULE)
def test_without_a_rule_what_rests_on_it_is_not_proved(rule: str) -> None:
    wanted = [prop for prop in HARDENED.properties if prop.name in WITHOUT_RULE[rule]]
    found = lost(induction(HARDENED.without(rule), wanted, seconds=MOMENT / 2))
    assert found >= WITHOUT_RULE[rule]


# Lemmas that are lost


def test_two_lemmas_that_only_hold_together_are_proved_together() -> None:
    assert not induction(pair(), [one_is_small]).holds(one_is_small)
    found = induction(pair([one_is_small, other_is_small]), [])
    assert found.holds(one_is_small)
    assert found.lemmas == (one_is_small, other_is_small)


@pytest.mark.parametrize("solver", [Z3(), Cvc5()], ids=["z3", "cvc5"])
def test_what_was_proved_with_a_false_lemma_does_not_stay_proved(solver: Solver) -> None:
    machine = replace(pair([one_is_zero, one_is_small]), actions=(go_up,))
    found = induction(machine, [one_is_tiny], solver)
    assert found.lemmas == (one_is_small,)
    assert not found.holds(one_is_tiny)
    assert found.holds(one_is_small)


def test_a_lemma_that_is_lost_takes_those_with_it_that_rest_on_it_and_no_other() -> None:
    lemmas = [one_is_small, one_is_tiny, one_is_zero]
    found = induction(replace(pair(lemmas), actions=(go_up,)), [one_is_at_most_five])
    assert found.lemmas == (one_is_small,)
    assert lost(found) == {"ONE_IS_ZERO", "ONE_IS_TINY", "ONE_IS_AT_MOST_FIVE"}


def test_a_lemma_that_is_false_at_the_start_is_given_up() -> None:
    found = induction(pair([one_is_not_zero]), [])
    assert found.lemmas == ()
    assert [result.condition.step for result in found.unproved(one_is_not_zero)][:1] == [START]


def test_where_a_step_leaves_the_ranges_nothing_is_proved() -> None:
    found = induction(replace(pair((), overflow), actions=(go_up, overflow)), [one_is_small])
    assert found.unproved(RANGES)
    other = induction(replace(pair((), overflow), actions=(overflow,)), [other_is_small])
    assert not other.unproved(other_is_small)
    assert not other.holds(other_is_small)
