"""The command line: `coordination check | find | trace | export`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from coordination.explore.check import Checked, check
from coordination.explore.search import Budget, Progress, Search
from coordination.lookup import (
    SHIPPED,
    check_readable,
    choose_designs,
    choose_instance,
    choose_properties,
    find_designs,
    load_properties,
    load_trace,
    read_expression,
)
from coordination.machine import Instance, Machine, Pin, Property, SpecificationError
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.terms import NotReadable
from coordination.machine.trace import Trace
from coordination.machine.verdict import Exit, Status, Verdict, exit_code, worst
from coordination.report.files import check_writable, write_whole
from coordination.report.itf import to_itf
from coordination.report.mermaid import to_mermaid
from coordination.report.narrative import find_property, print_narrative
from coordination.report.verdicts import count, to_json, to_table

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The prover coordination protocol as one executable definition: explore it, and see what holds and why.",
)
export = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Write an instance for another tool.")
app.add_typer(export, name="export")


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


class Recounter(StrEnum):
    SPIN = "spin"


class Form(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"


@app.command("check")
def check_command(
    machine: MachineOption = SHIPPED,
    design: DesignOption = None,
    instance: InstanceOption = None,
    names: Annotated[
        list[str] | None, typer.Option("--property", metavar="NAME", help="Judge only this one; may be repeated.")
    ] = None,
    properties: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.py", help="Judge the properties in this file too; may be repeated."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts, traces included.")
    ] = None,
    recount: Annotated[
        Recounter | None, typer.Option(help="Count the states and judge the properties with Spin too, and compare.")
    ] = None,
    max_states: StatesOption = None,
    max_memory: MemoryOption = None,
    max_seconds: SecondsOption = None,
) -> None:
    """Visit every state of an instance, and say of every property whether it holds.

    Exit codes: 0 all as expected, 1 a violation or drift from a pinned count, 2 wrong usage, 3 a budget ran out.
    """
    if json_file:
        check_writable(json_file)
    if recount:
        _check_spin()
    own = [prop for file in properties or [] for prop in load_properties(file) if prop.kind is not Kind.SITUATION]
    budget = _budget(max_states, max_memory, max_seconds)
    runs: list[tuple[Machine, Instance, list[Property]]] = []
    for subject in choose_designs(find_designs(machine), design).values():
        where = choose_instance(subject, instance)
        runs.append((subject, where, choose_properties(subject, own, names or [])))
        check_readable(*runs[-1])
        if recount and where.interchangeable:
            _fail(
                f"Spin counts interchangeable values apart, so it cannot recount {where.name!r}; name another instance"
            )
    code, written = Exit.AS_EXPECTED, []
    for subject, where, judged in runs:
        with _progress(subject, where) as report:
            checked = check(subject, where, judged, budget, report)
        code = worst([code, _print_checked(checked, judged)])
        if recount:
            code = worst([code, _print_recount(checked, judged)])
        written += [to_json(verdict, subject) for verdict in checked.verdicts]
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _name(machine: Machine, instance: Instance) -> str:
    return f"{machine.name} {machine.design}".strip() + f", instance {instance.name}"


def _show_size(size: Pin) -> str:
    return f"{size.states:_} states, {size.transitions:_} steps, depth {size.depth}"


def _budget(states: int | None, memory: float | None, seconds: float | None) -> Budget:
    return Budget(states, None if memory is None else int(memory * 2**30), seconds)


def _print_checked(checked: Checked, judged: Sequence[Property]) -> Exit:
    machine, size = checked.machine, checked.size
    rejected = checked.tally.rejected.total()
    out.print(f"{_name(machine, checked.instance)}: {checked.instance.about}", style="bold")
    out.print(to_table(checked.verdicts), soft_wrap=False)
    seconds = checked.verdicts[0].seconds if checked.verdicts else 0.0
    out.print(
        f"{count(size.states, 'state')}, {count(size.transitions, 'step')} ({rejected:,} of them rejected calls), "
        f"depth {size.depth}, {seconds:.1f} s"
    )
    if not checked.exhausted and checked.never:
        out.print(f"never happened: {', '.join(checked.never)}")
    out.print()
    if checked.exhausted:
        out.print(
            f"the search gave up after {checked.exhausted}: what it did not find may still be there", style="bold"
        )
    for verdict, prop in zip(checked.verdicts, judged, strict=True):
        if verdict.status is not Status.UNKNOWN:
            _print_reasons(verdict, machine, prop)
    code = exit_code(checked.verdicts)
    if checked.drift is not None:
        err.print(
            f"drift: {_name(machine, checked.instance)} has {_show_size(size)}, "
            f"but the pins say {_show_size(checked.drift)}; if that is meant to be, change the pins"
        )
        code = Exit.VIOLATION
    return code


def _print_reasons(verdict: Verdict, machine: Machine, prop: Property) -> None:
    if verdict.reason:
        out.print(f"{verdict.property}: {verdict.reason}", style="bold")
    if verdict.trace is None:
        return
    routes = {trace.steps: name for name, trace in verdict.routes if trace is not None}
    for trace in (verdict.trace, *(trace for _, trace in verdict.routes if trace is not None)):
        if trace is verdict.trace or trace.steps != verdict.trace.steps:
            if trace.steps in routes:
                out.print(f"by {routes[trace.steps]}:", style="bold")
            print_narrative(out, trace, machine, prop=prop if trace is verdict.trace else None, money=machine.money)
            out.print()


def _check_spin() -> None:
    from coordination.explore.spin import SpinError, check_installed

    try:
        check_installed()
    except SpinError as error:
        _fail(str(error))


def _print_recount(checked: Checked, judged: Sequence[Property]) -> Exit:
    from coordination.explore.spin import SpinError, recount

    if checked.exhausted:
        out.print("Spin: not asked, since the search was cut short")
        return Exit.UNKNOWN
    try:
        counted = recount(checked.machine, checked.instance, judged)
    except SpinError as error:
        _fail(str(error))
    ours = {verdict.property: verdict.trace is not None for verdict in checked.verdicts}
    differing = sorted(name for name, violated in counted.verdicts.items() if ours[name] != violated)
    same = counted.states == checked.size.states and not differing
    out.print(
        f"Spin: {count(counted.states, 'state')}, "
        + ("the same number and the same verdicts" if same else "which DIFFERS")
        + (f"; other verdicts on {', '.join(differing)}" if differing else "")
        + f" ({counted.seconds:.1f} s)"
    )
    out.print()
    return Exit.AS_EXPECTED if same else Exit.VIOLATION


@app.command()
def find(
    situation: Annotated[
        str,
        typer.Argument(metavar="EXPRESSION-or-FILE", help="Over the state s and the constants w; or a file."),
    ],
    machine: MachineOption = SHIPPED,
    design: DesignOption = None,
    instance: InstanceOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save the witness as ITF JSON (one only).")
    ] = None,
    max_states: StatesOption = None,
    max_memory: MemoryOption = None,
    max_seconds: SecondsOption = None,
) -> None:
    """Show the shortest run to a state in which a situation holds.

    For instance: coordination find "s.status[0] == Status.PROVEN" --instance tiny --design 0.2.0

    Exit codes: 0 found, 1 no reachable state is like that, 2 wrong usage, 3 a budget ran out.
    """
    if output:
        check_writable(output)
    designs = choose_designs(find_designs(machine), design)
    if output and len(designs) > 1:
        _fail(f"one file holds one witness; choose a design with --design: {', '.join(designs)}")
    code = Exit.AS_EXPECTED
    for subject in designs.values():
        where = choose_instance(subject, instance)
        for sought in _situations(situation, subject, where):
            if output and code is not Exit.AS_EXPECTED:
                break
            check_readable(subject, where, [sought])
            trace, result = _find(subject, where, sought, _budget(max_states, max_memory, max_seconds))
            code = worst([code, result])
            if output and trace:
                write_whole(output, json.dumps(to_itf(trace, subject), indent=1) + "\n")
    raise typer.Exit(code)


def _situations(text: str, machine: Machine, instance: Instance) -> list[Property]:
    if text.endswith(".py") or Path(text).is_file():
        found = [prop for prop in load_properties(Path(text)) if prop.kind is Kind.SITUATION]
        if not found:
            raise SpecificationError(f"{text} declares no situation; decorate a function with @situation")
        return found
    return [read_expression(machine, instance, text)]


def _find(machine: Machine, instance: Instance, sought: Property, budget: Budget) -> tuple[Trace | None, Exit]:
    from coordination.explore.retrace import shortest_trace

    search = Search(machine, instance, [sought])
    with _progress(machine, instance) as report:
        exploration = search.run(budget, report, until_decided=True)
    trace = shortest_trace(search, exploration, sought)
    if trace:
        print_narrative(out, trace, machine, prop=sought, money=machine.money)
        out.print()
        return trace, Exit.AS_EXPECTED
    where = _name(machine, instance)
    if exploration.exhausted:
        out.print(f"{where}: not found; the search gave up after {exploration.exhausted}")
        return None, Exit.UNKNOWN
    out.print(f"{where}: none of its {count(exploration.states, 'state')} is like that: {sought.name}")
    return None, Exit.VIOLATION


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(help="A trace, as `find -o` writes it.")],
    machine: MachineOption = SHIPPED,
    form: Annotated[Form, typer.Option("--as", help="How to show it.")] = Form.TEXT,
) -> None:
    """Show a saved trace, after the oracle has run it again."""
    saved, subject = load_trace(file, find_designs(machine))
    _confirm(Oracle(subject, subject.instance(saved.instance)), saved)
    if form is Form.MERMAID:
        out.print(to_mermaid(saved, subject), end="")
    else:
        print_narrative(out, saved, subject, money=subject.money)


def _confirm(oracle: Oracle, saved: Trace) -> None:
    """That the machine makes these steps, and that the last one does what the trace is shown for."""
    oracle.replay(saved)
    prop = find_property(oracle.machine, saved.property)
    states = saved.states()[-2 if prop and prop.kind is Kind.STEP else -1 :]
    wanted = prop is not None and prop.kind is Kind.SITUATION
    if prop and (len(states) != 1 + (prop.kind is Kind.STEP) or oracle.holds(prop, *states) is not wanted):
        raise SpecificationError(f"the trace is said to be about {prop.name}, but does not end in anything of it")


@export.command("promela")
def export_promela(
    machine: MachineOption = SHIPPED,
    design: DesignOption = None,
    instance: InstanceOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Write an instance, with its properties, as Promela for the model checker Spin."""
    from coordination.explore.promela import to_promela

    designs = choose_designs(find_designs(machine), design)
    if len(designs) > 1:
        _fail(f"choose a design with --design: {', '.join(designs)}")
    (subject,) = designs.values()
    if output:
        check_writable(output)
    text = to_promela(subject, choose_instance(subject, instance), subject.properties)
    if output:
        write_whole(output, text)
    else:
        out.out(text, end="")


@contextmanager
def _progress(machine: Machine, instance: Instance) -> Iterator[Callable[[Progress], None]]:
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


def _fail(message: str) -> NoReturn:
    raise SpecificationError(message)


def main() -> NoReturn:
    """Run the command line; every foreseeable mistake ends in one line and exit code 2."""
    try:
        code = app(standalone_mode=True)
    except (SpecificationError, NotReadable) as error:
        err.print(f"error: {error}", style="red")
        code = Exit.WRONG_USAGE
    except OSError as error:
        err.print(f"error: cannot print: {error.strerror}", style="red")
        code = Exit.WRONG_USAGE
    sys.exit(code)
