"""One measurement: a process of its own, kept on one core, which prints what it found as a JSON object."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORE = max(os.sched_getaffinity(0))

Command = Sequence[str | Path]
Row = dict[str, Any]  # what was found and measured, by the key of the column that shows it
Say = Callable[[str], None]  # tells whoever waits what is being measured


class Failed(Exception):
    """There is no measurement; the message says why."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended. `wall` is from its start to its end; `memory` the most that it, or a child of it, held."""

    code: int
    output: str
    errors: str
    wall: float
    memory: int


def run(command: Command) -> Ended:
    """Run `command` on the chosen core."""
    with TemporaryFile("w+", encoding="utf-8") as output, TemporaryFile("w+", encoding="utf-8") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Ended(process.returncode, output.read(), errors.read(), wall, usage.ru_maxrss * 1024)


def last_words(ended: Ended) -> str:
    """The last line that a failed process printed: that of a traceback which names the error."""
    lines = [line.strip() for line in (ended.output + ended.errors).splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with exit code {ended.code}, without a word"


def measure(command: Command, *, runs: int = 1) -> Row:
    """What `command` finds; `seconds` and `wall` are the medians of `runs`, `best` the least seconds."""
    found: list[Row] = []
    for _ in range(runs):
        ended = run(command)
        if ended.code:
            raise Failed(last_words(ended))
        found.append(json.loads(ended.output) | {"wall": ended.wall, "memory": ended.memory})
    seconds = [row["seconds"] for row in found]
    return found[0] | {
        "runs": runs,
        "best": min(seconds),
        "seconds": statistics.median(seconds),
        "rate": found[0]["states"] / statistics.median(seconds),
        "wall": statistics.median(row["wall"] for row in found),
        "memory": max(row["memory"] for row in found),
    }


def child(*arguments: str) -> Command:
    """The command for something that `bench.child` does."""
    return [sys.executable, "-m", "bench.child", *arguments]
