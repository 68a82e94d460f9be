"""What a benchmark shows: rows side by side, how they stand to its targets, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measuring import Command, Failed, Row, Say, measure

GIB = 2**30


def show_count(value: int) -> str:
    return f"{value:,}"


def show_seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def show_rate(value: float) -> str:
    return f"{value / 1e6:.3f} M"


def show_memory(value: int) -> str:
    return f"{value / GIB:.2f} GiB"


def show_share(value: float) -> str:
    return f"{100 * value:.0f} %"


def show_whole(value: float) -> str:
    return f"{value:,.0f}"


def show_ratio(value: float) -> str:
    return f"{value:.2f}"


@dataclass(frozen=True)
class Column:
    title: str
    show: Callable[[Any], str] = str


COLUMNS: Mapping[str, Column] = {
    "design": Column("design"),
    "bug": Column("bug"),
    "managers": Column("managers"),
    "judged": Column("judged"),
    "who": Column("who"),
    "python": Column("Python"),
    "states": Column("distinct\nstates", show_count),
    "steps": Column("steps", show_count),
    "calls": Column("calls", show_count),
    "accepted": Column("of them\naccepted", show_share),
    "depth": Column("depth"),
    "runs": Column("runs"),
    "compile": Column("compile\ns", show_seconds),
    "seconds": Column("search\ns, best", show_seconds),
    "median": Column("search\ns, median", show_seconds),
    "rate": Column("distinct\nstates/s", show_rate),
    "calls/s": Column("calls/s", show_whole),
    "conformance": Column("conformance\nfinds"),
    "conformance after": Column("after\ns", show_seconds),
    "Foundry": Column("Foundry\nfinds"),
    "Foundry after": Column("after\ns", show_seconds),
    "wall": Column("process\ns", show_seconds),
    "cpu": Column("of it\nCPU s", show_seconds),
    "memory": Column("peak\nmemory", show_memory),
}
SETTING = ("design", "managers", "judged")  # rows with the same of these are side by side
BUSY = 1.2  # a process that takes so many times the seconds that it computes has shared its core
COMMON_NOTES = (
    "'Compile' is what comes before the search: here, reading the specification and making its kernels; for Spin, "
    "exporting the model, spin and gcc. Rates are of the best search alone, which Spin's verifier tells to 0.01 s. "
    "'Process' is everything from start to end, imports included. Memory is that of the largest process, gcc included.",
)


@dataclass(frozen=True)
class Target:
    aim: str
    result: str
    verdict: str  # met, missed, not measured


@dataclass
class Comparison:
    """`rows` have the keys of COLUMNS; one without measurements says `why`. `errors` are what is wrong, not slow."""

    title: str
    notes: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def measure(
        self,
        say: Say,
        command: Callable[[], Command],
        runs: int,
        how: Callable[..., Row] = measure,
        *,
        needed: bool = False,
        **label: Any,
    ) -> Row:
        """Add what a command finds, or why there is nothing; which is an error if this measurement is `needed`."""
        what = f"{self.title}, {', '.join(map(str, label.values()))}"
        say(what)
        try:
            row = label | how(command(), runs=runs)
        except Failed as failed:
            row = label | {"why": str(failed)}
            if needed:
                self.errors.append(f"{what}: {failed}")
        self.rows.append(row)
        return row

    def require_agreement(self, *keys: str) -> None:
        """Report each entry of these in which two rows of the same setting differ."""
        first: dict[tuple[Any, ...], Row] = {}
        for row in self.rows:
            setting = tuple(row.get(key) for key in SETTING)
            for key in keys:
                other = first.setdefault((key, *setting), row) if key in row else row
                if key in row and other[key] != row[key]:
                    where = ", ".join(str(entry) for entry in setting if entry is not None)
                    here, there = f"{row['who']} has {row[key]}", f"{other['who']} has {other[key]}"
                    self.errors.append(f"{where}, {key}: {here} where {there}")

    def aim_at_least(self, least: float, what: str, value: float | None, show: Callable[[Any], str]) -> None:
        self._aim(f"{what}, at least {show(least)}", value, value is not None and value >= least, show)

    def aim_below(self, most: float, what: str, value: float | None, show: Callable[[Any], str]) -> None:
        self._aim(f"{what}, below {show(most)}", value, value is not None and value < most, show)

    def _aim(self, aim: str, value: float | None, is_met: bool, show: Callable[[Any], str]) -> None:
        if value is None:
            self.targets.append(Target(aim, "?", "not measured"))
        else:
            self.targets.append(Target(aim, show(value), "met" if is_met else "missed"))

    def show(self, console: Console) -> None:
        shown = [key for key in COLUMNS if any(key in row for row in self.rows)]
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for key in shown:
            table.add_column(COLUMNS[key].title, justify="left" if key in ("who", "bug") else "right", no_wrap=True)
        previous: Row = {}
        for row in self.rows:
            if any(row.get(key) != previous.get(key) for key in SETTING):
                table.add_section()
            table.add_row(*(escape(COLUMNS[key].show(row[key])) if key in row else "" for key in shown))
            previous = row
        console.print(table)
        for line in dict.fromkeys(f"not measured: {row['who']}: {row['why']}" for row in self.rows if "why" in row):
            console.print(line, style="yellow", markup=False, highlight=False)
        for fact in self.facts:
            console.print(fact, markup=False, highlight=False)
        for target in self.targets:
            style = {"met": "green", "missed": "red"}.get(target.verdict, "yellow")
            line = f"target: {escape(target.aim)}: {target.result} [{style}]{target.verdict}[/]"
            console.print(line, highlight=False)
        busy = [row for row in self.rows if "cpu" in row and row["wall"] > BUSY * row["cpu"]]
        if busy:
            shared = f"the core was shared with others in {len(busy)} of {len(self.rows)} rows: do not trust the times"
            console.print(f"warning: {shared}", style="yellow", highlight=False)
        for note in self.notes:
            console.print(note, style="dim", markup=False, highlight=False)
        for error in self.errors:
            console.print(f"error: {error}", style="red", markup=False, highlight=False)
        console.print()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
