"""Nodes in a simulated world: none diverges from the specification, and each that has a fault does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.conform.node.faults import FAULTS, Fault, NoLongerThere
from coordination.conform.node.moves import Diverged
from coordination.conform.node.run import Ran, catch, run
from coordination.conform.node.safety import Broken
from coordination.conform.node.setting import simulated
from coordination.conform.node.simulation import Simulation
from coordination.conform.node.stateful import search
from coordination.node.core.proposer import Proposer
from coordination_spec import DESIGNS
from coordination_spec.words import Amount

SLOTS = 400
HEARD = ("accepted", "ignored", "rejected")
PLANTED = next(fault for fault in FAULTS if fault.about == "never writes a choice down")


@pytest.fixture(scope="module", params=DESIGNS)
def ran(request: pytest.FixtureRequest) -> Ran:
    return run(DESIGNS[request.param], slots=SLOTS, seed=1)


def test_no_node_diverges_from_the_specification(ran: Ran) -> None:
    assert ran.divergence is None
    assert ran.slots == SLOTS


def test_the_world_is_eventful(ran: Ran) -> None:
    """Else it would be no wonder that nothing goes wrong."""
    steps = {"make_quote", "receive_quote", "choose_quote", "publish_take", "send_claim", "crash_proposer", "tick"}
    assert steps <= set(ran.steps)
    assert {"claim_proof_right", "submit_epoch_proof", "prune"} <= set(ran.calls)
    assert {"InvalidProverSignature", "EpochNotCurrentOrPrevious", "InvalidBasisPointFee"} <= set(ran.errors)
    assert min(ran.counts[what] for what in ("lost", "repeated", "restarts", "reorganisations", "forged")) > 10
    assert min(ran.counts[f"{topic} {what}"] for topic in ("makes", "takes") for what in HEARD) > 10
    assert ran.slashed > 0
    assert ran.judgements > SLOTS


def test_one_seed_is_one_run(ran: Ran) -> None:
    again, other = (run(ran.machine, slots=SLOTS, seed=seed) for seed in (1, 2))
    assert replace(again, seconds=0.0) == replace(ran, seconds=0.0)
    assert replace(other, seconds=0.0, seed=1) != replace(ran, seconds=0.0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule} {fault.about}")
def test_a_node_with_a_fault_is_caught(fault: Fault) -> None:
    caught = catch(DESIGNS["0.2.0"], fault, 0)
    assert caught.divergence is not None
    assert run(DESIGNS["0.2.0"], slots=1, seed=0).divergence is None, "the fault is still there"


def test_at_least_twenty_faults_are_seen_in_either_design() -> None:
    assert all(sum(design in fault.designs for fault in FAULTS) >= 20 for design in DESIGNS)


def test_a_fault_that_the_source_no_longer_has_room_for_is_told() -> None:
    stale = replace(PLANTED, was="what is not written there")
    with pytest.raises(NoLongerThere, match="does not say 'what is not written there' exactly once"):
        catch(DESIGNS["0.2.0"], stale, 0)


def test_a_change_that_is_no_fault_is_caught_by_nothing() -> None:
    harmless = Fault("N3", "is right", Proposer.consider, "chosen.slot < view.slot:", "view.slot > chosen.slot:")
    with harmless.planted():
        assert run(DESIGNS["0.2.0"], slots=SLOTS, seed=0).divergence is None


@pytest.mark.parametrize("design", DESIGNS)
def test_random_moves_find_nothing(design: str) -> None:
    tried = search(DESIGNS[design], seed=3, runs=15, moves=50)
    assert tried.failure is None
    assert tried.made == 15 * 50


def test_random_moves_find_a_fault_and_the_shortest_program_repeats_it() -> None:
    with PLANTED.planted():
        failure = search(DESIGNS["0.2.0"], seed=0, runs=200, moves=60).failure
        assert failure is not None
        assert len(failure.program.splitlines()) < 40
        with pytest.raises(Diverged) as repeated:
            exec(failure.program, {})
    assert repeated.value.divergence == failure.divergence
    exec(failure.program, {})  # without the fault nothing is wrong with these moves


def test_two_answers_to_what_was_asked_twice_may_differ() -> None:
    with simulated():
        world = Simulation(DESIGNS["0.2.0"])
        world.start("cleo", 0)
        world.wait(16 * 12 + 3)  # the slot is hers
        world.tick("cleo", 0)
        world.look("cleo", 0)
        world.forge("bid", "monty", 100, 0, 0, 0)
        world.deliver(2, False)
        world.look("cleo", 0)
        assert len(world.nodes["cleo"].questions) == 2
        world.call("give_tokens", "monty", 0, 1)
        world.mine(0)
        world.answer("cleo", 0)
        world.reorganise(1)
        world.answer("cleo", 0)
    assert not world.nodes["cleo"].questions


def test_a_chain_that_loses_tokens_breaks_a_property() -> None:
    world = Simulation(DESIGNS["0.2.0"])
    world.chain.safety.check(world.chain.state)
    world.chain.state.held = Amount(world.chain.state.held + 1)
    with pytest.raises(Broken, match="BOND_CONSERVATION"):
        world.chain.safety.check(world.chain.state)
