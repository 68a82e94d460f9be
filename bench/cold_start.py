"""How long a user waits for the smallest check, from the start of the process to the verdicts."""

from __future__ import annotations

from functools import partial

from bench.comparison import Comparison, show_seconds
from bench.measuring import Say, coordination, measure_wall

INSTANCE = "tiny"
RUNS = 7
NOTES = ("Process is the median. But for the first run, files are in the operating system's cache.",)


def compare(say: Say) -> Comparison:
    comparison = Comparison("Cold start", NOTES)
    command = partial(coordination, "check", "--instance", INSTANCE)
    who = f"coordination check --instance {INSTANCE}"
    row = comparison.measure(say, command, RUNS, measure_wall, needed=True, who=who)
    comparison.aim_below(2.0, "median seconds from start to end", row.get("wall"), show_seconds)
    return comparison
