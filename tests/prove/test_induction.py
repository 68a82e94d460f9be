"""What is proved, from which lemmas and which rules; and that nothing stays proved once what it rests on is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NewType

import pytest

from coordination.machine import (
    Instance,
    Machine,
    Property,
    SpecificationError,
    State,
    Unbounded,
    action,
    invariant,
    ite,
    when,
)
from coordination.machine.action import Action
from coordination.prove.cache import Cache
from coordination.prove.conditions import RANGES, START, Conditions
from coordination.prove.induction import Induction, Prover, Standing
from coordination.prove.sizes import check_sizes
from coordination.prove.solvers import Z3, Answer, Cvc5, Solver
from coordination.prove.unbounded import AllSizes
from coordination_spec import DESIGNS
from coordination_spec.instances import TINY
from coordination_spec.lemmas import LEMMAS
from tests.two_phase_commit import TWO_PHASE_COMMIT, Nothing

HARDENED = DESIGNS["0.2.0"]
README = (Path(__file__).parents[2] / "spec" / "README.md").read_text(encoding="utf-8")
MOMENT = 0.15  # seconds: what can be proved is, within that


def induction(
    machine: Machine,
    claims: Sequence[Property],
    solver: Solver | None = None,
    cache: Cache | None = None,
    seed: int = 0,
    seconds: float = MOMENT,
) -> Induction:
    prover = Prover(solver or Z3(), cache, seconds=seconds, seed=seed)
    return prover.prove(Conditions(machine, claims), lambda *_: None, lambda _: None)


def with_lemmas(machine: Machine, lemmas: Sequence[Property]) -> Machine:
    assert machine.unbounded is not None
    return replace(machine, unbounded=replace(machine.unbounded, lemmas=tuple(lemmas)))


def claims(machine: Machine) -> list[Property]:
    return [prop for prop in machine.properties if prop.name not in machine.expected]


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


def pair(lemmas: Sequence[Property] = (), *more: Action) -> Machine:
    scope = replace(ANY_PAIR, lemmas=tuple(lemmas))
    return Machine("pair", Pair, (exchange, go_up, *more), (), {}, unbounded=scope)


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


# What is no size of what is proved


def test_a_machine_that_says_nothing_of_sizes_is_refused() -> None:
    with pytest.raises(SpecificationError, match="says nothing about sizes"):
        Conditions(replace(TWO_PHASE_COMMIT, unbounded=None), [])


def sized(**changed: object) -> tuple[Machine, Instance]:
    instance = replace(HARDENED.instance("tiny"), **changed)
    return replace(HARDENED, instances={instance.name: instance}), instance


def test_an_instance_beyond_the_ranges_is_no_size() -> None:
    machine, instance = sized()
    short = {**machine.unbounded.domains, next(iter(instance.domains)): range(3)}  # type: ignore[union-attr]
    machine = replace(machine, unbounded=replace(machine.unbounded, domains=short))  # type: ignore[type-var]
    with pytest.raises(SpecificationError, match="is in no range of"):
        check_sizes(machine, AllSizes(machine))


@pytest.mark.parametrize(
    ("initial", "reason"),
    [
        ({"held": 3, "reward_pool": 2, "now": 3}, "its initial state is not one"),
        ({**TINY.instance(DESIGNS["0.2.0"].unbounded.given["design"]).initial, "gifts": 1}, "gifts is not zero"),  # type: ignore[union-attr]
    ],
)
def test_an_instance_that_starts_elsewhere_is_no_size(initial: dict[str, object], reason: str) -> None:
    machine, _ = sized(initial=initial)
    with pytest.raises(SpecificationError, match=reason):
        check_sizes(machine, AllSizes(machine))


def test_an_instance_of_other_constants_is_no_size() -> None:
    machine, instance = sized()
    object.__setattr__(world := replace(instance.constants), "claim_slots", 99)
    machine, _ = sized(constants=world)
    with pytest.raises(SpecificationError, match="not so that phases_fit"):
        check_sizes(machine, AllSizes(machine))


# What is remembered


class Counting:
    """Z3, and how often it was asked."""

    def __init__(self) -> None:
        self._z3, self.asked = Z3(), 0
        self.name = self._z3.name

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        self.asked += 1
        return self._z3.decide(text, seconds, seed)


def asked(cache: Cache, machine: Machine, seed: int = 0, seconds: float = MOMENT) -> int:
    solver = Counting()
    induction(machine, claims(machine), solver, cache, seed, seconds)
    return solver.asked


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "answers.sqlite")
    machine = pair([one_is_small, other_is_small])
    first = asked(cache, machine)
    assert first > 0
    assert asked(cache, machine) == 0
    assert asked(cache, machine, seed=1) == first
    assert asked(cache, machine, seconds=MOMENT / 2) == first
    changed = machine.replacing(
        replace(go_up, run=lambda s, w: setattr(s, "one", Number(ite(s.one < 9, s.one + 1, 0))))
    )
    assert asked(cache, changed) > 0
    cache.close()


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_that_is_no_cache_is_one_clear_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(damage)
    with pytest.raises(OSError, match="is no cache of answers"):
        Cache(path).get("anything")
