"""What a child process does: `python -m bench.conforming rate DESIGN` executes every transition of `tiny` on the
contract; `python -m bench.conforming find MUTANT` looks for a divergence of a mutant in 0.2.0. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time

from bench.measuring import Row
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS
from coordination.conform.exhaustive import conform
from coordination.conform.rollup.adapter import RollupAdapter
from coordination_spec import DESIGNS
from tests.mutants.compiling import compiled
from tests.mutants.judging import INSTANCE, Judge, Outcome, fuzz
from tests.mutants.mutant import all_mutants


def rate(design: str) -> Row:
    """Each transition once for each state of the specification; `seconds` is execution with comparison."""
    machine = DESIGNS[design]
    done = conform(machine, machine.instance(INSTANCE), shipped(ROLLUPS[design]), RollupAdapter)
    if done.divergences or done.transitions != done.planned:
        sys.exit(f"{done.transitions} of {done.planned} transitions executed, {len(done.divergences)} divergences")
    return {
        "calls": done.transitions,
        "seconds": done.seconds,
        "calls/s": done.transitions / done.seconds,
        "accepted": done.accepted.total() / done.transitions,
    }


def find(mutant: str) -> Row:
    """As `make mutants` does it; `seconds` is from reading the specification to the first divergence."""
    (chosen,) = (each for each in all_mutants() if each.id == mutant)
    (code,) = compiled([chosen], "0.2.0")
    assert code is not None
    started = time.perf_counter()
    verdict = Judge("0.2.0")(code)
    if verdict.outcome is Outcome.SURVIVED:
        verdict = fuzz("0.2.0", code)
    return {"seconds": time.perf_counter() - started, "found": verdict.check or ""}


if __name__ == "__main__":
    print(json.dumps({"rate": rate, "find": find}[sys.argv[1]](sys.argv[2])))
