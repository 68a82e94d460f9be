"""The shipped instances are as rich as they claim to be, and as large as they are pinned to be."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from coordination.explore.check import check
from coordination.explore.search import Search
from coordination_spec import DESIGNS
from coordination_spec.instances import BOB, SCENARIOS, Scenario
from coordination_spec.words import NOBODY, WHOLE

by_name = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@by_name
def test_every_instance_has_honest_and_adversarial_accounts_in_both_parts(scenario: Scenario) -> None:
    world = scenario.instance(DESIGNS["0.2.0"].instance("tiny").constants.design).constants
    provers = {quote.prover for quote in (*scenario.bids, *scenario.forgeries)}
    claim_slots = [slot for slot in scenario.schedule if world.is_in_claim_phase(slot) and world.epoch(slot) > 0]
    proposers = {scenario.schedule[slot] for slot in claim_slots} - {NOBODY}
    for part in (provers, proposers):
        assert {world.adversarial[account] for account in part} == {True, False}
    assert any(world.is_honest(account) for account in provers & proposers), "an honest account that is both"


@by_name
def test_every_instance_has_a_proposer_with_two_slots_in_one_claim_phase(scenario: Scenario) -> None:
    world = scenario.instance(DESIGNS["0.2.0"].instance("tiny").constants.design).constants
    assert any(
        scenario.schedule[one] == scenario.schedule[other] != NOBODY
        and world.is_honest(scenario.schedule[one])
        and world.epoch(one) == world.epoch(other) > 0
        and world.is_in_claim_phase(one)
        and world.is_in_claim_phase(other)
        for one, other in combinations(scenario.schedule, 2)
    )


@by_name
def test_every_instance_has_fees_of_nothing_something_and_too_much(scenario: Scenario) -> None:
    fees = {quote.basis_point_fee for quote in (*scenario.bids, *scenario.forgeries)}
    assert 0 in fees
    assert any(0 < fee < WHOLE for fee in fees)
    assert any(fee > WHOLE for fee in fees)


@by_name
def test_every_instance_asks_an_honest_prover_for_too_much(scenario: Scenario) -> None:
    """Else its node would never have to refuse a bid for its fee (N1)."""
    assert {quote.prover for quote in scenario.bids if quote.basis_point_fee > WHOLE} == {BOB}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", ["tiny", "twins", "ci"])
def test_an_instance_has_its_pinned_size_and_its_expected_verdicts(design: str, name: str) -> None:
    machine = DESIGNS[design]
    checked = check(machine, machine.instance(name), machine.properties)
    assert checked.size == machine.pins[name]
    assert all(verdict.expected for verdict in checked.verdicts)


def test_every_instance_is_pinned_in_both_designs() -> None:
    for machine in DESIGNS.values():
        assert machine.pins.keys() == machine.instances.keys()


def test_ci_and_deep_are_as_large_as_they_have_to_be() -> None:
    for machine in DESIGNS.values():
        assert machine.pins["ci"].states >= 1_000_000
        assert machine.pins["deep"].states >= 100_000_000


def test_twins_are_nearly_halved_by_taking_them_for_one() -> None:
    machine = DESIGNS["0.2.0"]
    whole = replace(machine.instance("twins"), interchangeable=None)
    assert machine.pins["twins"].states * 2 > Search(machine, whole, machine.properties).run().states
