"""What a benchmark shows: rows side by side, what they say about its targets, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measuring import Command, Failed, Row, Say, measure


def count(value: int) -> str:
    return f"{value:,}"


def seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def rate(value: float) -> str:
    return f"{value / 1e6:.3f} M"


def memory(value: int) -> str:
    return f"{value / 2**20:,.0f} MiB"


@dataclass(frozen=True)
class Column:
    title: str
    show: Callable[[Any], str] = str


COLUMNS: Mapping[str, Column] = {
    "who": Column("who"),
    "design": Column("design"),
    "instance": Column("instance"),
    "managers": Column("managers"),
    "judged": Column("properties\njudged"),
    "states": Column("distinct\nstates", count),
    "steps": Column("steps", count),
    "depth": Column("depth"),
    "before": Column("model and\ncompile, s", seconds),
    "first": Column("first,\ns", seconds),
    "best": Column("best,\ns", seconds),
    "seconds": Column("median,\ns", seconds),
    "rate": Column("states/s\n(median)", rate),
    "runs": Column("runs"),
    "wall": Column("process,\ns", seconds),
    "memory": Column("peak\nmemory", memory),
    "why": Column("why not"),
}
TEXT = ("who", "why")  # flush left; everything else is a number or as short as one
GROUP = ("design", "instance", "managers", "judged")  # rows that differ in these are not side by side


@dataclass(frozen=True)
class Target:
    """What was aimed at, what came of it, and whether that is enough; None where nothing was measured."""

    aim: str
    result: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.is_met]


@dataclass
class Comparison:
    """`rows` have the keys of COLUMNS; a row that could not be measured says `why`."""

    title: str
    rows: list[Row] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def row(self, **wanted: Any) -> Row:
        """The row that has these entries."""
        return next(row for row in self.rows if all(row.get(key) == value for key, value in wanted.items()))

    def measure(self, say: Say, make: Callable[[], Command], *, runs: int, needed: bool = False, **label: Any) -> None:
        """Add a row: what the command made by `make` finds, or why it cannot be measured; an error if it is `needed`."""
        say(f"{self.title}: {', '.join(map(str, label.values()))}")
        try:
            self.rows.append(label | measure(make(), runs=runs))
        except Failed as failed:
            self.rows.append(label | {"why": str(failed)})
            if needed:
                self.errors.append(f"{', '.join(map(str, label.values()))}: {failed}")

    def require_agreement(self, same: Sequence[str], counts: Sequence[str]) -> None:
        """An error for each count on which rows differ that have the `same` entries."""
        first: dict[tuple[Any, ...], Row] = {}
        for row in self.rows:
            for name in counts:
                if name in row:
                    key = (name, *(row.get(entry) for entry in same))
                    other = first.setdefault(key, row)
                    if other[name] != row[name]:
                        where = ", ".join(f"{entry} {row.get(entry)}" for entry in same)
                        self.errors.append(
                            f"{name} differ for {where}: {other['who']} has {other[name]}, {row['who']} has {row[name]}"
                        )

    def aim_at_least(self, aim: str, value: float | None, least: float, show: Callable[[Any], str]) -> None:
        """Hold a value, if it was measured, against a target."""
        met = None if value is None else value >= least
        self.targets.append(Target(f"{aim} at least {show(least)}", "" if value is None else show(value), met))

    def aim_below(self, aim: str, value: float | None, most: float, show: Callable[[Any], str]) -> None:
        met = None if value is None else value < most
        self.targets.append(Target(f"{aim} below {show(most)}", "" if value is None else show(value), met))

    def show(self, console: Console) -> None:
        shown = [key for key in COLUMNS if any(key in row for row in self.rows)]
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for key in shown:
            table.add_column(COLUMNS[key].title, justify="left" if key in TEXT else "right")
        group: list[Any] = []
        for row in self.rows:
            if group != (group := [row.get(key) for key in GROUP]):
                table.add_section()
            table.add_row(*(escape(COLUMNS[key].show(row[key])) if key in row else "" for key in shown))
        console.print(table)
        for target in self.targets:
            style = {True: "green", False: "red", None: "yellow"}[target.is_met]
            console.print(f"{escape(target.aim)}: {target.result} [{style}]{target.verdict}[/]", highlight=False)
        for note in self.notes:
            console.print(f"[dim]{escape(note)}[/]", highlight=False)
        for error in self.errors:
            console.print(f"[red]error: {escape(error)}[/]", highlight=False)
        console.print()

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "targets": [{"aim": t.aim, "result": t.result, "verdict": t.verdict} for t in self.targets],
            "notes": self.notes,
            "errors": self.errors,
        }
