"""Verdicts as a machine reads them, and as a person does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from coordination.machine.machine import Machine
from coordination.machine.trace import Trace
from coordination.machine.verdict import Status, Verdict
from coordination.report.itf import to_itf

STYLES = {Status.HOLDS: "green", Status.VIOLATED: "red", Status.UNKNOWN: "yellow"}


def to_json(verdict: Verdict, machine: Machine) -> dict[str, Any]:
    """One verdict as a JSON object. All but `seconds` is the same in every run."""

    def trace(found: Trace | None) -> dict[str, Any] | None:
        return to_itf(found, machine) if found else None

    return {
        "machine": verdict.machine,
        "design": verdict.design,
        "instance": verdict.instance,
        "property": verdict.property,
        "method": verdict.method,
        "status": verdict.status.value,
        "expected": verdict.expected,
        "reason": verdict.reason,
        "states": verdict.states,
        "transitions": verdict.transitions,
        "depth": verdict.depth,
        "seconds": round(verdict.seconds, 3),
        "trace": trace(verdict.trace),
        "routes": {name: trace(found) for name, found in verdict.routes},
    }


def to_table(verdicts: Sequence[Verdict], proofs: Mapping[str, str]) -> Table:
    """The verdicts of one run, one a row; 90 columns wide. `proofs` tells for which sizes each property is proved."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("property", "verdict", *(["proved"] if proofs else []), "explored"):
        table.add_column(column, no_wrap=True)
    for column in ("states", "depth", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    for verdict in verdicts:
        table.add_row(
            verdict.property,
            Text(show_status(verdict), style=STYLES[verdict.status] if verdict.expected else "bold red"),
            *([proofs.get(verdict.property, "")] if proofs else []),
            show_method(verdict),
            f"{verdict.states:,}",
            str(verdict.depth),
            f"{verdict.seconds:.1f} s",
        )
    return table


def show_status(verdict: Verdict) -> str:
    if verdict.status is Status.VIOLATED:
        return "VIOLATED, expected" if verdict.expected else "VIOLATED"
    if verdict.status is Status.HOLDS and not verdict.expected:
        return "HOLDS, unexpected"
    return verdict.status.value


def show_method(verdict: Verdict) -> str:
    if verdict.trace is not None:
        return f"by {count(len(verdict.trace.steps), 'step')}"
    return verdict.method if verdict.status is Status.HOLDS else "cut short"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
