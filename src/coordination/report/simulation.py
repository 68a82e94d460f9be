"""What nodes did in a simulated world, and which faults would have been caught there: for people and machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from coordination.conform.node.moves import Failure
from coordination.conform.node.run import Caught, Ran
from coordination.conform.node.stateful import Tried
from coordination.report.verdicts import count


def simulated_to_json(ran: Ran, tried: Tried, caught: Sequence[Caught]) -> dict[str, Any]:
    """All that was run of one design. All but `seconds` is the same for the same seed."""
    return {
        "machine": ran.machine.name,
        "design": ran.machine.design,
        "seed": ran.seed,
        "planned": ran.planned,
        "slots": ran.slots,
        "moves": ran.moves,
        "steps": _sorted(ran.steps),
        "calls": _sorted(ran.calls),
        "effects": _sorted(ran.effects),
        "errors": _sorted(ran.errors),
        "events": _sorted(ran.counts),
        "slashed": ran.slashed,
        "judgements": ran.judgements,
        "random": {"runs": tried.runs, "moves": tried.made},
        "divergences": [_failure_to_json(each.failure) for each in (ran, tried) if each.failure],
        "faults": [
            {
                "rule": each.fault.rule,
                "fault": each.fault.about,
                "where": each.fault.where,
                "caught": each.divergence is not None,
                "seed": each.seed,
                "slots": each.slots,
                "by": None if each.divergence is None else str(each.divergence),
            }
            for each in caught
        ],
        "seconds": round(ran.seconds, 3),
    }


def _failure_to_json(failure: Failure) -> dict[str, Any]:
    return {**asdict(failure.divergence), "program": failure.program}


def _sorted(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items()))


def simulated_to_table(ran: Ran) -> Table:
    """What nodes did, how the contract answered, what was refused by which name, and what else happened."""
    table = _table("what", "times")
    for title, counted in (
        ("steps of the specification, by nodes", ran.steps),
        ("what nodes asked for", ran.effects),
        ("calls that the contract accepted", ran.calls),
        ("refused, by nodes and contract", ran.errors),
        ("what else happened", ran.counts),
    ):
        table.add_row(title, "", style="bold")
        for name, times in sorted(counted.items()):
            table.add_row(f"  {name}", f"{times:,}")
    return table


def simulated_summary(ran: Ran) -> str:
    """One line: how long a time, in how long a time."""
    rate = f", {ran.slots / ran.seconds:,.0f} slots/s" if ran.seconds else ""
    return (
        f"{count(ran.slots, 'slot')} simulated with seed {ran.seed}: {count(ran.moves, 'move')}, {ran.steps.total():,} "
        f"steps of nodes, properties judged {ran.judgements:,} times, {count(ran.slashed, 'bond')} slashed; "
        f"{ran.seconds:.1f} s{rate}"
    )


def tried_summary(tried: Tried) -> str:
    return f"{count(tried.runs, 'random run')} by Hypothesis, seed {tried.seed}: {count(tried.made, 'move')}"


def failure_lines(failure: Failure) -> Iterator[str]:
    """What went wrong, and the moves that lead there."""
    yield str(failure.divergence)
    yield from failure.program.splitlines()


def faults_to_table(caught: Iterable[Caught]) -> Table:
    """Each fault, and by what it was caught: by what goes wrong first, whichever rule that breaks."""
    table = _table("rule", "a node that", "slots")
    table.add_column("is caught, as")
    for each in caught:
        by, style = ("NOTHING", "red") if each.divergence is None else (each.divergence.why, None)
        table.add_row(each.fault.rule, each.fault.about, f"{each.slots:,}", by, style=style)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        is_number = column in ("times", "slots")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=True)
    return table
