"""What the two designs keep: 0.2.0 everything, 0.1.0 everything but what it is known to break, by each known route."""

from __future__ import annotations

from dataclasses import replace

from coordination.explore.check import Checked
from coordination.machine import Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.verdict import Exit, Status, Verdict, exit_code
from coordination_spec.expectations import SEED_IS_KNOWN_TO_BREAK
from coordination_spec.instances import BOB, MALLORY, TINY, Scenario, offer
from coordination_spec.words import Role
from tests.spec.worlds import HARDENED, PAIR, SEED, explore, in_debt, instance_of, violated

ROUTES = {
    "SIGNATURE_BINDING": {"replay from another rollup", "make passed off as a take"},
    "SINGLE_USABLE_TAKE": {"take of an earlier slot"},
}


def verdict_on(checked: Checked, name: str) -> Verdict:
    return next(verdict for verdict in checked.verdicts if verdict.property == name)


def routes_found(verdict: Verdict) -> set[str]:
    return {name for name, trace in verdict.routes if trace is not None}


def test_the_hardened_design_keeps_every_property() -> None:
    for scenario in (TINY, PAIR):
        checked = explore(HARDENED, scenario)
        assert {verdict.status for verdict in checked.verdicts} == {Status.HOLDS}
        assert all(verdict.expected for verdict in checked.verdicts)
        assert exit_code(checked.verdicts) == Exit.AS_EXPECTED


def test_the_seeds_design_breaks_what_it_is_known_to_break_by_every_route_and_nothing_else() -> None:
    checked = explore(SEED)
    assert violated(checked).keys() == ROUTES.keys()
    for name, routes in ROUTES.items():
        assert routes_found(verdict_on(checked, name)) == routes
    assert all(verdict.expected for verdict in checked.verdicts)
    assert exit_code(checked.verdicts) == Exit.AS_EXPECTED


def test_every_route_is_a_run_that_breaks_the_property() -> None:
    """A route is no coincidence: the property is false in the very state that the route leads to."""
    oracle = Oracle(SEED, in_debt(instance_of(SEED, TINY)))
    properties = {prop.name: prop for prop in SEED.properties}
    for verdict in explore(SEED).verdicts:
        for name, trace in verdict.routes:
            assert trace is not None, name
            oracle.replay(trace)
            assert oracle.holds(properties[verdict.property], trace.states()[-1]) is False, name


def test_the_replay_needs_the_other_rollup_and_the_make_needs_no_one() -> None:
    (replayed, passed_off) = verdict_on(explore(SEED), "SIGNATURE_BINDING").routes
    assert replayed[1] is not None
    assert passed_off[1] is not None
    actions = [[step.action for step in trace.steps] for _, trace in (replayed, passed_off) if trace is not None]
    assert actions[0] == ["tick", "sign_elsewhere", "claim_proof_right"]
    assert actions[1] == ["tick", "make_quote", "send_claim", "claim_proof_right"]


def gone(machine: Machine, scenario: Scenario, name: str) -> Verdict:
    """The verdict on `name`, which must not be as expected, and must fail the run."""
    checked = explore(machine, scenario)
    verdict = verdict_on(checked, name)
    assert not verdict.expected
    assert exit_code(checked.verdicts) == Exit.VIOLATION
    return verdict


def test_a_route_that_disappears_fails_the_run_and_is_named() -> None:
    verdict = gone(SEED, replace(TINY, elsewhere=frozenset()), "SIGNATURE_BINDING")
    assert verdict.status is Status.VIOLATED
    assert routes_found(verdict) == {"make passed off as a take"}
    assert verdict.reason == "no longer violated by: replay from another rollup"


def test_each_route_disappears_with_what_makes_it_possible() -> None:
    no_bids = replace(TINY, bids=frozenset())
    assert routes_found(gone(SEED, no_bids, "SIGNATURE_BINDING")) == {"replay from another rollup"}
    one_slot_each = replace(TINY, schedule={4: MALLORY, 5: BOB, 6: MALLORY})
    assert routes_found(gone(SEED, one_slot_each, "SINGLE_USABLE_TAKE")) == set()


def test_an_expected_violation_that_disappears_fails_the_run() -> None:
    mended = replace(HARDENED, expected=SEED_IS_KNOWN_TO_BREAK)
    for name in ROUTES:
        verdict = gone(mended, TINY, name)
        assert verdict.status is Status.HOLDS
        assert "expected to be violated" in verdict.reason


def test_an_unexpected_violation_fails_the_run() -> None:
    checked = explore(replace(SEED, expected={}))
    assert {verdict.property for verdict in checked.verdicts if not verdict.expected} == ROUTES.keys()
    assert exit_code(checked.verdicts) == Exit.VIOLATION


def test_what_the_other_rollup_sees_makes_no_difference_to_the_hardened_design() -> None:
    more = replace(
        TINY,
        elsewhere=frozenset(
            {(BOB, Role.TAKE, quote) for quote in offer(MALLORY, 0, *{q.basis_point_fee for q in TINY.bids})}
        )
        | TINY.elsewhere,
    )
    assert violated(explore(HARDENED, more)) == {}


def test_every_property_can_be_judged_by_the_oracle_from_the_start() -> None:
    for machine in (SEED, HARDENED):
        oracle = Oracle(machine, machine.instance("tiny"))
        for prop in machine.properties:
            start = oracle.initial()
            assert oracle.holds(prop, *([start, start] if prop.kind is Kind.STEP else [start])), prop.name
