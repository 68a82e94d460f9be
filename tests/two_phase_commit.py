"""Gray and Lamport's two-phase commit: the calibration fixture, and a second machine for every generic room.

After "Consensus on Transaction Commit" (2006) and its TLA+ module TwoPhase: n resource managers, one transaction
manager, and a set of messages that only grows. The pinned counts are those of TLC, which counts the initial state
among the states that it generates: one more than there are transitions. With its lemmas it is proved consistent for any
number of managers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NewType

from coordination.machine import (
    Instance,
    Machine,
    Map,
    Pin,
    State,
    Unbounded,
    action,
    all_of,
    any_of,
    exists,
    forall,
    implies,
    invariant,
    negate,
    same,
    situation,
    when,
)

Manager = NewType("Manager", int)


class Phase(IntEnum):
    WORKING = 0
    PREPARED = 1
    COMMITTED = 2
    ABORTED = 3


class Decision(IntEnum):
    INIT = 0
    COMMITTED = 1
    ABORTED = 2


class TwoPhase(State):
    manager: Map[Manager, Phase]
    decision: Decision
    heard: Map[Manager, bool]  # the transaction manager knows that this one is prepared
    said_prepared: Map[Manager, bool]
    said_commit: bool
    said_abort: bool


@dataclass(frozen=True)
class Nothing:
    """Two-phase commit has no constants besides its number of managers."""


@action
def hear_prepared(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """The transaction manager receives a manager's Prepared message."""
    when(s.decision == Decision.INIT)
    when(s.said_prepared[rm])
    s.heard[rm] = True


@action
def commit(s: TwoPhase, w: Nothing) -> None:
    """The transaction manager commits."""
    when(s.decision == Decision.INIT)
    when(forall(Manager, lambda rm: s.heard[rm]))
    s.decision = Decision.COMMITTED
    s.said_commit = True


@action
def abort(s: TwoPhase, w: Nothing) -> None:
    """The transaction manager aborts of its own accord."""
    when(s.decision == Decision.INIT)
    s.decision = Decision.ABORTED
    s.said_abort = True


@action
def prepare(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """A manager prepares and says so."""
    when(s.manager[rm] == Phase.WORKING)
    s.manager[rm] = Phase.PREPARED
    s.said_prepared[rm] = True


@action
def choose_to_abort(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """A working manager aborts of its own accord."""
    when(s.manager[rm] == Phase.WORKING)
    s.manager[rm] = Phase.ABORTED


@action
def hear_commit(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """A manager obeys Commit."""
    when(s.said_commit)
    s.manager[rm] = Phase.COMMITTED


@action
def hear_abort(s: TwoPhase, w: Nothing, rm: Manager) -> None:
    """A manager obeys Abort."""
    when(s.said_abort)
    s.manager[rm] = Phase.ABORTED


@invariant(source="Gray and Lamport 2006, TCConsistent")
def consistent(s: TwoPhase, w: Nothing) -> bool:
    """No manager commits while another aborts."""
    some_committed = exists(Manager, lambda rm: s.manager[rm] == Phase.COMMITTED)
    some_aborted = exists(Manager, lambda rm: s.manager[rm] == Phase.ABORTED)
    return negate(all_of(some_committed, some_aborted))


@invariant()
def nobody_aborts_alone(s: TwoPhase, w: Nothing) -> bool:
    """A manager aborts only once the transaction manager has: false, and there to be violated."""
    return forall(Manager, lambda rm: any_of(s.manager[rm] != Phase.ABORTED, s.said_abort))


@situation
def everybody_committed(s: TwoPhase, w: Nothing) -> bool:
    """All managers have committed."""
    return forall(Manager, lambda rm: s.manager[rm] == Phase.COMMITTED)


@invariant()
def decisions_are_said(s: TwoPhase, w: Nothing) -> bool:
    """The transaction manager says what it has decided, and nothing else."""
    return all_of(
        same(s.said_commit, s.decision == Decision.COMMITTED),
        same(s.said_abort, s.decision == Decision.ABORTED),
    )


@invariant()
def only_what_is_said_is_heard(s: TwoPhase, w: Nothing) -> bool:
    """The transaction manager takes nobody for prepared that has not said so."""
    return forall(Manager, lambda rm: implies(s.heard[rm], s.said_prepared[rm]))


@invariant()
def commit_waits_for_all(s: TwoPhase, w: Nothing) -> bool:
    """Commit is said only once every manager is heard."""
    return implies(s.said_commit, forall(Manager, lambda rm: s.heard[rm]))


@invariant()
def nobody_commits_untold(s: TwoPhase, w: Nothing) -> bool:
    """A manager commits only once Commit is said."""
    return forall(Manager, lambda rm: implies(s.manager[rm] == Phase.COMMITTED, s.said_commit))


@invariant()
def prepared_is_a_promise(s: TwoPhase, w: Nothing) -> bool:
    """A manager that has said Prepared is at work no more, and aborts only once Abort is said."""

    def is_kept(rm: Manager) -> bool:
        return all_of(s.manager[rm] != Phase.WORKING, implies(s.manager[rm] == Phase.ABORTED, s.said_abort))

    return forall(Manager, lambda rm: implies(s.said_prepared[rm], is_kept(rm)))


LEMMAS = (
    decisions_are_said,
    only_what_is_said_is_heard,
    commit_waits_for_all,
    nobody_commits_untold,
    prepared_is_a_promise,
)


ANY_NUMBER = Unbounded(
    about="any number of resource managers",
    domains={Manager: range(1 << 256)},
    counted=(Manager,),
    constants=Nothing,
    given={},
    assumptions=(),
    varied=(),
    initial=lambda s, w: True,
    lemmas=LEMMAS,
    scratch="3",
)

PINS = {
    3: Pin(288, 1_145, 11),
    5: Pin(8_832, 58_145, 17),
    6: Pin(50_816, 402_305, 20),
    7: Pin(296_448, 2_744_705, 23),
    8: Pin(1_745_408, 18_507_777, 26),
    9: Pin(10_340_352, 123_558_401, 29),
}


def managers(n: int, *, interchangeable: bool = False) -> Instance:
    """The instance with `n` resource managers, taken up to renaming them if they are `interchangeable`."""
    return Instance(
        name=str(n) + (" up to renaming" if interchangeable else ""),
        about=f"{n} resource managers",
        constants=Nothing(),
        domains={Manager: range(n)},
        interchangeable=(Manager, tuple(range(n))) if interchangeable else None,
    )


TWO_PHASE_COMMIT = Machine(
    name="two-phase commit",
    state=TwoPhase,
    actions=(hear_prepared, commit, abort, prepare, choose_to_abort, hear_commit, hear_abort),
    properties=(consistent,),
    instances={str(n): managers(n) for n in PINS},
    pins={str(n): pin for n, pin in PINS.items()},
    unbounded=ANY_NUMBER,
)
