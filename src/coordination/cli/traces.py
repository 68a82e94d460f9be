"""`coordination find | trace | export`: runs of a machine, and machines for other tools."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from coordination.cli.console import (
    DesignOption,
    InstanceOption,
    MachineOption,
    MemoryOption,
    SecondsOption,
    StatesOption,
    budget_of,
    fail,
    name_of,
    out,
    progress,
)
from coordination.explore.search import Budget, Search
from coordination.lookup import (
    SHIPPED,
    check_readable,
    choose_designs,
    choose_instance,
    find_designs,
    load_properties,
    load_trace,
    read_expression,
)
from coordination.machine import Instance, Machine, Property, SpecificationError
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.trace import Trace
from coordination.machine.verdict import Exit, worst
from coordination.report.files import check_writable, write_whole
from coordination.report.itf import to_itf
from coordination.report.mermaid import to_mermaid
from coordination.report.narrative import find_property, print_narrative
from coordination.report.verdicts import count


class Form(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"


def find_command(
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
        fail(f"one file holds one witness; choose a design with --design: {', '.join(designs)}")
    code = Exit.AS_EXPECTED
    for subject in designs.values():
        where = choose_instance(subject, instance)
        for sought in _situations(situation, subject, where):
            if output and code is not Exit.AS_EXPECTED:
                break
            check_readable(subject, where, [sought])
            trace, result = _find(subject, where, sought, budget_of(max_states, max_memory, max_seconds))
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
    with progress(machine, instance) as report:
        exploration = search.run(budget, report, until_decided=True)
    trace = shortest_trace(search, exploration, sought)
    if trace:
        print_narrative(out, trace, machine, prop=sought, money=machine.money)
        out.print()
        return trace, Exit.AS_EXPECTED
    where = name_of(machine, instance)
    if exploration.exhausted:
        out.print(f"{where}: not found; the search gave up after {exploration.exhausted}")
        return None, Exit.UNKNOWN
    out.print(f"{where}: none of its {count(exploration.states, 'state')} is like that: {sought.name}")
    return None, Exit.VIOLATION


def trace_command(
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
        fail(f"choose a design with --design: {', '.join(designs)}")
    (subject,) = designs.values()
    if output:
        check_writable(output)
    text = to_promela(subject, choose_instance(subject, instance), subject.properties)
    if output:
        write_whole(output, text)
    else:
        out.out(text, end="")
