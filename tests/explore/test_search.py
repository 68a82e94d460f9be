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
from coordination.machine import (
    Instance,
    Machine,
    Pin,
    Property,
    SpecificationError,
    action,
    all_of,
    any_of,
    exists,
    ite,
    negate,
    same,
    step_property,
    when,
)
from coordination.machine.action import Arguments
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.trace import Trace, Valuation
from coordination.machine.verdict import Exit, Status, exit_code
from coordination_spec import DESIGNS
from coordination_spec.properties import SAFETY
from coordination_spec.state import Coordination
from coordination_spec.words import Account, BasisPoints, Epoch, Quote
from coordination_spec.world import World
from tests.abacus import ABACUS, INSTANCE
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
    assert other.found == plain.found


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
    whole = check(machine, TINY, machine.properties)
    monkeypatch.setattr(search_module, "CHUNK", 100)
    monkeypatch.setattr(search_module._Pending, "FLUSH", 50)
    small = check(machine, TINY, machine.properties)
    assert (small.size, small.tally) == (whole.size, whole.tally)
    assert [verdict.trace for verdict in small.verdicts] == [verdict.trace for verdict in whole.verdicts]


def test_two_runs_find_the_same_traces() -> None:
    machine = DESIGNS["0.1.0"]
    first, second = (check(machine, TINY, machine.properties) for _ in range(2))
    assert [replace(v, seconds=0.0) for v in first.verdicts] == [replace(v, seconds=0.0) for v in second.verdicts]


def _trace(machine: Machine, instance: Instance, prop: Property) -> Trace | None:
    search = Search(machine, instance, [prop])
    return shortest_trace(search, search.run(until_decided=True), prop)


@step_property()
def nothing_but_bids(before: Coordination, after: Coordination, w: World) -> bool:
    """A quote is made, or time passes: false of a rejected call too, but that is no step that changes something."""

    def is_made(prover: Account, epoch: Epoch, fee: BasisPoints) -> bool:
        return negate(same(before.made[Quote(prover, epoch, fee)], after.made[Quote(prover, epoch, fee)]))

    return any_of(before.now != after.now, exists((Account, Epoch, BasisPoints), is_made))


WITHOUT_C2 = DESIGNS["0.2.0"].without("C2")
CASES = [
    *((TWO_PHASE_COMMIT, managers(3), prop) for prop in (nobody_aborts_alone, everybody_committed)),
    *((DESIGNS["0.1.0"], TINY, route) for route in DESIGNS["0.1.0"].expected["SIGNATURE_BINDING"].routes),
    *((WITHOUT_C2, WITHOUT_C2.instance("tiny"), prop) for prop in SAFETY if prop.name in ("FINALITY", "BOND_EXIT")),
    (DESIGNS["0.2.0"], DESIGNS["0.2.0"].instance("tiny"), nothing_but_bids),
    *((ABACUS, INSTANCE, prop) for prop in ABACUS.properties),
]


@pytest.mark.parametrize(("machine", "instance", "prop"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_a_trace_is_the_run_that_the_oracle_comes_upon_first(
    machine: Machine, instance: Instance, prop: Property
) -> None:
    trace = _trace(machine, instance, prop)
    assert trace is not None
    assert [(step.action, step.arguments) for step in trace.steps] == _first_run(Oracle(machine, instance), prop)


def _first_run(oracle: Oracle, prop: Property) -> list[tuple[str, Arguments]]:
    """The run that plain breadth-first search comes upon first: the first, in the order of steps, of the shortest."""
    runs: dict[Valuation, list[tuple[str, Arguments]]] = {oracle.initial(): []}
    for state in (frontier := [oracle.initial()]):
        if prop.kind is not Kind.STEP and oracle.holds(prop, state) is (prop.kind is Kind.SITUATION):
            return runs[state]
        for step in oracle.steps(state):
            run = [*runs[state], (step.action, step.arguments)]
            if prop.kind is Kind.STEP and step.state != state and not oracle.holds(prop, state, step.state):
                return run
            if step.state not in runs:
                runs[step.state] = run
                frontier.append(step.state)
    raise AssertionError(f"the oracle finds nothing of {prop.name}")


@pytest.mark.parametrize("tables", [1, None])
def test_a_trace_does_not_depend_on_how_states_are_packed(tables: int | None) -> None:
    machine = DESIGNS["0.1.0"]
    plain = check(machine, TINY, machine.properties)
    search = Search(machine, TINY, machine.properties)
    search._arrange(tables)
    exploration = search.run()
    assert {verdict.property for verdict in plain.verdicts if verdict.trace} == exploration.found.keys()
    for prop, verdict in zip(machine.properties, plain.verdicts, strict=True):
        assert shortest_trace(search, exploration, prop) == verdict.trace


def test_a_trace_is_the_same_however_much_else_is_judged() -> None:
    machine = DESIGNS["0.1.0"]
    for prop, verdict in zip(machine.properties, check(machine, TINY, machine.properties).verdicts, strict=True):
        if verdict.trace:
            assert _trace(machine, TINY, prop) == verdict.trace


def test_a_property_that_holds_has_no_trace() -> None:
    search = Search(TWO_PHASE_COMMIT, managers(3), [consistent])
    assert shortest_trace(search, search.run(), consistent) is None


def test_a_search_that_says_it_found_what_no_state_shows_is_told() -> None:
    search = Search(TWO_PHASE_COMMIT, managers(3), [consistent])
    wrong = replace(search.run(), found={consistent.name: 4})
    with pytest.raises(ReadingsDisagree, match="no state of a level"):
        shortest_trace(search, wrong, consistent)


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
