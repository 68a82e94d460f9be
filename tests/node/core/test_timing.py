"""Slots, epochs and phases at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.chain.deployment import Parameters
from coordination.chain.quote import Status
from coordination.node.core.timing import Timing
from coordination.node.core.view import View
from tests.node.core.stage import ALICE, DURATION, GENESIS, TIMING, C, E, P, claimed, head, with_claim

slots = st.integers(0, 10**6)


def test_timing_is_what_the_rollup_was_deployed_with() -> None:
    deployed = Parameters(GENESIS, DURATION, E, C, P, bond=1_000, reward_per_epoch=1)
    assert Timing.of(deployed) == TIMING
    assert TIMING.start_of(17) == deployed.timestamp(17)


@pytest.mark.parametrize(
    ("time", "slot"),
    [(0, 0), (-5.5, 0), (999.9, 0), (1_000, 0), (1_011.999, 0), (1_012, 1), (1_012 + 12 * 99, 100)],
)
def test_a_slot_begins_at_its_time_and_before_genesis_it_is_slot_0(time: float, slot: int) -> None:
    assert TIMING.slot_at(time) == slot


@given(slots)
def test_a_slot_is_known_from_its_first_to_its_last_moment(slot: int) -> None:
    assert TIMING.slot_at(TIMING.start_of(slot)) == slot
    assert TIMING.slot_at(TIMING.start_of(slot + 1) - 0.001) == slot


@pytest.mark.parametrize(
    ("slot", "is_in_it"),
    [(0, False), (C - 1, False), (E - 1, False), (E, True), (E + C - 1, True), (E + C, False), (2 * E, True)],
)
def test_the_claim_phase_is_the_first_slots_of_every_epoch_but_the_first(slot: int, is_in_it: bool) -> None:
    assert TIMING.is_in_claim_phase(slot) is is_in_it


@given(slots, st.integers(0, 20))
def test_an_epoch_can_be_claimed_as_long_as_its_claim_phase_is_not_over(slot: int, epoch: int) -> None:
    later = range(slot, (epoch + 2) * E + 1)
    claimable = [each for each in later if TIMING.is_in_claim_phase(each) and TIMING.epoch(each) == epoch + 1]
    assert TIMING.can_be_claimed(epoch, slot) is bool(claimable)


@pytest.mark.parametrize("slot", [0, C - 1, C, E])
def test_there_is_no_epoch_before_the_first_to_be_claimed(slot: int) -> None:
    assert not TIMING.can_be_claimed(-1, slot)
    assert View(TIMING, slot).first_claimable >= 0


def test_the_previous_epoch_is_claimable_while_it_is_open_and_in_its_claim_phase() -> None:
    slots = range(2 * E, 3 * E)
    open_ones = {slot: View(TIMING, slot).told(head(slot)) for slot in slots}
    assert [slot for slot, view in open_ones.items() if view.is_claimable] == list(range(2 * E, 2 * E + C))
    assert not View(TIMING, 2 * E).is_claimable
    for status in (Status.CLAIMED, Status.PROVEN, Status.PRUNED):
        over = with_claim(head(2 * E), 1, claimed(ALICE, 2 * E, status))
        assert not View(TIMING, 2 * E).told(over).is_claimable


@pytest.mark.parametrize(("slot", "is_in_it"), [(9, True), (9 + P - 1, True), (9 + P, False)])
def test_the_proof_phase_begins_with_the_slot_of_the_claim(slot: int, is_in_it: bool) -> None:
    assert TIMING.is_in_proof_phase(9, slot) is is_in_it


@pytest.mark.parametrize(
    ("slot", "epoch"), [(0, 0), (E - 1, 0), (E, 0), (E + C - 1, 0), (E + C, 1), (2 * E - 1, 1), (2 * E + C, 2)]
)
def test_the_first_epoch_of_use_is_the_previous_one_until_its_claim_phase_ends(slot: int, epoch: int) -> None:
    assert View(TIMING, slot).first_claimable == epoch
