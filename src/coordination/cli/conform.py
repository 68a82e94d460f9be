"""`coordination conform contract`: a contract held to the specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coordination.cli.console import DesignOption, fail, name_of, out, working
from coordination.lookup import SHIPPED, choose_designs, choose_instance, find_designs
from coordination.machine import Machine
from coordination.machine.verdict import Exit, worst
from coordination.report.files import check_writable, write_whole

if TYPE_CHECKING:
    from coordination.chain.artifacts import Artifact
    from coordination.conform.exhaustive import Conformance, MakeAdapter

SMALL = "tiny"  # the instance whose every transition is executed within a minute


def conform_contract(
    design: DesignOption = None,
    instance: Annotated[str, typer.Option("--instance", help="Which instance to execute.")] = SMALL,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Execute once what the contract cannot tell apart: for large instances.")
    ] = False,
    artifact: Annotated[
        Path | None, typer.Option("--artifact", metavar="FILE", help="Another's contract, compiled; needs --adapter.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option("--adapter", metavar="MODULE:CLASS", help="How that contract is to be understood.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what was found.")] = None,
) -> None:
    """Execute every transition of an instance on the contract's bytecode, and compare.

    Exit codes: 0 no divergence, 1 a divergence, 2 wrong usage.
    """
    from coordination.conform.exhaustive import conform
    from coordination.report.conformance import conformance_to_json

    if json_file:
        check_writable(json_file)
    if (artifact is None) is not (adapter is None):
        fail("another's contract needs both: --artifact, what was compiled, and --adapter, how it is to be understood")
    if artifact and not design:
        fail("name the design that the contract is to be held to, with --design")
    designs = choose_designs(find_designs(SHIPPED), design).values()
    subjects = [(machine, choose_instance(machine, instance)) for machine in designs]
    contracts = [_contract(machine, artifact, adapter) for machine in designs]
    code, written = Exit.AS_EXPECTED, []
    for (machine, where), (contract, make_adapter) in zip(subjects, contracts, strict=True):
        with working(f"{machine.design} {where.name}") as report:
            result = conform(machine, where, contract, make_adapter, is_distinct=distinct, report=report)
        _print(result)
        written.append(conformance_to_json(result))
        code = worst([code, Exit.VIOLATION if result.divergences else Exit.AS_EXPECTED])
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _contract(machine: Machine, artifact: Path | None, adapter: str | None) -> tuple[Artifact, MakeAdapter]:
    """The shipped contract of a design with its adapter, or another's."""
    from coordination.chain.artifacts import load, shipped
    from coordination.chain.deployment import ROLLUPS
    from coordination.conform.loading import load_adapter
    from coordination.conform.rollup import RollupAdapter

    return (
        load(artifact) if artifact else shipped(ROLLUPS[machine.design]),
        load_adapter(adapter) if adapter else RollupAdapter,
    )


def _print(result: Conformance) -> None:
    from coordination.report.conformance import conformance_summary, conformance_to_table, divergence_lines

    out.print(f"{name_of(result.machine, result.instance)}, held against {result.contract}", style="bold")
    out.print(conformance_to_table(result), soft_wrap=False)
    out.print(conformance_summary(result))
    if result.transitions < result.planned:
        out.print(f"{result.planned - result.transitions:,} transitions were not reached")
    if result.never:
        out.print(f"never refused by: {', '.join(' '.join(guard) for guard in result.never)}")
    out.print(f"divergences: {len(result.divergences) or 'none'}", style="bold red" if result.divergences else "green")
    for number, divergence in enumerate(result.divergences, start=1):
        out.print(f"divergence {number}: {divergence.kind}", style="bold")
        for line in divergence_lines(result, divergence):
            out.print(line)
    out.print()
