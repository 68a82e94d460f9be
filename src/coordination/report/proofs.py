"""Proofs as a machine reads them, and as a person does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from rich.table import Table
from rich.text import Text

from coordination.machine.verdict import Verdict
from coordination.prove.check import PROVED, UNPROVED, Proved
from coordination.prove.deciding.induction import Result, Standing
from coordination.prove.deciding.recheck import Rechecked
from coordination.report.verdicts import STYLES, count, show_status, to_json

RESULTS = {Standing.PROVED: "green", Standing.UNCHANGED: "", Standing.REFUTED: "red", Standing.UNKNOWN: "yellow"}


def proof_to_json(proved: Proved, rechecked: Rechecked | None = None) -> list[dict[str, Any]]:
    """The verdicts, as those of exploration, each with its `conditions` and `assumptions`.

    The conditions are the property's own and those of the lemmas that it uses. All but the seconds is the same in every
    run with the same seed.
    """
    return [
        {
            **to_json(verdict, proved.machine),
            "conditions": [_condition_to_json(result, rechecked) for result in proved.results(verdict.property)],
            "assumptions": proved.assumptions[verdict.property],
        }
        for verdict in proved.verdicts
    ]


def _condition_to_json(result: Result, rechecked: Rechecked | None) -> dict[str, Any]:
    answer = rechecked.answers.get(result.digest) if rechecked else None
    return {
        "property": result.condition.property,
        "step": result.condition.step,
        "result": result.standing.value,
        "reason": result.reason,
        "uses": sorted(result.using),
        "digest": result.digest,
        "seconds": round(result.seconds, 3),
        "recheck": answer.outcome.value if answer else None,
    }


def to_conditions_table(proved: Proved) -> Table:
    """Every condition that had to be decided, one a row, 100 columns wide: which step could break which property."""
    table = _table("property", "step", "result")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("uses, of the state before")
    for prop in proved.induction.conditions.properties:
        for result in proved.induction.of(prop):
            if result.standing is not Standing.UNCHANGED:
                table.add_row(
                    prop.name,
                    result.condition.step,
                    Text(result.standing.value, style=RESULTS[result.standing]),
                    _time(result.seconds),
                    _uses(result, prop.name),
                )
    return table


def _uses(result: Result, own: str) -> str:
    return ", ".join("itself" if name == own else name for name in sorted(result.using))


def to_proofs_table(proved: Proved) -> Table:
    """The verdicts, one a row, 90 columns wide: given which `assumptions`, after how many conditions."""
    table = _table("property", "verdict", "how", "given")
    for column in ("asked", "lemmas", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    numbers = {sentence: str(number) for number, sentence in enumerate(assumptions(proved), start=1)}
    by_name = {prop.name: prop for prop in proved.induction.conditions.properties}
    for verdict in proved.verdicts:
        prop = by_name.get(verdict.property)
        own = [] if prop is None else proved.induction.of(prop)
        table.add_row(
            verdict.property,
            Text(show_status(verdict), style=STYLES[verdict.status] if verdict.expected else "bold red"),
            _how(verdict),
            " ".join(numbers[sentence] for sentence in proved.assumptions[verdict.property]),
            str(sum(result.standing is not Standing.UNCHANGED for result in own)),
            str(len(proved.induction.support(prop)) if prop else 0),
            _time(verdict.seconds),
        )
    return table


def assumptions(proved: Proved) -> Sequence[str]:
    """Everything that some proof rests on, once."""
    return list(dict.fromkeys(chain.from_iterable(proved.assumptions.values())))


def _how(verdict: Verdict) -> str:
    if verdict.trace is not None:
        return f"by {count(len(verdict.trace.steps), 'step')}"
    return verdict.method if verdict.method in (PROVED, UNPROVED) else f"{verdict.method} in {verdict.instance}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
