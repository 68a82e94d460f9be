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
            what = f"{design}, judging {judged}: our distinct states/s as a multiple of Spin's"
            if "rate" in ours and "rate" in spin:
                comparison.aim_at_least(2.0, what, ours["rate"] / spin["rate"], show_ratio)
                comparison.facts.append(_describe(what, ours, spin))
            else:
                comparison.aim_at_least(2.0, what, None, show_ratio)
    comparison.require_agreement("states", "steps", "found")
    return comparison


def _describe(what: str, ours: Row, spin: Row) -> str:
    """The ratio by three accounts of what belongs to it, the states being the same."""
    search, ours_whole, spin_whole = (
        spin["seconds"],
        ours["compile"] + ours["seconds"],
        spin["compile"] + spin["seconds"],
    )
    ratios = (
        ("search against search", search / ours["seconds"]),
        ("our compile and search against Spin's search, which favours Spin", search / ours_whole),
        ("compile and search of both", spin_whole / ours_whole),
    )
    return f"{what}: {'; '.join(f'{show_ratio(ratio)}, {of}' for of, ratio in ratios)}"
