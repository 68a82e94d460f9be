"""Two-phase commit for musil: `python musil_2pc.py MANAGERS` prints what it counts, as JSON.

The same machine as `tests/two_phase_commit.py`, step for step. musil takes any hashable value for a state; this is a
NamedTuple rather than a frozen dataclass, since it is copied and hashed with less work. `heard` and `said` have a bit
for each manager. A state without successors is no error here.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from musil import Action, Model, check

WORKING, PREPARED, COMMITTED, ABORTED = range(4)  # a manager
UNDECIDED, COMMIT, ABORT = range(3)  # the transaction manager


class State(NamedTuple):
    managers: tuple[int, ...]
    decision: int = UNDECIDED
    heard: int = 0
    said: int = 0
    said_commit: bool = False
    said_abort: bool = False


def turned(state: State, manager: int, phase: int) -> tuple[int, ...]:
    return (*state.managers[:manager], phase, *state.managers[manager + 1 :])


def deciding(n: int) -> Iterator[Action[State]]:
    """What the transaction manager does of its own."""
    everybody = (1 << n) - 1
    yield Action(
        "commit",
        lambda s: s.decision == UNDECIDED and s.heard == everybody,
        lambda s: s._replace(decision=COMMIT, said_commit=True),
    )
    yield Action(
        "abort",
        lambda s: s.decision == UNDECIDED,
        lambda s: s._replace(decision=ABORT, said_abort=True),
    )


def about(rm: int) -> Iterator[Action[State]]:
    """What one manager does, and what is heard of it."""
    bit = 1 << rm
    yield Action(
        f"hear_prepared {rm}",
        lambda s: s.decision == UNDECIDED and bool(s.said & bit),
        lambda s: s._replace(heard=s.heard | bit),
    )
    yield Action(
        f"prepare {rm}",
        lambda s: s.managers[rm] == WORKING,
        lambda s: s._replace(managers=turned(s, rm, PREPARED), said=s.said | bit),
    )
    yield Action(
        f"choose_to_abort {rm}",
        lambda s: s.managers[rm] == WORKING,
        lambda s: s._replace(managers=turned(s, rm, ABORTED)),
    )
    yield Action(
        f"hear_commit {rm}",
        lambda s: s.said_commit,
        lambda s: s._replace(managers=turned(s, rm, COMMITTED)),
    )
    yield Action(
        f"hear_abort {rm}",
        lambda s: s.said_abort,
        lambda s: s._replace(managers=turned(s, rm, ABORTED)),
    )


def two_phase_commit(n: int) -> Model[State]:
    return Model(
        init=[State((WORKING,) * n)],  # in a list, since musil takes a bare tuple for several initial states
        actions=[*deciding(n), *(action for rm in range(n) for action in about(rm))],
        invariants={"CONSISTENT": lambda s: not (COMMITTED in s.managers and ABORTED in s.managers)},
        terminal=lambda _: True,
    )


def main(managers: str) -> None:
    started = time.perf_counter()
    result = check(two_phase_commit(int(managers)), max_states=sys.maxsize)
    seconds = time.perf_counter() - started
    if result.truncated:
        sys.exit("musil did not explore to the end")
    found = [result.invariant] if result.invariant else []
    size = {"states": result.states_explored}
    print(json.dumps(size | {"found": found, "seconds": seconds, "python": platform.python_version()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
