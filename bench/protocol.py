"""The protocol's own `ci` instance: this project's explorer beside Spin's compiled verifier on the exported model."""

from __future__ import annotations

from functools import partial

from bench.comparison import COMMON_NOTES, Comparison, show_ratio
from bench.measuring import Say, child, coordination, measure_wall

DESIGNS = ("0.1.0", "0.2.0")
INSTANCE = "ci"
RUNS = 3
NOTES = (
    *COMMON_NOTES,
    "So the ratio favours Spin: our seconds contain what it takes to read and compile the specification, Spin's do not.",
    "Steps are accepted ones: a rejected call changes nothing, and Spin's model has none. 'coordination check' is the "
    "command as a user gives it: the same search, then traces and the table of verdicts.",
)


def compare(say: Say) -> Comparison:
    comparison = Comparison(f"The protocol, instance {INSTANCE}", NOTES)
    for design in DESIGNS:
        for judged in ("all", "none"):
            measure = partial(comparison.measure, say, design=design, judged=judged)
            ours = measure(partial(child, "explore", design, INSTANCE, judged), RUNS, needed=True, who="this project")
            spin = measure(partial(child, "recount", design, INSTANCE, judged), RUNS, who="Spin")
            if judged == "all":
                command = partial(coordination, "check", "--design", design, "--instance", INSTANCE)
                measure(command, RUNS, measure_wall, who="coordination check")
            ratio = ours["best_rate"] / spin["best_rate"] if "best_rate" in ours and "best_rate" in spin else None
            what = f"{design}, judging {judged}: our distinct states/s as a multiple of Spin's, best of each"
            comparison.aim_at_least(2.0, what, ratio, show_ratio)
    comparison.require_agreement("states", "steps", "found")
    return comparison
