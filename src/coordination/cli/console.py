"""What every command shares: where it prints, options by one name, progress, and how it refuses."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from coordination.chain.errors import ChainError
from coordination.explore.search import Budget, Progress
from coordination.machine import Instance, Machine, SpecificationError
from coordination.machine.terms import NotReadable
from coordination.machine.verdict import Exit
from coordination.node.api.errors import ApiError, NodeRefuses


class Output(Console):
    """A console that is not disturbed when nobody reads on (`| head`): what is to be written is still written."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


WIDTH = max(100, shutil.get_terminal_size().columns)  # a verdict is never cut off, however narrow the terminal
out = Output(highlight=False, soft_wrap=True, markup=False, emoji=False, width=WIDTH)
err = Output(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

MachineOption = Annotated[
    str, typer.Option("--machine", metavar="MODULE:NAME", help="A machine of your own, or a mapping of designs to it.")
]
DesignOption = Annotated[str | None, typer.Option("--design", help="One design only, such as 0.1.0.")]
InstanceOption = Annotated[str | None, typer.Option("--instance", help="By default ci, or else the first.")]
StatesOption = Annotated[int | None, typer.Option("--max-states", min=1, help="Give up after so many states.")]
MemoryOption = Annotated[float | None, typer.Option("--max-memory", min=0.1, help="Give up above so many GiB.")]
SecondsOption = Annotated[float | None, typer.Option("--max-seconds", min=0.0, help="Give up after so long.")]


def name_of(machine: Machine, instance: Instance) -> str:
    return f"{machine.name} {machine.design}".strip() + f", instance {instance.name}"


def budget_of(states: int | None, memory: float | None, seconds: float | None) -> Budget:
    return Budget(states, None if memory is None else int(memory * 2**30), seconds)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """A callback that shows how far some work is, on a terminal, once it has taken two seconds."""
    last, started = "", time.monotonic()
    with err.status("", refresh_per_second=2) as status:
        status.stop()

        def report(text: str) -> None:
            nonlocal last
            last = text
            if err.is_terminal and time.monotonic() - started > 2:
                status.update(f"{what}: {text}")
                status.start()

        try:
            yield report
        except KeyboardInterrupt:
            status.stop()
            err.print(f"interrupted; {what}: {last or 'hardly begun'}; nothing is decided", style="yellow")
            raise


@contextmanager
def progress(machine: Machine, instance: Instance) -> Iterator[Callable[[Progress], None]]:
    """A callback that shows how far a search is, as `working` does."""
    with working(f"{machine.design} {instance.name}".strip()) as report:

        def searched(progress: Progress) -> None:
            rate = progress.states / max(progress.seconds, 1e-3) / 1e6
            report(f"{progress.states:,} states, depth {progress.depth}, {rate:.2f} M states/s")

        yield searched


def fail(message: str) -> NoReturn:
    raise SpecificationError(message)


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Imports of what comes with an extra: where that is not installed, one line says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"{what} needs {error.name}: pip install 'prover-coordination[{extra}]'")


def run(app: typer.Typer) -> NoReturn:
    """Run a command line; every foreseeable mistake ends in one line and exit code 2, and what a node refuses in 1."""
    try:
        code = app(standalone_mode=True)
    except NodeRefuses as refused:
        err.print(f"error: {refused}", style="red")
        code = 1
    except (SpecificationError, NotReadable, ChainError, ApiError) as error:
        err.print(f"error: {error}", style="red")
        code = Exit.WRONG_USAGE
    except OSError as error:
        err.print(f"error: {_trouble(error)}", style="red")
        code = Exit.WRONG_USAGE
    sys.exit(code)


def _trouble(error: OSError) -> str:
    """Of a file, of what is printed to, or of a connection."""
    if error.strerror is None:
        return str(error)
    return f"{str(error.filename)!r}: {error.strerror}" if error.filename else f"cannot print: {error.strerror}"
