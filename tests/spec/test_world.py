"""An instance that contradicts the protocol's timing is refused, with a message that says what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.machine import SpecificationError
from coordination_spec.instances import TINY
from coordination_spec.words import Epoch, Slot
from coordination_spec.world import World
from tests.spec.worlds import HARDENED, instance_of


def world(e: int, c: int, p: int) -> World:
    built = instance_of(HARDENED, replace(TINY, durations=(e, c, p))).constants
    assert isinstance(built, World)
    return built


@pytest.mark.parametrize(
    ("e", "c", "p"),
    [(4, 3, 2), (4, 0, 1), (4, 1, 0), (4, 5, 1), (1, 1, 1), (4, -1, 2), (4, 4, -1)],
)
def test_durations_that_do_not_fit_are_refused_by_value_and_rule(e: int, c: int, p: int) -> None:
    with pytest.raises(SpecificationError) as refused:
        world(e, c, p)
    message = str(refused.value)
    assert f"C = {c}, P = {p}, E = {e}" in message
    assert "C >= 1, P >= 1, C + P <= E" in message
    assert "\n" not in message


@pytest.mark.parametrize(("e", "c", "p"), [(4, 3, 1), (4, 1, 3), (2, 1, 1), (32, 16, 16)])
def test_durations_that_just_fit_are_accepted(e: int, c: int, p: int) -> None:
    built = world(e, c, p)
    assert (built.slots_per_epoch, built.claim_slots, built.proof_slots) == (e, c, p)


def test_the_claim_phase_for_an_epoch_is_the_first_slots_of_the_next() -> None:
    built = world(4, 2, 2)
    phases = [slot for slot in range(12) if built.is_in_claim_phase(Slot(slot))]
    assert phases == [0, 1, 4, 5, 8, 9]
    last = {epoch: max(slot for slot in phases if built.epoch(Slot(slot)) == epoch + 1) for epoch in (0, 1)}
    for epoch, slot in last.items():
        assert built.can_be_claimed(Epoch(epoch), Slot(slot))
        assert not built.can_be_claimed(Epoch(epoch), Slot(slot + 1))
