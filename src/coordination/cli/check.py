"""`coordination check`: every state of an instance, and what holds of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    err,
    fail,
    name_of,
    out,
    progress,
    working,
)
from coordination.cli.prove import cache_of_answers
from coordination.explore.check import Checked, check
from coordination.lookup import (
    SHIPPED,
    check_readable,
    choose_designs,
    choose_instance,
    choose_properties,
    find_designs,
    load_properties,
)
from coordination.machine import Instance, Machine, Pin, Property, SpecificationError
from coordination.machine.property import Kind
from coordination.machine.verdict import Exit, Status, Verdict, exit_code, worst
from coordination.prove.deciding.conditions import ALL_SIZES, Conditions
from coordination.prove.deciding.induction import MOMENT, Prover
from coordination.prove.deciding.solvers import Z3
from coordination.report.files import check_folder, check_writable, write_whole
from coordination.report.itf import to_itf
from coordination.report.narrative import print_narrative
from coordination.report.verdicts import count, to_json, to_table


class Recounter(StrEnum):
    SPIN = "spin"


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
    traces: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save each counterexample there, as ITF JSON.")
    ] = None,
    recount: Annotated[
        Recounter | None, typer.Option(help="Count the states and judge the properties with Spin too, and compare.")
    ] = None,
    max_states: StatesOption = None,
    max_memory: MemoryOption = None,
    max_seconds: SecondsOption = None,
) -> None:
    """Visit every state of an instance, and say of every property whether it holds; and whether it is proved for all.

    Exit codes: 0 all as expected, 1 a violation or drift from a pinned count, 2 wrong usage, 3 a budget ran out.
    """
    if json_file:
        check_writable(json_file)
    if traces:
        check_folder(traces)
    if recount:
        _check_spin()
    own = [prop for file in properties or [] for prop in load_properties(file) if prop.kind is not Kind.SITUATION]
    budget = budget_of(max_states, max_memory, max_seconds)
    runs: list[tuple[Machine, Instance, list[Property]]] = []
    for subject in choose_designs(find_designs(machine), design).values():
        where = choose_instance(subject, instance)
        runs.append((subject, where, choose_properties(subject, own, names or [])))
        check_readable(*runs[-1])
        if recount and where.interchangeable:
            fail(
                f"Spin counts interchangeable values apart, so it cannot recount {where.name!r}; name another instance"
            )
    code, written = Exit.AS_EXPECTED, []
    for subject, where, judged in runs:
        proofs = _proofs(subject, judged)
        with progress(subject, where) as report:
            checked = check(subject, where, judged, budget, report)
        code = worst([code, _print_checked(checked, judged, proofs), _print_disagreement(checked, proofs)])
        if recount:
            code = worst([code, _print_recount(checked, judged)])
        written += [to_json(v, subject) | {"proved": proofs.get(v.property) or None} for v in checked.verdicts]
        if traces:
            _save_traces(traces, checked)
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _save_traces(folder: Path, checked: Checked) -> None:
    """One file for each counterexample: `0.1.0-SIGNATURE_BINDING.itf.json`, a route's with its name."""
    for verdict in checked.verdicts:
        for route, trace in (("", verdict.trace), *verdict.routes):
            if trace is not None:
                name = "-".join(filter(None, (verdict.design, verdict.property, route.replace(" ", "-"))))
                write_whole(folder / f"{name}.itf.json", json.dumps(to_itf(trace, checked.machine), indent=1) + "\n")


def _show_size(size: Pin) -> str:
    return f"{size.states:_} states, {size.transitions:_} steps, depth {size.depth}"


def _proofs(machine: Machine, judged: Sequence[Property]) -> Mapping[str, str]:
    """Of each property that is proved, for which sizes; nothing of a machine that says nothing beyond its instances."""
    if machine.unbounded is None:
        return {}
    asked = [prop for prop in judged if prop.name not in machine.expected]
    with cache_of_answers() as cache, working(f"{machine.design} proofs".strip()) as report:
        prover = Prover(Z3(), cache, seconds=MOMENT)
        try:
            induction = prover.prove(Conditions(machine, asked), lambda prop, step, lemmas: None, report)
        except SpecificationError as error:
            err.print(f"nothing is proved: {error}", style="yellow")
            return {}
    return {prop.name: ALL_SIZES if prop in asked and induction.holds(prop) else "" for prop in judged}


def _print_disagreement(checked: Checked, proofs: Mapping[str, str]) -> Exit:
    """Where a run breaks what is proved, one of the two is of another machine, or wrong."""
    broken = [v.property for v in checked.verdicts if v.trace is not None and proofs.get(v.property)]
    for name in broken:
        err.print(
            f"disagreement: {name} is proved for {ALL_SIZES}, but a run of {checked.instance.name} breaks it: it "
            f"speaks of values that this instance does not have, or one of the checkers is wrong",
            style="bold red",
        )
    return Exit.VIOLATION if broken else Exit.AS_EXPECTED


def _print_checked(checked: Checked, judged: Sequence[Property], proofs: Mapping[str, str]) -> Exit:
    machine, size = checked.machine, checked.size
    rejected = checked.tally.rejected.total()
    out.print(f"{name_of(machine, checked.instance)}: {checked.instance.about}", style="bold")
    out.print(to_table(checked.verdicts, proofs), soft_wrap=False)
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
            f"drift: {name_of(machine, checked.instance)} has {_show_size(size)}, "
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
        fail(str(error))


def _print_recount(checked: Checked, judged: Sequence[Property]) -> Exit:
    from coordination.explore.spin import SpinError, recount

    if checked.exhausted:
        out.print("Spin: not asked, since the search was cut short")
        return Exit.UNKNOWN
    try:
        counted = recount(checked.machine, checked.instance, judged)
    except SpinError as error:
        fail(str(error))
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
