"""Wrong contracts: whether conformance and Foundry's invariant fuzzing find what is wrong, and how soon."""

from __future__ import annotations

from collections.abc import Sequence

from bench.comparison import Comparison
from bench.measuring import Command, Failed, Row, Say, conforming, measure_found
from bench.peers.foundry import foundry
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS
from tests.mutants.compiling import compiled
from tests.mutants.mutant import Mutant, all_mutants

DESIGN = "0.2.0"
BUGS = 16
SECONDS = 60  # how long each may look for one
NOTES = (
    f"The bugs are those of the mutants of {DESIGN} (docs/mutants.md) that stand at equal distances in the list, each "
    "moved on to the next that compiles to other bytecode. Whether anything finds them was not asked before.",
    "'After' is the search alone, in seconds: compiling contracts counts for nobody, reading the specification and "
    "making kernels counts for conformance. Foundry's seed is fixed, and what it finds is not shrunk.",
    "What conformance names is the check that saw the difference, what Foundry names is the property that broke: those "
    "of the specification as far as a contract can show them, and that what should be accepted is. They had to be "
    "written again in Solidity. How a refusal is called, what an event says, a view tells, a constructor refuses, is "
    "not among them, though it could be written too.",
)


def compare(say: Say) -> Comparison:
    comparison = Comparison(f"Bugs in the contract of {DESIGN}", NOTES)
    say(f"choosing {BUGS} bugs")
    for mutant in choose(BUGS):
        commands = {
            "conformance": conforming("find", mutant.id),
            "Foundry": foundry(SECONDS, mutant.id),
        }
        row: Row = {"bug": mutant.id, "wall": 0.0, "cpu": 0.0}
        for who, command in commands.items():
            say(f"{who}: {mutant.id}")
            row = _add(comparison, row, who, command)
        comparison.rows.append(row)
    for who in ("conformance", "Foundry"):
        found = sum(row.get(who, "") not in ("", "nothing") for row in comparison.rows)
        comparison.facts.append(f"{who} finds {found} of {BUGS} bugs within {SECONDS} s each")
    return comparison


def _add(comparison: Comparison, row: Row, who: str, command: Command) -> Row:
    try:
        found = measure_found(command)
    except Failed as failed:
        comparison.errors.append(f"{who}, {row['bug']}: {failed}")
        return row
    spent = {key: row[key] + found[key] for key in ("wall", "cpu")}
    return row | spent | {who: found["found"] or "nothing", f"{who} after": found["seconds"]}


def choose(number: int) -> Sequence[Mutant]:
    """Mutants at equal distances in the list of all of a design, each moved on to one that is another contract."""
    mutants = [mutant for mutant in all_mutants() if DESIGN in mutant.designs]
    contract = shipped(ROLLUPS[DESIGN]).bytecode
    chosen = [each * len(mutants) // number for each in range(number)]
    unfit = [*range(number)]
    while unfit:
        codes = compiled([mutants[chosen[each]] for each in unfit], DESIGN)
        unfit = [each for each, code in zip(unfit, codes, strict=True) if code in (None, contract)]
        for each in unfit:
            chosen[each] += 1
    return [mutants[each] for each in chosen]
