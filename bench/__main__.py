"""Run the benchmarks named, or all of them, and print what each measured. Exits with 1 where a result is wrong."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from bench import bugs, cold_start, contract, deep, node, protocol, two_phase_commit
from bench.comparison import Comparison
from bench.measuring import CORE, Say

BENCHMARKS: Mapping[str, Callable[[Say], Comparison]] = {
    "two-phase-commit": two_phase_commit.compare,
    "protocol": protocol.compare,
    "deep": deep.compare,
    "contract": contract.compare,
    "bugs": bugs.compare,
    "node": node.compare,
    "cold-start": cold_start.compare,
}

WIDTH = 160  # of the widest table; a narrower terminal breaks its lines rather than cutting numbers short


def describe_machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, core {CORE}, Python {platform.python_version()}"


def arguments() -> argparse.Namespace:
    about = f"{__doc__} They are: {', '.join(BENCHMARKS)}."
    parser = argparse.ArgumentParser(prog="python -m bench", description=about)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark to run; all, if none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to FILE as well")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}")
    if chosen.json and not chosen.json.absolute().parent.is_dir():
        parser.error(f"cannot write {chosen.json}: there is no folder {chosen.json.parent}")
    return chosen


def main() -> int:
    chosen = arguments()
    console, machine = Console(width=max(WIDTH, Console().width)), describe_machine()
    console.print(f"{machine}. Each measurement is a process of its own, kept on that core.", highlight=False)
    comparisons: dict[str, Comparison] = {}
    for name in chosen.names or BENCHMARKS:
        with console.status(name) as status:
            comparisons[name] = BENCHMARKS[name](status.update)
        comparisons[name].show(console)
    if chosen.json:
        measured = {"machine": machine, "benchmarks": {name: c.as_json() for name, c in comparisons.items()}}
        chosen.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return int(any(comparison.errors for comparison in comparisons.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
