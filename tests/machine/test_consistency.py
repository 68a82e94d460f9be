"""What contradicts itself is refused before anything is judged: it never becomes a verdict."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Any, NewType

import pytest

from coordination.explore.check import check
from coordination.explore.search import Budget, Search
from coordination.machine import Instance, Machine, Map, SpecificationError, State, action, invariant, ite, when
from coordination.machine.property import Expected
from coordination.machine.terms import NotReadable
from coordination.machine.verdict import Exit, Status, exit_code
from coordination_spec import DESIGNS
from tests.two_phase_commit import TWO_PHASE_COMMIT, everybody_committed, managers

Tick = NewType("Tick", int)
Place = NewType("Place", int)
Weight = NewType("Weight", int)


class Colour(IntEnum):
    RED = 0
    GREEN = 1


class Scale(State):
    now: Tick
    weight: Map[Place, Weight]
    top: Weight
    lit: bool


@action
def tick(s: Scale, w: None) -> None:
    when(s.now < 6)
    s.now = Tick(s.now + 1)


@action
def load(s: Scale, w: None, place: Place) -> None:
    when(s.weight[place] < 3)
    s.weight[place] = Weight(s.weight[place] + 1)


@action
def copy_up(s: Scale, w: None, place: Place) -> None:
    s.top = s.weight[place]


@action
def store_a_fact(s: Scale, w: None) -> None:
    s.top = s.lit  # type: ignore[assignment]


@invariant
def light(s: Scale, w: None) -> bool:
    """True of everything."""
    return s.top <= 3


INSTANCE = Instance(
    name="small",
    about="two places",
    constants=None,
    domains={Tick: range(8), Place: range(2), Weight: range(4)},
)


def scale(*actions: Any, instance: Instance = INSTANCE, **more: Any) -> Machine:
    return Machine("scale", Scale, actions, (light,), {"small": instance}, **more)


def judge(machine: Machine) -> None:
    check(machine, machine.instance("small"), machine.properties)


def within(**domains: Any) -> Instance:
    sorts = {"Tick": Tick, "Place": Place, "Weight": Weight}
    return replace(INSTANCE, domains={**INSTANCE.domains, **{sorts[name]: each for name, each in domains.items()}})


def test_what_is_consistent_is_judged() -> None:
    judge(scale(tick, load, copy_up, clock="now"))


def test_a_clock_does_not_leave_its_domain() -> None:
    with pytest.raises(SpecificationError, match="outside of its sort's domain"):
        judge(scale(tick, instance=within(Tick=range(3)), clock="now"))


def test_entries_of_a_map_start_at_a_value_of_their_domain() -> None:
    with pytest.raises(SpecificationError, match="start as 0"):
        judge(scale(load, instance=within(Weight=range(1, 4))))


def test_a_fact_is_not_stored_in_a_number() -> None:
    with pytest.raises(NotReadable, match="stores a fact in top"):
        judge(scale(store_a_fact))


def test_a_value_copied_from_a_larger_domain_is_refused() -> None:
    class Narrow(State):
        first: Tick
        second: Place

    @action
    def rise(s: Any, w: None, now: Tick) -> None:
        s.first = now

    @action
    def copy_over(s: Any, w: None) -> None:
        s.second = s.first

    machine = Machine("narrow", Narrow, (rise, copy_over), (), {"small": INSTANCE})
    with pytest.raises(SpecificationError, match="outside of its sort's domain"):
        Search(machine, INSTANCE, []).run()


def test_domains_are_ascending_and_fit_a_machine_word() -> None:
    with pytest.raises(SpecificationError, match="not ascending"):
        judge(scale(load, instance=within(Weight=(0, 2, 1, 3))))
    with pytest.raises(SpecificationError, match=r"exceeds 2\^62"):
        judge(scale(load, instance=within(Weight=range(1 << 64))))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"clock": "noww"}, "noww"),
        ({"money": ("purse",)}, "purse"),
        ({"expected": {"LIGTH": Expected("because")}}, "LIGTH"),
    ],
)
def test_declarations_name_what_exists(more: dict[str, Any], named: str) -> None:
    with pytest.raises(SpecificationError, match=named):
        judge(scale(load, **more))


def test_initial_values_and_narrowings_name_what_exists() -> None:
    with pytest.raises(SpecificationError, match="no entry of it"):
        judge(scale(load, instance=replace(INSTANCE, initial={"weight": {7: 1}})))
    with pytest.raises(SpecificationError, match="jump"):
        judge(scale(load, instance=replace(INSTANCE, considered={"jump": lambda: True})))
    with pytest.raises(SpecificationError, match="interchangeable"):
        judge(scale(load, instance=replace(INSTANCE, interchangeable=(Place, (0, 7)))))


def test_two_properties_do_not_share_a_name() -> None:
    heavy = replace(light, holds=lambda s, w: s.top > 3)
    with pytest.raises(SpecificationError, match="LIGHT"):
        judge(replace(scale(load), properties=(heavy, light)))


def test_an_expected_route_that_was_not_looked_for_to_the_end_is_unknown() -> None:
    machine = DESIGNS["0.1.0"]
    known = machine.expected["SIGNATURE_BINDING"]
    far = replace(everybody_committed, name="far", holds=lambda s, w: s.now > 1_000)
    machine = replace(machine, expected={"SIGNATURE_BINDING": replace(known, routes=(far,))})
    prop = [each for each in machine.properties if each.name == "SIGNATURE_BINDING"]
    checked = check(machine, machine.instance("tiny"), prop, Budget(states=200))
    assert checked.verdicts[0].trace is not None
    assert checked.verdicts[0].status is Status.UNKNOWN
    assert exit_code(checked.verdicts) is Exit.UNKNOWN


def test_a_case_of_a_computed_value_may_be_anything_that_is_not_taken() -> None:
    @action
    def settle(s: Any, w: None) -> None:
        s.top = ite(s.top < 3, s.top + 1, 0)

    judge(scale(settle))


def test_two_phase_commit_is_consistent() -> None:
    check(TWO_PHASE_COMMIT, managers(3), TWO_PHASE_COMMIT.properties)
