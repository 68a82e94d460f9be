"""Exploration says what a counterexample to induction means: the rules are wrong, or this lemma is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from coordination.explore.check import check
from coordination.explore.retrace import ReadingsDisagree
from coordination.explore.search import Budget
from coordination.lookup import load_properties
from coordination.machine import Instance, Machine, Property, SpecificationError
from coordination.machine.lint import lint
from coordination.machine.oracle import Oracle
from coordination.machine.unrolled import StepTerms
from coordination.machine.verdict import Status
from coordination.prove.explaining.classification import Classification, Reachable, Undecided, Unreachable, classify
from coordination.prove.explaining.counterexample import Counterexample, Scratch, is_broken_by
from coordination.prove.explaining.explored import Explored
from coordination.prove.explaining.suggestion import _fewest
from tests.prove.cases import (
    CLAIMS,
    HARDENED,
    THREE,
    TINY,
    all_found,
    consistent_broken_by,
    found_without,
    invariants,
    is_confirmed,
    named,
    three_explored,
    tiny_explored,
)
from tests.two_phase_commit import TWO_PHASE_COMMIT, consistent, managers

# Where each lemma is needed in `tiny`, which has one epoch to prove: two of them are not.
NEEDED = {
    "RECORDS_ARE_WHOLE": [("PAYOUT_EXACT", "submit_epoch_proof"), ("HONEST_PROVER_SAFE", "fund_rewards")],
    "CLAIMS_START_IN_THEIR_PHASE": [],
    "TAKES_ARE_WHAT_WAS_CHOSEN": [("NO_EQUIVOCATION", "publish_take"), ("SINGLE_USABLE_TAKE", "publish_take")],
    "SENT_CLAIMS_CARRY_TAKES": [("SIGNATURE_BINDING", "claim_proof_right")],
}


def assert_excluded(found: Counterexample, meaning: Classification, file: Path) -> None:
    """The suggested file declares a lemma that is in the language, holds, and excludes the counterexample."""
    assert isinstance(meaning, Unreachable)
    file.write_text(meaning.suggestion.source, encoding="utf-8")
    (lemma,) = load_properties(file)
    assert lint(found.machine, lemma) == []
    assert not Oracle(found.machine, found.instance).holds(lemma, found.before)
    (verdict,) = check(found.machine, found.instance, [lemma]).verdicts
    assert verdict.status is Status.HOLDS
    assert verdict.states == meaning.states
    again = Scratch(found.machine, found.instance, [*found.hypotheses, lemma]).find(found.step.action, found.prop)
    assert again is None or again.before != found.before


def test_with_all_lemmas_every_step_of_the_instance_keeps_every_property() -> None:
    assert list(all_found(Scratch(HARDENED, TINY, invariants(CLAIMS)), CLAIMS)) == []


@pytest.mark.parametrize("lemma", NEEDED)
def test_without_a_lemma_its_suggestion_excludes_what_is_not_reachable(lemma: str, tmp_path: Path) -> None:
    scratch = Scratch(HARDENED, TINY, invariants(CLAIMS, lemma))
    others = [prop for prop in CLAIMS if prop.name != lemma]
    cases = list(all_found(scratch, others))
    assert [(found.prop.name, found.step.action) for found in cases] == NEEDED[lemma]
    for number, found in enumerate(cases):
        assert is_confirmed(found)
        assert_excluded(found, classify(found, tiny_explored()), tmp_path / f"lemma_{number}.py")


def test_a_lemma_left_out_is_told_by_its_part_that_is_missing() -> None:
    def lemma(*case: str) -> str:
        meaning = classify(found_without(*case), tiny_explored())
        assert isinstance(meaning, Unreachable)
        return meaning.suggestion.lemma.name

    assert lemma("RECORDS_ARE_WHOLE", "HONEST_PROVER_SAFE", "fund_rewards") == (
        "forall(Epoch, lambda epoch: s.claim_fee[epoch] != 20_000)"
    )
    assert lemma("TAKES_ARE_WHAT_WAS_CHOSEN", "NO_EQUIVOCATION", "publish_take") == (
        "forall((Slot, Account, Epoch, BasisPoints), lambda slot, account, epoch, basis_points: "
        "implies(all_of(s.now == slot, s.choice_prover != account), "
        "negate(s.taken[slot, Quote(account, epoch, basis_points)])))"
    )
    assert lemma("SENT_CLAIMS_CARRY_TAKES", "SIGNATURE_BINDING", "claim_proof_right") == (
        "forall((Account, Epoch, BasisPoints), lambda account, epoch, basis_points: "
        "implies(s.sent[4, Quote(account, epoch, basis_points)], s.taken[4, Quote(account, epoch, basis_points)]))"
    )


@pytest.mark.parametrize(
    ("rule", "prop", "action", "steps", "alike"),
    [
        ("C1", "CLAIM_TIMING", "claim_proof_right", 5, True),
        ("C2", "FINALITY", "claim_proof_right", 6, False),
        ("C3", "SIGNATURE_BINDING", "claim_proof_right", 2, True),
        ("C4", "CALLER_BINDING", "claim_proof_right", 4, True),
        ("C5", "CLAIM_TIMING", "claim_proof_right", 6, True),
        ("C6", "HONEST_PROVER_SAFE", "claim_proof_right", 4, True),
        ("F2", "PROOF_TIMING", "submit_epoch_proof", 6, False),
        ("F3", "BOND_EXIT", "submit_epoch_proof", 5, False),
        ("N4", "TAKES_ARE_WHAT_WAS_CHOSEN", "choose_quote", 8, True),
    ],
)
def test_without_a_rule_a_run_ends_with_the_step(rule: str, prop: str, action: str, steps: int, alike: bool) -> None:
    machine = HARDENED.without(rule)
    found = Scratch(machine, machine.instance("tiny"), invariants(CLAIMS)).find(action, named(prop))
    assert found is not None
    assert is_confirmed(found)
    meaning = classify(found, Explored(machine, machine.instance("tiny")))
    assert isinstance(meaning, Reachable)
    trace, oracle = meaning.trace, Oracle(machine, found.instance)
    oracle.replay(trace)
    assert (trace.property, trace.steps[-1].action, len(trace.steps), meaning.alike) == (prop, action, steps, alike)
    last = trace.states()[-2]
    assert is_broken_by(oracle, found.prop, last, trace.steps[-1])
    agrees = [last.entry(*place) == found.before.entry(*place) for place in found.relevant]
    assert all(agrees) is alike


def test_a_machine_that_leaves_its_domains_is_not_classified() -> None:
    with pytest.raises(SpecificationError, match="outside of its sort's domain"):
        Explored(HARDENED.without("C7"), TINY)


@pytest.mark.parametrize(
    ("action", "lemma"),
    [
        (
            "choose_to_abort",
            "forall((Manager, Manager), lambda manager, manager_2: "
            "implies(s.manager[manager] == Phase.WORKING, s.manager[manager_2] != Phase.COMMITTED))",
        ),
        (
            "hear_commit",
            "forall(Manager, lambda manager: implies(s.manager[manager] == Phase.ABORTED, negate(s.said_commit)))",
        ),
        (
            "hear_abort",
            "forall(Manager, lambda manager: implies(s.manager[manager] == Phase.COMMITTED, negate(s.said_abort)))",
        ),
    ],
)
def test_two_phase_commit_needs_lemmas_to_be_consistent(action: str, lemma: str, tmp_path: Path) -> None:
    found = consistent_broken_by(action)
    meaning = classify(found, three_explored())
    assert is_confirmed(found)
    assert_excluded(found, meaning, tmp_path / "lemma.py")
    assert isinstance(meaning, Unreachable)
    assert meaning.suggestion.lemma.name == lemma


def following_suggestions(machine: Machine, instance: Instance, claims: Sequence[Property]) -> list[Property]:
    """`claims`, and the lemmas that are suggested one after the other, until every step keeps all of them."""
    known, states = list(claims), Explored(machine, instance)
    while found := next(all_found(Scratch(machine, instance, invariants(known)), known), None):
        meaning = classify(found, states)
        assert isinstance(meaning, Unreachable)
        known.append(meaning.suggestion.lemma)
        assert len(known) < 30
    return known


def test_following_the_suggestions_makes_two_phase_commit_inductive_and_not_for_three_managers_only() -> None:
    claims, five = following_suggestions(TWO_PHASE_COMMIT, THREE, [consistent]), TWO_PHASE_COMMIT.instance("5")
    assert [verdict.status for verdict in check(TWO_PHASE_COMMIT, five, claims).verdicts] == [Status.HOLDS] * 13
    assert list(all_found(Scratch(TWO_PHASE_COMMIT, five, claims), claims)) == []


def test_following_the_suggestions_makes_the_shipped_properties_inductive_without_the_shipped_lemmas() -> None:
    claims = following_suggestions(HARDENED, TINY, HARDENED.properties)
    lemmas = [prop.name for prop in claims if prop not in HARDENED.properties]
    assert len(lemmas) == 7
    assert "forall(Epoch, lambda epoch: s.claim_fee[epoch] != 20_000)" in lemmas


def test_interchangeable_values_are_told_apart() -> None:
    twins = managers(3, interchangeable=True)
    found = consistent_broken_by("hear_abort", twins)
    meaning = classify(found, Explored(TWO_PHASE_COMMIT, twins))
    assert isinstance(meaning, Unreachable)
    assert meaning.states == 288


def test_what_a_search_that_gave_up_did_not_find_is_undecided() -> None:
    found = found_without("RECORDS_ARE_WHOLE", "HONEST_PROVER_SAFE", "fund_rewards")
    meaning = classify(found, Explored(HARDENED, TINY, Budget(states=100)))
    assert meaning == Undecided(167, "more than 100 states")


def test_what_a_search_found_before_it_gave_up_is_reachable() -> None:
    machine = HARDENED.without("C3")
    found = Scratch(machine, TINY, invariants(CLAIMS)).find("claim_proof_right", named("SIGNATURE_BINDING"))
    assert found is not None
    assert isinstance(classify(found, Explored(machine, TINY, Budget(states=100))), Reachable)


def test_a_step_misread_by_the_explorer_is_caught_by_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    found, states = consistent_broken_by("hear_abort"), Explored(TWO_PHASE_COMMIT, THREE)
    monkeypatch.setattr(StepTerms, "accepted", lambda step: True)
    with pytest.raises(ReadingsDisagree, match="does not break CONSISTENT"):
        classify(found, states)


def test_the_fewest_facts_are_the_fewest() -> None:
    dice = np.random.default_rng(1)
    for _ in range(200):
        together = dice.random((7, 20)) < 0.6
        together[:, together.all(axis=0)] = False
        sizes = (
            size
            for size in range(8)
            if any(not together[list(chosen)].all(axis=0).any() for chosen in combinations(range(7), size))
        )
        chosen = _fewest(together)
        assert not together[chosen].all(axis=0).any()
        assert len(chosen) == next(sizes)


def test_facts_that_are_true_together_exclude_nothing() -> None:
    with pytest.raises(ReadingsDisagree):
        _fewest(np.ones((2, 1), np.bool_))


PRINT = """
from rich.console import Console
from coordination.prove.explaining.classification import classify
from coordination.report.induction import print_counterexample
from tests.prove.cases import found_without, tiny_explored

found = found_without("TAKES_ARE_WHAT_WAS_CHOSEN", "NO_EQUIVOCATION", "publish_take")
print_counterexample(Console(), found, classify(found, tiny_explored()))
"""


def test_the_same_is_printed_each_time() -> None:
    def printed(seed: str) -> bytes:
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", PRINT], check=True, capture_output=True, env=environment, timeout=60
        ).stdout

    assert printed("1") == printed("2") != b""
