"""Distinct states and verdicts counted once more, by Spin: its compiled verifier, on the exported model.

Every state is kept exactly and the search is complete, or there is no answer: a search that ran out of depth, of memory
or of anything else raises SpinError instead of giving its count.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from coordination.explore.promela import OUTSIDE, announcement, to_promela
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError

INSTALL = "install Debian's packages spin and gcc"
# Switch off what makes Spin merge states, or count them differently: data flow (1), dead variables (2), merging (3).
SPIN_FLAGS = ("-o1", "-o2", "-o3", "-a")
# No partial order reduction, and states stored as they are: NOCOMP saves masking them, which is faster.
GCC_FLAGS = ("-O3", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCOMP")
# -b: reaching the depth limit is an error; -E: a state without successors is none; -n: do not list unreached lines.
PAN_FLAGS = ("-b", "-E", "-n")
DEPTHS = (100_000, 2_000_000, 40_000_000)  # limits on the depth of the search, each tried if the one before was too low
MEMORY = 8 << 30


class SpinError(Exception):
    """Spin gave no complete answer; the message says why, and what would help."""


@dataclass(frozen=True)
class Recount:
    """What Spin found. `transitions` are accepted steps, from whatever state they are taken.

    `verdicts` has True for a property that is violated, and for a situation that is reached. `seconds` are of the
    search alone, without the compilation.
    """

    states: int
    transitions: int
    verdicts: Mapping[str, bool]
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct states per second."""
        return self.states / self.seconds


def recount(
    machine: Machine, instance: Instance, properties: Sequence[Property] = (), *, memory: int = MEMORY
) -> Recount:
    """Count `machine` in `instance`, every state by itself even if some are interchangeable, within `memory` bytes.

    Raises SpinError where Spin cannot answer, SpecificationError where the machine leaves its domains.
    """
    return recount_model(to_promela(machine, instance, properties), properties, memory=memory)


def recount_model(model: str, properties: Sequence[Property] = (), *, memory: int = MEMORY) -> Recount:
    """Count a model printed by `to_promela` for `properties`."""
    check_installed()
    with TemporaryDirectory(prefix="coordination-spin-") as folder:
        _compile(model, Path(folder), memory)
        for depth in DEPTHS:
            started = time.perf_counter()
            output = _run(["./pan", *PAN_FLAGS, f"-m{depth}"], Path(folder))
            elapsed = time.perf_counter() - started
            if "depth limit reached" not in output and "max search depth too small" not in output:
                return _read(output, properties, elapsed)
    raise SpinError(f"Spin's search is deeper than {DEPTHS[-1]:_} steps; give a smaller instance")


def check_installed() -> None:
    """Raise SpinError unless Spin and a C compiler can be called."""
    for tool in ("spin", "gcc"):
        if shutil.which(tool) is None:
            raise SpinError(f"{tool} is not installed; {INSTALL}")
    version = _run(["spin", "-V"], Path.cwd())
    if not version.startswith("Spin Version"):
        raise SpinError(f"the command spin is not the model checker Spin; {INSTALL}")


def _compile(model: str, folder: Path, memory: int) -> None:
    (folder / "model.pml").write_text(model, encoding="utf-8")
    output = _run(["spin", *SPIN_FLAGS, "model.pml"], folder)
    verifier = folder / "pan.c"
    if not verifier.exists():
        raise SpinError(f"Spin does not accept the model: {_complaint(output)}")
    # Counts are printed with 8 digits, which is less than a big search has.
    verifier.write_text(verifier.read_text(encoding="utf-8").replace("%9.8g", "%.0f"), encoding="utf-8")
    fields = len(re.findall(r"^(?:bit|byte|short|int) ", model, flags=re.MULTILINE))
    limits = [f"-DMEMLIM={max(memory >> 20, 1)}", f"-DVECTORSZ={max(1024, 256 + 4 * fields)}"]
    output = _run(["gcc", *GCC_FLAGS, *limits, "-o", "pan", "pan.c"], folder)
    if not (folder / "pan").exists():
        raise SpinError(f"gcc does not compile Spin's verifier: {_complaint(output)}")


def _run(command: list[str], folder: Path) -> str:
    """What `command` prints. Whatever ends the call, an interrupt included, ends the command and its children."""
    # An interrupt waits until it is known which process has been started: else that one would stay behind.
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = None
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            process_group=0,
        )
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        output, errors = process.communicate()
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
    return (output + errors).decode(errors="replace")


def _read(output: str, properties: Sequence[Property], elapsed: float) -> Recount:
    """The counts in the verifier's report, if it is the report of a complete search."""
    lines = output.splitlines()
    for line in lines:
        if line.startswith(OUTSIDE):
            raise SpecificationError(f"a variable leaves its domain: {line.removeprefix(OUTSIDE).strip()}")
    if "out of memory" in output or "MEMLIM bound" in output or "memory limit" in output:
        raise SpinError("Spin ran out of memory; give it more, or a smaller instance")
    is_complete = "Full statespace search" in output and "errors: 0" in output and "not completed" not in output
    if not is_complete:
        raise SpinError(f"Spin did not complete its search: {_complaint(output)}")
    announced = {prop: announcement(prop) in lines for prop in properties}
    judgements = sum(found for prop, found in announced.items() if prop.kind is not Kind.STEP)
    return Recount(
        states=_count(output, "states, stored"),
        # Spin counts the initial state as a transition, and an announcement about a state is one to the same state.
        transitions=_count(output, "transitions (= stored+matched)") - 1 - judgements,
        verdicts={prop.name: found for prop, found in announced.items()},
        seconds=_seconds(output) or elapsed,
    )


def _count(output: str, what: str) -> int:
    found = re.search(rf"^ *(\d+) {re.escape(what)}$", output, flags=re.MULTILINE)
    if not found:
        raise SpinError(f"Spin's report has no count of {what!r}; its version may be unknown to us")
    return int(found.group(1))


def _seconds(output: str) -> float:
    found = re.search(r"^pan: elapsed time ([\d.e+]+) seconds$", output, flags=re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def _complaint(output: str) -> str:
    """The line of a tool's output that tells most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or line.startswith("pan:")]
    return next(iter(telling + lines[-1:]), "it ended without a word")
