"""Make and judge all mutants, write `docs/mutants.md`. Exits with 1 if too few are killed, or one is unexplained."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from tests.mutants.judging import judge
from tests.mutants.mutant import all_mutants
from tests.mutants.statements import CONTRACTS
from tests.mutants.survivors import disagreements, explanations
from tests.mutants.table import page, rows, share

PAGE = CONTRACTS.parent / "docs" / "mutants.md"
LEAST = 95  # percent
WIDTH = 110  # of the table


def main() -> int:
    mutants, explained, err = all_mutants(), explanations(), Console(stderr=True, highlight=False)
    with err.status("") as status:
        verdicts = judge(mutants, status.update)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(mutants, verdicts, explained, LEAST), encoding="utf-8")
    header, *body = rows(mutants, verdicts)
    table = Table()
    for title in header:
        table.add_column(title.replace(" ", "\n"), justify="left" if title == "operator" else "right", no_wrap=True)
    for row in body:
        table.add_row(*row, end_section=row is body[-2])
    Console(highlight=False, width=WIDTH).print(table)
    killed = share(mutants, verdicts)
    where = PAGE.relative_to(CONTRACTS.parent)
    print(f"killed: {killed:.1f} %, at least {LEAST} % wanted; {where} lists and explains them all")
    wrong = [*disagreements(verdicts, explained), *([f"only {killed:.1f} % are killed"] if killed < LEAST else [])]
    for each in wrong:
        err.print(f"error: {each}", style="red", markup=False, soft_wrap=True)
    return int(bool(wrong))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
