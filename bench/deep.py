"""The `deep` instance on one core: how long, how many states, how much memory."""

from __future__ import annotations

from functools import partial

from bench.comparison import GIB, Comparison, show_memory, show_seconds
from bench.measuring import Say, child
from bench.protocol import DESIGNS

INSTANCE = "deep"


def compare(say: Say) -> Comparison:
    comparison = Comparison(f"The protocol, instance {INSTANCE}")
    for design in DESIGNS:
        command = partial(child, "explore", design, INSTANCE, "all")
        row = comparison.measure(say, command, 1, needed=True, design=design, judged="all", who="this project")
        comparison.aim_below(300, f"{design}: seconds from start to end", row.get("wall"), show_seconds)
        comparison.aim_below(8 * GIB, f"{design}: peak memory", row.get("memory"), show_memory)
    return comparison
