"""Do proofs depend on luck? Every condition of both designs under ten seeds: `python -m tests.prove.seeds`, a minute.

A solver decides by random choices; a proof that only some of them find would be lost with its next version.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Induction, Prover
from coordination.prove.deciding.solvers import Z3, Cvc5, Solver
from coordination_spec import DESIGNS

SEEDS = range(10)


def verdicts(design: str, solver: Solver, seed: int) -> Iterator[str]:
    """What is not proved of all that is claimed, and is not expected to be violated."""
    machine = DESIGNS[design]
    conditions = Conditions(machine, [prop for prop in machine.properties if prop.name not in machine.expected])
    induction: Induction = Prover(solver, seed=seed).prove(conditions, lambda *_: None, lambda _: None)
    return (prop.name for prop in conditions.properties if not induction.holds(prop))


def main() -> int:
    lost = 0
    for design in DESIGNS:
        for solver in (Z3(), Cvc5()):
            for seed in SEEDS:
                unproved = list(verdicts(design, solver, seed))
                lost += len(unproved)
                print(f"{design}, {solver.name}, seed {seed}: {', '.join(unproved) or 'all proved'}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
