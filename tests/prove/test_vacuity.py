"""What never happens is reported: an action, a check that never rejects, a premise that never matters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest

from coordination.machine import (
    Machine,
    Property,
    action,
    all_of,
    any_of,
    attempt,
    exists,
    forall,
    implies,
    invariant,
    ite,
    negate,
    require,
    step_property,
    total,
    when,
)
from coordination.machine.action import Action
from coordination.machine.language import Finite
from coordination.prove.check import prove
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Induction, Prover
from coordination.prove.deciding.solvers import Z3, Answer, Outcome
from coordination.prove.reading.unbounded import Move
from coordination.prove.vacuity.never import NOT_SEEN, PROVED, Ending, IdlePremise, Never, Vacuity, find_vacuous
from coordination_spec import DESIGNS
from tests.two_phase_commit import TWO_PHASE_COMMIT, Decision, Manager, Nothing, Phase, TwoPhase, consistent

NOTHING = Vacuity((), ())


def found(machine: Machine, *properties: Property, planted: Callable[[Conditions], None] = lambda _: None) -> Vacuity:
    prover = Prover(Z3(), seconds=1.0)
    proved = prove(machine, properties, prover, lambda _: None)
    planted(proved.induction.conditions)
    return find_vacuous(machine, proved.induction, prover, lambda _: None)


def beside(*more: Action) -> Machine:
    """Two-phase commit with more actions."""
    return replace(TWO_PHASE_COMMIT, actions=(*TWO_PHASE_COMMIT.actions, *more))


def never(*more: Action, planted: Callable[[Conditions], None] = lambda _: None) -> list[tuple[str, str]]:
    """What never happens in two-phase commit with more actions, and how that is known."""
    return [(str(each.ending), each.how) for each in found(beside(*more), consistent, planted=planted).never]


def idle(*properties: Property) -> list[str]:
    """The premises that idle in properties of two-phase commit."""
    return [premise.text for premise in found(TWO_PHASE_COMMIT, *properties).premises]


# The machines that there are


@pytest.mark.parametrize("design", DESIGNS)
def test_only_the_evm_s_own_check_never_fails_in_the_protocol_and_that_is_proved(design: str) -> None:
    panic = Never(Ending("submit_epoch_proof", "EVM", "Panic"), PROVED)
    machine = DESIGNS[design]
    assert found(machine, *machine.properties) == Vacuity((panic,), ())


def test_the_evm_s_check_fails_once_the_rule_before_it_is_dropped() -> None:
    machine = DESIGNS["0.2.0"].without("C6")
    nothing_proved = Induction(Conditions(machine, []), {}, (), "nobody")
    assert find_vacuous(machine, nothing_proved, Prover(Z3()), lambda _: None) == NOTHING


def test_nothing_is_vacuous_in_two_phase_commit() -> None:
    assert found(TWO_PHASE_COMMIT, consistent) == NOTHING


# Actions and checks


@action
def hear_both(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """Its `when` contradicts a lemma; what it checks is never reached."""
    when(all_of(s.said_commit, s.said_abort))
    require("H", s.heard[rm], "NotHeard")
    s.manager[rm] = Phase.WORKING


def test_an_action_whose_condition_contradicts_an_invariant_never_happens() -> None:
    assert never(hear_both) == [("hear_both", PROVED), ("hear_both H NotHeard", PROVED)]


@action
def remind(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """Only the first check can fail: the second says what a lemma says, the third what the action begins with."""
    when(s.heard[rm])
    require("R1", s.decision == Decision.INIT, "Decided")
    require("R2", s.said_prepared[rm], "NotPrepared")
    require("R3", s.heard[rm], "NotHeard")
    require("R4", negate(s.said_commit), "Committed")
    s.said_prepared[rm] = True


def test_a_check_that_nothing_can_fail_is_told_from_one_that_something_does() -> None:
    assert never(remind) == [
        ("remind R2 NotPrepared", PROVED),
        ("remind R3 NotHeard", PROVED),
        ("remind R4 Committed", PROVED),
    ]


def test_a_dropped_rule_is_no_check() -> None:
    machine = beside(remind).without("R3")
    assert "R3" not in {each.ending.rule for each in found(machine, consistent).never}


def forget_conditions(conditions: Conditions) -> None:
    conditions.moves = [replace(move, when=()) for move in conditions.moves]


def forget_the_first_check(conditions: Conditions) -> None:
    def forgetful(move: Move) -> Move:
        return replace(move, checks=(*(replace(first, holds=True) for first in move.checks[:1]), *move.checks[1:]))

    conditions.moves = list(map(forgetful, conditions.moves))


def forget_what_is_proved(conditions: Conditions) -> None:
    conditions.known = lambda invariants: {}  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("bug", "lost"),
    [
        (forget_conditions, {"remind R2 NotPrepared", "remind R3 NotHeard"}),
        (forget_the_first_check, {"remind R4 Committed"}),
        (forget_what_is_proved, {"remind R2 NotPrepared", "remind R4 Committed"}),
    ],
)
def test_a_bug_that_forgets_what_comes_before_a_check_is_seen(
    bug: Callable[[Conditions], None], lost: set[str]
) -> None:
    assert {name for name, how in never(remind, planted=bug) if how == NOT_SEEN} == lost


@action
def greet(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """The check fails, but only for managers that no instance has."""
    require("G", rm < 1_000, "TooMany")


def test_what_only_larger_instances_show_is_not_called_impossible() -> None:
    assert never(greet) == [("greet G TooMany", NOT_SEEN)]


@action
def crowd(s: TwoPhase, w: Nothing) -> None:
    """Happens only where five managers were heard: the instance that is explored first has three."""
    when(total(Manager, lambda rm: ite(s.heard[rm], 1, 0)) == 5)
    s.decision = Decision.INIT


def test_what_another_small_instance_shows_happens() -> None:
    assert never(crowd) == []


def test_nothing_is_called_impossible_where_steps_may_leave_the_ranges() -> None:
    @action
    def overflow(s: TwoPhase, w: Nothing, rm: Manager) -> None:
        """Where the last manager there can be takes part, it writes of one more."""
        when(rm >= 1_000)
        s.heard[Manager(rm + 1)] = True

    assert {how for _, how in never(remind, overflow)} == {NOT_SEEN}


class GivesUp:
    """A solver that never decides."""

    name = "gives up"

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        return Answer(Outcome.UNKNOWN, seconds, reason="incomplete")


def test_what_the_solver_does_not_decide_is_not_called_impossible() -> None:
    machine = beside(hear_both)
    induction = prove(machine, [consistent], Prover(Z3()), lambda _: None).induction
    vacuous = find_vacuous(machine, induction, Prover(GivesUp()), lambda _: None)
    assert [each.how for each in vacuous.never] == [NOT_SEEN, NOT_SEEN]


# Premises


@invariant()
def nobody_is_of_two_minds(s: TwoPhase, w: Nothing) -> bool:
    """The first premise is impossible, the second is not."""
    return all_of(
        implies(all_of(s.said_commit, s.said_abort), s.decision == Decision.INIT),
        implies(s.said_abort, s.decision == Decision.ABORTED),
    )


def test_a_premise_that_is_never_true_is_reported_as_it_is_written_with_its_place() -> None:
    (premise,) = found(TWO_PHASE_COMMIT, nobody_is_of_two_minds).premises
    line = inspect.getsourcelines(nobody_is_of_two_minds.holds)[1] + 4
    assert premise == IdlePremise(
        "NOBODY_IS_OF_TWO_MINDS",
        f"test_vacuity.py:{line}, in nobody_is_of_two_minds",
        "all_of(s.said_commit, s.said_abort)",
    )


@step_property
def decided_once(before: TwoPhase, after: TwoPhase, w: Nothing) -> bool:
    """Of two premises on one line, one never comes true."""
    undone, made = after.decision == Decision.INIT, before.decision == Decision.INIT
    # fmt: off
    return all_of(implies(all_of(negate(made), undone), before.said_abort), implies(made, negate(before.said_commit)))
    # fmt: on


def test_two_premises_on_one_line_are_told_apart() -> None:
    assert idle(decided_once) == ["all_of(negate(made), undone)"]


@invariant()
def inner_premises(s: TwoPhase, w: Nothing) -> bool:
    """An inner premise that comes true, but never where the outer one does; and one that does both."""

    def is_sound(rm: Manager) -> bool:
        return all_of(
            implies(s.manager[rm] == Phase.WORKING, s.decision != Decision.COMMITTED),
            implies(s.heard[rm], s.said_prepared[rm]),
        )

    return implies(s.said_commit, forall(Manager, is_sound))


def test_a_premise_that_is_true_only_where_it_does_not_matter_is_idle() -> None:
    assert idle(inner_premises) == ["s.manager[rm] == Phase.WORKING"]


@invariant()
def premises_below_negations(s: TwoPhase, w: Nothing) -> bool:
    """The first matters: were nothing concluded from it, the property would fail. The second comes too late."""
    first = exists(Manager, lambda rm: negate(implies(s.heard[rm], s.said_prepared[rm])))
    second = exists(Manager, lambda rm: negate(implies(all_of(s.heard[rm], s.said_commit, s.said_abort), s.heard[rm])))
    return negate(any_of(first, second))


def test_a_premise_below_a_negation_is_judged_as_well() -> None:
    assert idle(premises_below_negations) == ["all_of(s.heard[rm], s.said_commit, s.said_abort)"]


@invariant()
def an_implication_as_a_premise(s: TwoPhase, w: Nothing) -> bool:
    """Where the outer premise is weakest, and not where it is strongest, the property fails."""
    return implies(implies(s.said_abort, s.said_commit), negate(s.said_abort))


def test_a_premise_inside_of_a_premise_is_judged_as_well() -> None:
    assert idle(an_implication_as_a_premise) == []


@invariant()
def five_are_too_many(s: TwoPhase, w: Nothing) -> bool:
    """The first premise needs five managers, the second a thousand."""
    heard = total(Manager, lambda rm: ite(s.heard[rm], 1, 0))
    return all_of(
        implies(heard >= 5, exists(Manager, lambda rm: s.said_prepared[rm])),
        implies(heard >= 1_000, exists(Manager, lambda rm: s.said_prepared[rm])),
    )


def test_a_premise_idles_only_if_it_does_in_every_instance_that_is_explored() -> None:
    assert idle(five_are_too_many) == ["heard >= 1000"]


def test_an_instance_beyond_the_limit_is_not_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordination.prove.vacuity.never.MOST_STATES", 8_000)  # less than five managers have
    assert idle(five_are_too_many) == ["heard >= 5", "heard >= 1000"]


@action
def announce(s: TwoPhase, w: Nothing) -> None:
    """A callee that says `implies` in its checks."""
    require("A", implies(all_of(s.said_commit, s.said_abort), s.heard[Manager(0)]), "TwoMinds")
    s.said_abort = s.said_abort


@invariant()
def announcements_are_accepted(s: TwoPhase, w: Nothing) -> bool:
    """A property that imagines a call."""
    accepted, _ = attempt(announce, s, w)
    return accepted


def test_a_premise_in_a_call_that_is_imagined_counts_too() -> None:
    machine = beside(announce)
    (premise,) = found(machine, announcements_are_accepted).premises
    assert premise.property == "ANNOUNCEMENTS_ARE_ACCEPTED"
    assert premise.where.endswith("in announce")


@invariant()
def nobody_ever_aborts(s: TwoPhase, w: Nothing) -> bool:
    """Violated, and so the one thing that it does not do is to hold by doing nothing."""
    return all_of(negate(s.said_abort), implies(all_of(s.said_commit, s.said_abort), s.decision == Decision.INIT))


def test_in_a_property_that_is_violated_no_premise_idles() -> None:
    assert idle(nobody_ever_aborts) == []


def test_a_property_without_source_is_reported_by_its_place() -> None:
    names = {"implies": implies, "all_of": all_of}
    holds = eval("lambda s, w: implies(all_of(s.said_commit, s.said_abort), s.said_commit)", names)
    (premise,) = found(TWO_PHASE_COMMIT, invariant(holds)).premises
    assert (premise.where, premise.text) == ("<string>:1, in <lambda>", "")


def test_a_reading_that_forgets_premises_finds_them_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug planted in the meaning of the word."""
    monkeypatch.setattr(Finite, "implies", lambda reading, premise, conclusion: True)
    assert "s.said_abort" in idle(nobody_is_of_two_minds)
