"""`coordination conform node`: the node held to the specification, in a simulated world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from coordination.cli.console import DesignOption, out, working
from coordination.lookup import SHIPPED, choose_designs, find_designs
from coordination.machine import Machine
from coordination.machine.verdict import Exit, worst
from coordination.report.files import check_writable, write_whole

SLOTS = 10_000
RUNS, MOVES = 100, 60  # of Hypothesis


def conform_node(
    design: DesignOption = None,
    slots: Annotated[int, typer.Option("--slots", min=1, help="How long a time to simulate.")] = SLOTS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same run.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all that was counted and found.")
    ] = None,
) -> None:
    """Run real nodes in a simulated world that loses, delays, repeats, reorganises and kills; match all that they do.

    Then plant faults in the nodes, each of which must be caught. Exit codes: 0 no divergence and every fault caught, 1
    otherwise, 2 wrong usage.
    """
    if json_file:
        check_writable(json_file)
    code, written = Exit.AS_EXPECTED, list[dict[str, Any]]()
    for machine in choose_designs(find_designs(SHIPPED), design).values():
        result, found = _conform(machine, slots, seed)
        code = worst([code, result])
        written.append(found)
        out.print()
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _conform(machine: Machine, slots: int, seed: int) -> tuple[Exit, dict[str, Any]]:
    from coordination.conform.node.faults import FAULTS
    from coordination.conform.node.run import catch, run
    from coordination.conform.node.stateful import search
    from coordination.report.simulation import (
        failure_lines,
        faults_to_table,
        simulated_summary,
        simulated_to_json,
        simulated_to_table,
        tried_summary,
    )

    out.print(f"{machine.name} {machine.design}: nodes in a simulated world", style="bold")
    with working(machine.design) as report:
        ran = run(machine, slots=slots, seed=seed, report=report)
        tried = search(machine, seed=seed, runs=RUNS, moves=MOVES, report=report)
    out.print(simulated_to_table(ran), soft_wrap=False)
    out.print(simulated_summary(ran))
    out.print(tried_summary(tried))
    found = [each.failure for each in (ran, tried) if each.failure]
    out.print(f"divergences: {len(found) or 'none'}", style="bold red" if found else "green")
    for failure in found:
        for line in failure_lines(failure):
            out.print(line)
    if found:  # a node that diverges by itself would be caught with any fault
        return Exit.VIOLATION, simulated_to_json(ran, tried, [])
    with working(f"{machine.design}, faults") as report:
        caught = []
        for fault in (fault for fault in FAULTS if machine.design in fault.designs):
            report(f"a node that {fault.about}")
            caught.append(catch(machine, fault, seed))
    missed = sum(each.divergence is None for each in caught)
    out.print(faults_to_table(caught), soft_wrap=False)
    out.print(f"{len(caught) - missed} of {len(caught)} faults caught", style="bold red" if missed else "green")
    return Exit.VIOLATION if missed else Exit.AS_EXPECTED, simulated_to_json(ran, tried, caught)
