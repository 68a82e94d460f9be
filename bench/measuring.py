"""One measurement: a process of its own, kept on one core, which prints what it found as a JSON object."""

from __future__ import annotations

import json
import os
import signal
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
    """A process that has ended: the seconds from its start to its end, those of them that it and its children computed,
    and the most memory that one of them held."""

    code: int
    output: str
    errors: str
    wall: float
    cpu: float
    memory: int


def run(command: Command) -> Ended:
    """Run `command` on the chosen core. Raises Failed unless it succeeds."""
    with TemporaryFile("w+", encoding="utf-8") as output, TemporaryFile("w+", encoding="utf-8") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, "COLUMNS": "1000"},  # its last words in one line
            preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.send_signal(signal.SIGINT)  # what a terminal would send: the child ends its own children
            process.wait()
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        ended = Ended(process.returncode, output.read(), errors.read(), wall, cpu, memory)
    if ended.code:
        raise Failed(_last_words(ended))
    return ended


def measure(command: Command, *, runs: int = 1) -> Row:
    """What `command` finds in the quickest search of `runs`; `median` is of the seconds of all of them."""
    ended = [run(command) for _ in range(runs)]
    found: list[Row] = [json.loads(each.output) for each in ended]
    if any(row["states"] != found[0]["states"] for row in found):
        raise Failed("two runs of it found different numbers of states")
    best = min(found, key=lambda row: float(row["seconds"]))
    median = statistics.median(row["seconds"] for row in found)
    return best | {"median": median, "rate": best["states"] / best["seconds"], **_process(ended)}


def measure_found(command: Command, *, runs: int = 1) -> Row:
    """What the last of so many runs of `command` found, told as it is."""
    ended = [run(command) for _ in range(runs)]
    found: Row = json.loads(ended[-1].output)
    return found | _process(ended)


def measure_wall(command: Command, *, runs: int = 1) -> Row:
    """How long `command` takes from its start to its end, as the median of `runs`."""
    return _process([run(command) for _ in range(runs)])


def _process(ended: Sequence[Ended]) -> Row:
    return {
        "wall": statistics.median(each.wall for each in ended),
        "cpu": statistics.median(each.cpu for each in ended),
        "memory": max(each.memory for each in ended),
        "runs": len(ended),
    }


def child(*arguments: str) -> Command:
    """The command for something that `bench.child` does."""
    return [sys.executable, "-m", "bench.child", *arguments]


def conforming(*arguments: str) -> Command:
    """The command for something that `bench.conforming` does."""
    return [sys.executable, "-m", "bench.conforming", *arguments]


def noding(*arguments: str) -> Command:
    """The command for something that `bench.noding` does."""
    return [sys.executable, "-m", "bench.noding", *arguments]


def coordination(*arguments: str) -> Command:
    """The project's own command, as installed beside this Python."""
    script = Path(sys.executable).with_name("coordination")
    if not script.exists():
        raise Failed(f"{script} is missing: the project is not installed for this Python")
    return [script, *arguments]


def _last_words(ended: Ended) -> str:
    """The last line that a failed process printed: of a traceback, the one that names the error."""
    lines = [line.strip() for line in (ended.output + "\n" + ended.errors).splitlines() if line.strip()]
    return f"{lines[-1] if lines else 'it ended without a word'} (exit code {ended.code})"
