"""The protocol's own `ci` instance: this project's explorer beside Spin's compiled verifier on the exported model."""

from __future__ import annotations

from functools import partial

from bench.comparison import COMMON_NOTES, Comparison, show_ratio
from bench.measuring import Row, Say, child, coordination, measure_wall

DESIGNS = ("0.1.0", "0.2.0")
INSTANCE = "ci"
RUNS = 3
NOTES = (
    *COMMON_NOTES,
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
            _compare_rates(comparison, f"{design}, judging {judged}", ours, spin)
    comparison.require_agreement("states", "steps", "found")
    return comparison


def _compare_rates(comparison: Comparison, what: str, ours: Row, spin: Row) -> None:
    """The target is search against search; what the ratio is if compiling counts is told beside it."""
    ratio = None
    if "seconds" in ours and "seconds" in spin:  # they found as many states, so rates are as the inverse of seconds
        ratio = spin["seconds"] / ours["seconds"]
        whole, spin_whole = ours["compile"] + ours["seconds"], spin["compile"] + spin["seconds"]
        comparison.facts.append(
            f"{what}, our rate over Spin's: {show_ratio(spin['seconds'] / whole)} if compiling counts for us only, "
            f"{show_ratio(spin_whole / whole)} if it counts for both"
        )
    comparison.aim_at_least(2.0, f"{what}, our rate over Spin's, search against search", ratio, show_ratio)
