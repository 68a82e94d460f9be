"""Where a step does not keep a property, a state that shows it is found: the simplest there is, and by no mistake."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from coordination.explore.retrace import ReadingsDisagree
from coordination.machine import Property, all_of, any_of, exists, invariant, negate, step_property, terms
from coordination.machine.oracle import Oracle
from coordination.machine.state import variables
from coordination.machine.trace import Valuation, changes
from coordination.machine.unrolled import StepTerms, Unrolled
from coordination.prove.explaining import counterexample
from coordination.prove.explaining.counterexample import Scratch, SolverGaveUp
from coordination_spec.instances import BOB, FREE
from coordination_spec.state import Coordination
from coordination_spec.words import Epoch, Quote
from coordination_spec.world import World
from tests.prove.cases import CLAIMS, HARDENED, THREE, TINY, consistent_broken_by, invariants, named
from tests.two_phase_commit import TWO_PHASE_COMMIT, Manager, Nothing, TwoPhase, consistent


def differing(state: Valuation) -> int:
    """In how many fields a state of two-phase commit differs from the initial one."""
    return len(changes(TWO_PHASE_COMMIT.state, Oracle(TWO_PHASE_COMMIT, THREE).initial(), state))


def all_with(most: int) -> Iterator[Valuation]:
    """Every state of two-phase commit that differs from the initial one, which is zero, in at most so many fields."""
    fields = [
        (variable, key, value)
        for variable in variables(TWO_PHASE_COMMIT.state)
        for key in ([(number,) for number in range(3)] if variable.index else [()])
        for value in THREE.domain(variable.sort)
        if value
    ]
    for size in range(most + 1):
        for chosen in combinations(fields, size):
            if len({(variable.name, key) for variable, key, _ in chosen}) == size:
                yield state_of({(variable.name, key): value for variable, key, value in chosen})


def state_of(values: dict[tuple[str, tuple[int, ...]], int]) -> Valuation:
    return Valuation(
        {
            v.name: {key: value for (name, key), value in values.items() if name == v.name}
            if v.index
            else values.get((v.name, ()), 0)
            for v in variables(TWO_PHASE_COMMIT.state)
        }
    )


@pytest.mark.parametrize("action", ["choose_to_abort", "hear_commit", "hear_abort"])
def test_no_counterexample_has_fewer_fields_that_differ_from_the_initial_state(action: str) -> None:
    found, oracle = consistent_broken_by(action), Oracle(TWO_PHASE_COMMIT, THREE)
    smaller = [
        state
        for state in all_with(differing(found.before) - 1)
        if oracle.holds(consistent, state)
        for step in oracle.steps(state)
        if step.action == action and not oracle.holds(consistent, step.state)
    ]
    assert smaller == []
    assert differing(found.before) == len(found.relevant) - (action == "choose_to_abort")  # and one that works


@invariant()
def broken_in_two_ways(s: TwoPhase, w: Nothing) -> bool:
    """Fails where two managers were heard, or else where one later field differs."""
    return negate(any_of(s.said_abort, all_of(s.heard[Manager(0)], s.heard[Manager(1)])))


def test_one_field_that_differs_is_preferred_to_two_that_come_first() -> None:
    found = Scratch(TWO_PHASE_COMMIT, THREE, []).find("prepare", broken_in_two_ways)
    assert found is not None
    assert found.before == state_of({("said_abort", ()): 1})


@step_property
def hearing_is_news(before: TwoPhase, after: TwoPhase, w: Nothing) -> bool:
    """Fails in steps that change nothing, of which a step property does not speak."""
    return exists(Manager, lambda rm: all_of(after.heard[rm], negate(before.heard[rm])))


def test_a_step_that_changes_nothing_breaks_no_step_property() -> None:
    assert Scratch(TWO_PHASE_COMMIT, THREE, []).find("hear_prepared", hearing_is_news) is None


def test_the_step_breaks_the_property_wherever_the_relevant_fields_agree() -> None:
    found, oracle, dice = consistent_broken_by("hear_abort"), Oracle(TWO_PHASE_COMMIT, THREE), random.Random(1)
    assert found.relevant == (("manager", (1,)), ("said_abort", ()))
    for _ in range(200):
        values = {
            (variable.name, key): dice.choice(list(THREE.domain(variable.sort)))
            for variable in variables(TWO_PHASE_COMMIT.state)
            for key in ([(number,) for number in range(3)] if variable.index else [()])
        }
        state = state_of(values | {place: found.before.entry(*place) for place in found.relevant})
        step = oracle.run(state, TWO_PHASE_COMMIT.action("hear_abort"), found.step.arguments)
        assert step is not None
        assert not oracle.holds(consistent, step.state)


def test_a_hypothesis_misread_is_caught_by_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    holds = Unrolled.holds

    def forgetful(unrolled: Unrolled, prop: Property, fixed: dict[str, int], step: StepTerms | None = None) -> object:
        return prop.name == "RECORDS_ARE_WHOLE" or holds(unrolled, prop, fixed, step)

    monkeypatch.setattr(Unrolled, "holds", forgetful)
    with pytest.raises(ReadingsDisagree, match="does not find RECORDS_ARE_WHOLE true"):
        Scratch(HARDENED, TINY, invariants(CLAIMS)).find("fund_rewards", named("HONEST_PROVER_SAFE"))


def test_a_guard_misread_is_caught_by_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch(HARDENED, TINY, invariants(CLAIMS))
    monkeypatch.setattr(StepTerms, "accepted", lambda step: True)
    with pytest.raises(ReadingsDisagree, match="does not make the step of claim_proof_right"):
        scratch.find("claim_proof_right", named("CLAIM_TIMING"))


def test_a_rejected_call_misread_is_caught_by_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch(HARDENED, TINY, invariants(CLAIMS))
    monkeypatch.setattr(StepTerms, "accepted", lambda step: terms.conjunction(step.when))
    with pytest.raises(ReadingsDisagree, match="does not make the step of prune"):
        scratch.find("prune", named("FINALITY"))


def test_a_property_misread_is_caught_by_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, holds = Scratch(HARDENED, TINY, invariants(CLAIMS)), Unrolled.holds
    monkeypatch.setattr(Unrolled, "holds", lambda *arguments: terms.negation(holds(*arguments)))
    with pytest.raises(ReadingsDisagree, match="does not confirm that tick breaks FINALITY"):
        scratch.find("tick", named("FINALITY"))


def test_a_solver_that_gives_up_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterexample, "MOST_EFFORT", 1)
    with pytest.raises(SolverGaveUp):
        Scratch(HARDENED, TINY, invariants(CLAIMS)).find("submit_epoch_proof", named("PAYOUT_EXACT"))


@invariant()
def bob_bids_for_something(s: Coordination, w: World) -> bool:
    """Nobody assumes it, but no step of this instance changes it."""
    return negate(s.made[Quote(BOB, Epoch(0), FREE)])


@invariant()
def it_is_never_slot_three(s: Coordination, w: World) -> bool:
    """A tick would have to come from slot 2, but the instance starts in slot 3."""
    return s.now != 3


@invariant()
def it_is_never_slot_four(s: Coordination, w: World) -> bool:
    """False after the first tick."""
    return s.now != 4


def test_what_no_run_changes_is_as_it_is_at_the_start() -> None:
    scratch = Scratch(HARDENED, TINY, [])
    for action in ("send_claim", "make_quote"):
        assert scratch.find(action, bob_bids_for_something) is None
    assert scratch.find("tick", it_is_never_slot_three) is None
    found = scratch.find("tick", it_is_never_slot_four)
    assert found is not None
    assert found.before["now"] == 3
