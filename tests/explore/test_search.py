"""The explorer: counts, verdicts, shortest traces, budgets, and that nothing of it depends on how the work is cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.explore import search as search_module
from coordination.explore.check import check
from coordination.explore.layout import Layout, TableFull, WordTable
from coordination.explore.retrace import ReadingsDisagree, shortest_trace
from coordination.explore.search import Budget, Exploration, Search
from coordination.explore.values import narrowed
from coordination.machine import Machine, Pin, Property, SpecificationError, action, all_of, ite, when
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Valuation
from coordination.machine.verdict import Exit, Status, exit_code
from coordination_spec import DESIGNS
from tests.two_phase_commit import (
    PINS,
    TWO_PHASE_COMMIT,
    Decision,
    Nothing,
    TwoPhase,
    consistent,
    everybody_committed,
    managers,
    nobody_aborts_alone,
)

TINY = DESIGNS["0.1.0"].instance("tiny")


def size(exploration: Exploration) -> Pin:
    return Pin(exploration.states, exploration.transitions, exploration.depth)


@pytest.mark.parametrize("n", [3, 5, 6, 7, 8])
def test_two_phase_commit_has_the_states_that_tlc_finds(n: int) -> None:
    assert size(Search(TWO_PHASE_COMMIT, managers(n), [consistent]).run()) == PINS[n]


@pytest.mark.parametrize("design", ["0.1.0", "0.2.0"])
def test_states_stored_as_several_words_are_the_same_states(design: str) -> None:
    machine = DESIGNS[design]
    packed = Search(machine, machine.instance("tiny"), machine.properties)
    wide = Search(machine, machine.instance("tiny"), machine.properties)
    wide._arrange(None)
    assert size(packed.run()) == size(wide.run()) == machine.pins["tiny"]


def _explore_with_tables(machine: Machine, tables: int | None) -> Exploration:
    search = Search(machine, machine.instance("tiny"), machine.properties)
    search._arrange(tables)
    assert len(search.layout.tables) >= (tables or 0)
    return search.run()


@pytest.mark.parametrize("tables", [1, 2, None])
def test_tables_of_words_change_nothing_that_is_found(tables: int | None) -> None:
    machine = DESIGNS["0.1.0"]
    plain = Search(machine, machine.instance("tiny"), machine.properties).run()
    other = _explore_with_tables(machine, tables)
    assert size(other) == size(plain)
    assert other.tally == plain.tally
    assert {name: place[:2] for name, place in other.found.items()} == {n: p[:2] for n, p in plain.found.items()}


def test_a_full_table_starts_the_search_again_without_losing_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = DESIGNS["0.2.0"]
    refused = []

    def refuse(self: WordTable, word: int) -> int:
        refused.append(word)
        raise TableFull

    search = Search(machine, machine.instance("tiny"), machine.properties)
    search._arrange(1)
    monkeypatch.setattr(WordTable, "_number", refuse)
    assert size(search.run()) == machine.pins["tiny"]
    assert refused
    assert not search.layout.tables


def test_chunks_and_flushes_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = DESIGNS["0.1.0"]
    whole = Search(machine, TINY, machine.properties).run()
    monkeypatch.setattr(search_module, "CHUNK", 100)
    monkeypatch.setattr(search_module._Pending, "FLUSH", 50)
    small = Search(machine, TINY, machine.properties).run()
    assert (size(small), small.found, small.tally) == (size(whole), whole.found, whole.tally)


def test_two_runs_find_the_same_traces() -> None:
    machine = DESIGNS["0.1.0"]
    first, second = (check(machine, TINY, machine.properties) for _ in range(2))
    assert [replace(v, seconds=0.0) for v in first.verdicts] == [replace(v, seconds=0.0) for v in second.verdicts]


def test_a_trace_is_as_short_as_the_oracle_can_make_it() -> None:
    search = Search(TWO_PHASE_COMMIT, managers(3), [nobody_aborts_alone, everybody_committed])
    exploration = search.run()
    for prop in search.properties:
        trace = shortest_trace(search, exploration, prop)
        assert trace is not None
        assert len(trace.steps) == _distance(prop)


def _distance(prop: Property) -> int:
    """How many steps the oracle needs, by plain breadth-first search, to break an invariant or reach a situation."""
    oracle = Oracle(TWO_PHASE_COMMIT, managers(3))
    seen = frontier = {oracle.initial()}
    steps = 0
    while not any(oracle.holds(prop, state) is (prop is everybody_committed) for state in frontier):
        frontier = {step.state for state in frontier for step in oracle.steps(state)} - seen
        seen = seen | frontier
        steps += 1
    return steps


def test_a_property_that_holds_has_no_trace() -> None:
    search = Search(TWO_PHASE_COMMIT, managers(3), [consistent])
    assert shortest_trace(search, search.run(), consistent) is None


def test_a_trace_that_the_oracle_does_not_confirm_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search(TWO_PHASE_COMMIT, managers(3), [nobody_aborts_alone])
    exploration = search.run()
    monkeypatch.setattr(Oracle, "holds", lambda self, prop, *states: True)
    with pytest.raises(ReadingsDisagree):
        shortest_trace(search, exploration, nobody_aborts_alone)


@pytest.mark.parametrize(
    ("budget", "named"),
    [
        (Budget(states=1000), "1_000 states"),
        (Budget(seconds=0.0), "0 seconds"),
        (Budget(memory=1), "GiB of memory"),
    ],
)
def test_a_budget_that_runs_out_is_unknown_and_says_which(budget: Budget, named: str) -> None:
    checked = check(TWO_PHASE_COMMIT, managers(5), [consistent], budget)
    (verdict,) = checked.verdicts
    assert verdict.status is Status.UNKNOWN
    assert not verdict.expected
    assert named in verdict.reason
    assert exit_code(checked.verdicts) is Exit.UNKNOWN
    assert checked.drift is None, "a search cut short is no drift"


def test_what_was_violated_before_the_budget_ran_out_is_violated() -> None:
    checked = check(TWO_PHASE_COMMIT, managers(5), [nobody_aborts_alone, consistent], Budget(states=1000))
    assert [verdict.status for verdict in checked.verdicts] == [Status.VIOLATED, Status.UNKNOWN]
    assert exit_code(checked.verdicts) is Exit.VIOLATION


def test_a_size_other_than_the_pinned_one_is_drift() -> None:
    drifted = replace(TWO_PHASE_COMMIT, pins={"3": Pin(288, 1_145, 12)})
    assert check(drifted, managers(3), [consistent]).drift == Pin(288, 1_145, 12)
    assert check(TWO_PHASE_COMMIT, managers(3), [consistent]).drift is None


def test_an_expected_violation_that_is_gone_is_a_failure() -> None:
    machine = replace(DESIGNS["0.2.0"], expected=DESIGNS["0.1.0"].expected)
    checked = check(machine, machine.instance("tiny"), machine.properties)
    gone = {verdict.property for verdict in checked.verdicts if not verdict.expected}
    assert gone == {"SIGNATURE_BINDING", "SINGLE_USABLE_TAKE"}
    assert exit_code(checked.verdicts) is Exit.VIOLATION


def test_an_expected_violation_that_lost_one_of_its_routes_is_a_failure() -> None:
    machine = DESIGNS["0.1.0"]
    unreachable = replace(everybody_committed, name="nonsense", holds=lambda s, w: s.now > 1_000)
    known = machine.expected["SIGNATURE_BINDING"]
    machine = replace(machine, expected={"SIGNATURE_BINDING": replace(known, routes=(*known.routes, unreachable))})
    (verdict,) = check(machine, TINY, [p for p in machine.properties if p.name == "SIGNATURE_BINDING"]).verdicts
    assert verdict.status is Status.VIOLATED
    assert not verdict.expected
    assert "nonsense" in verdict.reason


def test_a_clock_that_a_step_turns_back_is_refused() -> None:
    @action
    def turn_back(s: TwoPhase, w: Nothing) -> None:
        when(s.decision == Decision.COMMITTED)
        s.decision = Decision.INIT

    machine = replace(TWO_PHASE_COMMIT, actions=(*TWO_PHASE_COMMIT.actions, turn_back), clock="decision")
    with pytest.raises(SpecificationError, match="turn it back"):
        Search(machine, managers(3), [consistent])


def test_a_declared_clock_changes_no_count() -> None:
    machine = replace(TWO_PHASE_COMMIT, clock="decision")
    assert size(Search(machine, managers(5), [consistent]).run()) == PINS[5]


def test_a_step_that_leaves_a_domain_is_an_error_and_not_another_state() -> None:
    machine = DESIGNS["0.2.0"].without("C7")
    with pytest.raises(SpecificationError, match="outside of its sort's domain"):
        check(machine, machine.instance("tiny"), machine.properties)


@pytest.mark.parametrize("other", [0, 1])
def test_a_constant_outside_of_its_domain_is_an_error_where_it_is_written(other: int) -> None:
    @action
    def overflow(s: TwoPhase, w: Nothing) -> None:
        when(s.said_commit == bool(other))
        s.decision = ite(s.said_abort, Decision.INIT, 7)  # type: ignore[assignment]

    machine = replace(TWO_PHASE_COMMIT, actions=(*TWO_PHASE_COMMIT.actions, overflow))
    with pytest.raises(SpecificationError, match="outside of its sort's domain"):
        Search(machine, managers(3), [consistent]).run()


def test_a_constant_outside_of_its_domain_that_no_step_writes_is_none() -> None:
    @action
    def never(s: TwoPhase, w: Nothing) -> None:
        when(all_of(s.decision == Decision.COMMITTED, s.said_abort))
        s.decision = 7  # type: ignore[assignment]

    machine = replace(TWO_PHASE_COMMIT, actions=(*TWO_PHASE_COMMIT.actions, never))
    assert size(Search(machine, managers(3), [consistent]).run()) == PINS[3]


def test_packing_is_undone_by_unpacking_with_tables_and_without() -> None:
    machine = DESIGNS["0.1.0"]
    instance = machine.instance("tiny")
    oracle = Oracle(machine, instance)
    states: set[Valuation] = {oracle.initial()}
    for _ in range(4):
        states |= {step.state for state in states for step in oracle.steps(state)}
    for tables in (0, 1, None):
        layout = Layout(narrowed(machine, instance), tables)
        assert all(layout.unpack(layout.clock_of(state), layout.pack(state)) == state for state in states)
