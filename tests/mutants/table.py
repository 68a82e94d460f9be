"""What became of the mutants, operator by operator, as text for `docs/mutants.md`: the same mutants, the same bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.mutants.judging import Check, Outcome, Verdict
from tests.mutants.mutant import Mutant
from tests.mutants.operators import TABLE
from tests.mutants.survivors import Explanation

UNCOUNTED = (Outcome.DOES_NOT_COMPILE, Outcome.SAME, Outcome.REPEATED)
COLUMNS = ("made", *UNCOUNTED, "wrong contracts", Outcome.KILLED, Outcome.SURVIVED)

ABOUT = """\
# Wrong contracts, and whether conformance sees it

`make mutants` writes this page. Each *operator* makes one small, regular change wherever it can to the text of the
three contracts in `contracts/src/`. What does not compile, compiles to the bytecode of the contract itself, or to that
of an earlier mutant that was killed, is counted apart. Each of the others is a wrong contract, which conformance must
tell from the right one: it is *killed* by the first check in which it does anything else than the specification.

1. *parameters*: the constructor refuses the durations that the specification refuses, and no others; the contract tells
   its slot whatever its clock was set to.
2. *deployment*: after its deployment the contract holds what it should.
3. *exhaustive*: every transition of two instances, `tiny` and `edges` (`tests/mutants/edges.py`), in all forms of its
   call.
4. *stateful*: long runs with numbers of any size, made by Hypothesis from a fixed seed.

A mutant of the base contract is in both designs, and is killed if conformance in either sees it. What survives is
explained in `tests/mutants/survivors.toml`; the run fails if a survivor is not, if one that is explained is killed, or
if less than {least} % are killed.
"""


def counts(mutants: Sequence[Mutant], verdicts: Mapping[str, Verdict]) -> Counter[str]:
    """By the names of COLUMNS."""
    found: Counter[str] = Counter(verdicts[mutant.id].outcome for mutant in mutants)
    wrong = found[Outcome.KILLED] + found[Outcome.SURVIVED]
    return found + Counter({"made": len(mutants), "wrong contracts": wrong})


def rows(mutants: Sequence[Mutant], verdicts: Mapping[str, Verdict]) -> Iterator[list[str]]:
    """The header, a row an operator, and the sums."""
    yield ["operator", *COLUMNS]
    for operator in TABLE:
        found = counts([mutant for mutant in mutants if mutant.operator == operator.name], verdicts)
        yield [operator.name, *(str(found[column] or "") for column in COLUMNS)]
    found = counts(mutants, verdicts)
    yield ["all", *(str(found[column]) for column in COLUMNS)]


def share(mutants: Sequence[Mutant], verdicts: Mapping[str, Verdict]) -> float:
    """The part of the wrong contracts that is killed, in percent."""
    found = counts(mutants, verdicts)
    return 100 * found[Outcome.KILLED] / found["wrong contracts"]


def page(
    mutants: Sequence[Mutant], verdicts: Mapping[str, Verdict], explained: Sequence[Explanation], least: int
) -> str:
    header, *body = rows(mutants, verdicts)
    by_check = Counter(verdict.check for verdict in verdicts.values())
    sections = [
        ABOUT.format(least=least),
        f"Killed: {share(mutants, verdicts):.1f} % "
        f"({', '.join(f'{by_check[check]} by {check}' for check in Check)}).\n",
        "\n".join(_lines([header, ["---"] + ["---:"] * len(COLUMNS), *body])) + "\n",
        "## The operators\n",
        "\n".join(f"- **{operator.name}**: {operator.sentence}" for operator in TABLE) + "\n",
        "## What survives\n",
        "\n\n".join(map(_explanation, explained)) + "\n",
        "## Every mutant\n\nLines are those of the contract as it was when this was written; `…` stands for what is "
        "as it was.\n",
        "\n".join(_lines(_all(mutants, verdicts))) + "\n",
    ]
    return "\n".join(sections)


def _explanation(explanation: Explanation) -> str:
    kind = "Equivalent" if explanation.is_equivalent else "Not seen"
    return "\n".join([f"{kind}: {explanation.why}\n", *(f"- `{identity}`" for identity in explanation.mutants)])


def _all(mutants: Sequence[Mutant], verdicts: Mapping[str, Verdict]) -> Iterator[list[str]]:
    yield ["mutant", "line", "before", "after", ""]
    yield ["---"] * 5
    for mutant in mutants:
        before, after = difference(mutant.before, mutant.after)
        verdict = verdicts[mutant.id]
        what = f"killed: {verdict.check}, {verdict.design}" if verdict.check else str(verdict.outcome)
        yield [f"`{mutant.id}`", str(mutant.line), _code(before), _code(after), what]


def _lines(table: Sequence[Sequence[str]] | Iterator[list[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in table)


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def difference(before: str, after: str) -> tuple[str, str]:
    """Both texts without the words that they begin and end with alike, but for one on each side."""
    sides = [re.findall(r"\w+|\s+|[^\w\s]+", text) for text in (before, after)]
    shortest = min(map(len, sides))
    start = next((at for at in range(shortest) if sides[0][at] != sides[1][at]), shortest)
    rest = shortest - start
    end = next((at for at in range(rest) if sides[0][-1 - at] != sides[1][-1 - at]), rest)
    return tuple(_shortened(side, max(start - 2, 0), max(end - 2, 0)) for side in sides)  # type: ignore[return-value]


def _shortened(words: list[str], start: int, end: int) -> str:
    text = "".join(words[start : len(words) - end]).replace("\n", " ").strip()
    return f"{'… ' if start else ''}{text}{' …' if end else ''}" if text else ""
