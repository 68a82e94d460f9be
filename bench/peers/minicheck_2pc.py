"""Two-phase commit for minicheck: `python minicheck_2pc.py MANAGERS` prints what it counts, as JSON.

The same machine as `tests/two_phase_commit.py`, step for step. A state is a tuple, as minicheck wants it, with a bit
for each manager in `heard` and `said`; one function makes all successors, which is minicheck's direct form of a model.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from typing import Any

from minicheck import Protocol, check_safety

WORKING, PREPARED, COMMITTED, ABORTED = range(4)  # a manager
UNDECIDED, COMMIT, ABORT = range(3)  # the transaction manager
FIELDS = ("managers", "decision", "heard", "said", "said_commit", "said_abort")

State = tuple[tuple[int, ...], int, int, int, bool, bool]


def two_phase_commit(n: int) -> Protocol:
    everybody = (1 << n) - 1

    def transitions(state: State) -> list[tuple[str, State]]:
        managers, decision, heard, said, said_commit, said_abort = state
        after: list[tuple[str, State]] = []

        def turned(manager: int, phase: int) -> tuple[int, ...]:
            return (*managers[:manager], phase, *managers[manager + 1 :])

        if decision == UNDECIDED:
            if heard == everybody:
                after.append(("commit", (managers, COMMIT, heard, said, True, said_abort)))
            after.append(("abort", (managers, ABORT, heard, said, said_commit, True)))
        for rm, phase in enumerate(managers):
            bit = 1 << rm
            if decision == UNDECIDED and said & bit:
                after.append(("hear_prepared", (managers, decision, heard | bit, said, said_commit, said_abort)))
            if phase == WORKING:
                after.append(("prepare", (turned(rm, PREPARED), decision, heard, said | bit, said_commit, said_abort)))
                after.append(("choose_to_abort", (turned(rm, ABORTED), decision, heard, said, said_commit, said_abort)))
            if said_commit:
                after.append(("hear_commit", (turned(rm, COMMITTED), decision, heard, said, said_commit, said_abort)))
            if said_abort:
                after.append(("hear_abort", (turned(rm, ABORTED), decision, heard, said, said_commit, said_abort)))
        return after

    def consistent(state: dict[str, Any]) -> bool:
        return not (COMMITTED in state["managers"] and ABORTED in state["managers"])

    return Protocol(
        name="two-phase commit",
        candidate=False,
        fields=FIELDS,
        initial=((WORKING,) * n, UNDECIDED, 0, 0, False, False),
        transitions=transitions,
        invariants={"CONSISTENT": consistent},
    )


def main(managers: str) -> None:
    started = time.perf_counter()
    result = check_safety(two_phase_commit(int(managers)), max_states=sys.maxsize)
    seconds = time.perf_counter() - started
    if not result["exhaustive"]:
        sys.exit(result["incomplete_reason"])
    found = [name for name, verdict in result["properties"].items() if not verdict["holds"]]
    size = {"states": result["reachable_states"]}
    print(json.dumps(size | {"found": found, "seconds": seconds, "python": platform.python_version()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
