"""All mutants, in an order that does not change: operator by operator, file by file, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tests.mutants.operators import TABLE
from tests.mutants.rewriting import Change
from tests.mutants.statements import Source, read

DESIGNS = {
    "src/ProverCoordination.sol": ("0.1.0", "0.2.0"),  # 0.1.0 first: it compiles in less time
    "src/SeedProverCoordination.sol": ("0.1.0",),
    "src/HardenedProverCoordination.sol": ("0.2.0",),
}


@dataclass(frozen=True)
class Mutant:
    """One wrong contract: `text` stands for `file`. `before` and `after` are the statements changed, a line each.

    `id` says operator, contract, function, and the how-manieth there: a line more elsewhere changes no id.
    """

    id: str
    operator: str
    file: str
    line: int
    before: str
    after: str
    text: str

    @property
    def designs(self) -> tuple[str, ...]:
        """The designs that have this file in them."""
        return DESIGNS[self.file]


def all_mutants() -> Sequence[Mutant]:
    """What every operator makes of every file; of two that come out the same, the first."""
    mutants: dict[str, Mutant] = {}
    for mutant in _made():
        mutants.setdefault(mutant.file + mutant.text, mutant)
    return tuple(mutants.values())


def _made() -> Iterator[Mutant]:
    for operator in TABLE:
        for source in map(read, DESIGNS):
            numbers: Counter[str] = Counter()
            for change in operator.changes(source):
                statement = next(iter(change))
                place = f"{PurePath(source.name).stem}.{statement.function or 'constants'}"
                numbers[place] += 1
                yield _mutant(f"{operator.name}/{place}/{numbers[place]}", operator.name, source, change)


def _mutant(identity: str, operator: str, source: Source, change: Change) -> Mutant:
    line = min(statement.line for statement in change)
    before = "\n".join(statement.text for statement in change)
    after = "\n".join(change.values())
    return Mutant(identity, operator, source.name, line, before, after, source.with_texts(change))
