"""What every command shares: where it prints, options by one name, progress, and how it refuses."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from coordination.explore.search import Budget, Progress
from coordination.machine import Instance, Machine, SpecificationError


class Output(Console):
    """A console that is not disturbed when nobody reads on (`| head`): what is to be written is still written."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


WIDTH = max(90, shutil.get_terminal_size().columns)  # a verdict is never cut off, however narrow the terminal
out = Output(highlight=False, soft_wrap=True, markup=False, width=WIDTH)
err = Output(stderr=True, highlight=False, soft_wrap=True, markup=False)

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
def progress(machine: Machine, instance: Instance) -> Iterator[Callable[[Progress], None]]:
    """A callback that shows how far a search is, on a terminal, once it has taken two seconds."""
    what = f"{machine.design} {instance.name}".strip()
    last = Progress(0, 0, 0, 0.0)
    with err.status("", refresh_per_second=2) as status:
        status.stop()

        def report(progress: Progress) -> None:
            nonlocal last
            last = progress
            if err.is_terminal and progress.seconds > 2:
                rate = progress.states / progress.seconds / 1e6
                status.update(f"{what}: {progress.states:,} states, depth {progress.depth}, {rate:.2f} M states/s")
                status.start()

        try:
            yield report
        except KeyboardInterrupt:
            status.stop()
            err.print(f"interrupted after {last.states:,} states; nothing is decided", style="yellow")
            raise


def fail(message: str) -> NoReturn:
    raise SpecificationError(message)
