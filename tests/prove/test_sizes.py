"""Every instance is one of the sizes that proofs are about; a machine with one that is not is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.machine import Function, Instance, Machine, SpecificationError
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.reading.sizes import check_sizes
from coordination.prove.reading.unbounded import AllSizes
from coordination_spec import DESIGNS
from coordination_spec.instances import TINY
from tests.prove.cases import HARDENED
from tests.two_phase_commit import TWO_PHASE_COMMIT


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


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"design": DESIGNS["0.1.0"].unbounded.given["design"]}, "its design is not the one that is given"),  # type: ignore[union-attr]
        ({"bond": 1 << 256}, "its bond holds .*, which is in no range of Amount"),
        ({"schedule": Function({4: 1 << 160})}, "its schedule holds .*, which is in no range of Address"),
    ],
    ids=["given", "number", "function"],
)
def test_an_instance_of_constants_that_no_proof_is_about_is_no_size(changed: dict[str, object], reason: str) -> None:
    _, instance = sized()
    machine, _ = sized(constants=replace(instance.constants, **changed))
    with pytest.raises(SpecificationError, match=reason):
        check_sizes(machine, AllSizes(machine))
