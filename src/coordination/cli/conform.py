"""`coordination conform contract`: a contract held to the specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coordination.cli.console import DesignOption, fail, name_of, out, working
from coordination.lookup import SHIPPED, choose_designs, choose_instance, find_designs
from coordination.machine import Instance, Machine
from coordination.machine.verdict import Exit, worst
from coordination.report.files import check_writable, write_whole
from coordination.report.verdicts import count

if TYPE_CHECKING:
    from coordination.chain.artifacts import Artifact
    from coordination.conform.adapter import MakeAdapter
    from coordination.conform.programs.scenario import Scenario

SMALL = "tiny"  # the instance whose every transition is executed within a minute
STEPS = 40  # of a random run


def conform_contract(
    design: DesignOption = None,
    instance: Annotated[str, typer.Option("--instance", help="Which instance to execute.")] = SMALL,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Once for states that look alike to the contract: for large instances.")
    ] = False,
    artifact: Annotated[
        Path | None,
        typer.Option("--artifact", metavar="FILE", help="Another contract: its ABI, bytecode, storageLayout."),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", metavar="MODULE:CLASS", help="Its mapping to the specification, if another."),
    ] = None,
    fuzz: Annotated[
        int, typer.Option(min=0, metavar="RUNS", help="Make this many random runs as well, with numbers of any size.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the random runs: the same seed gives the same runs.")] = 0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all that was counted and found."),
    ] = None,
) -> None:
    """Execute every transition of an instance on the contract's bytecode, and compare.

    Exit codes: 0 no divergence, 1 a divergence, 2 wrong usage.
    """
    from coordination.report.conformance import assumption_lines, scope_lines

    if json_file:
        check_writable(json_file)
    if adapter and not artifact:
        fail("--adapter says how a contract is to be understood; name what was compiled of it with --artifact")
    if adapter and fuzz:
        fail("--fuzz is for contracts of the shipped interface; leave out --adapter or --fuzz")
    if artifact and not design:
        fail("name the design that the contract is to be held to, with --design")
    designs = choose_designs(find_designs(SHIPPED), design).values()
    subjects = [(machine, choose_instance(machine, instance)) for machine in designs]
    contracts = [_contract(machine, artifact, adapter) for machine in designs]
    code = Exit.AS_EXPECTED
    written: list[dict[str, Any]] = []
    for (machine, where), (contract, make_adapter) in zip(subjects, contracts, strict=True):
        result, found = _conform(machine, where, contract, make_adapter, artifact, not adapter, distinct)
        code = worst([code, result])
        written.append(found)
        if fuzz:
            result, found["fuzz"] = _fuzz(machine, contract, artifact, fuzz, seed)
            code = worst([code, result])
        out.print()
    out.print("assumed:", style="bold")
    for line in (*scope_lines(), *(() if artifact else assumption_lines())):
        out.print(line)
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _contract(machine: Machine, artifact: Path | None, adapter: str | None) -> tuple[Artifact, MakeAdapter]:
    """The shipped contract of a design with its adapter, or another's."""
    from coordination.chain.artifacts import load, shipped
    from coordination.chain.deployment import ROLLUPS
    from coordination.conform.loading import load_adapter

    contract = load(artifact) if artifact else shipped(ROLLUPS[machine.design])
    return contract, load_adapter(adapter or "coordination.conform.rollup.adapter:RollupAdapter")


def _conform(
    machine: Machine,
    instance: Instance,
    contract: Artifact,
    make_adapter: MakeAdapter,
    artifact: Path | None,
    is_shipped_interface: bool,
    distinct: bool,
) -> tuple[Exit, dict[str, Any]]:
    from coordination.chain.evm import Evm
    from coordination.conform.exhaustive import conform
    from coordination.conform.programs.scenario import scenario_of
    from coordination.conform.rollup.adapter import RollupAdapter
    from coordination.report.conformance import (
        conformance_summary,
        conformance_to_json,
        conformance_to_table,
        divergence_lines,
        in_words_of,
    )

    with working(f"{machine.design} {instance.name}") as report:
        result = conform(machine, instance, contract, make_adapter, is_distinct=distinct, report=report)
    out.print(f"{name_of(machine, instance)}, held against {result.contract}", style="bold")
    out.print(conformance_to_table(result), soft_wrap=False)
    out.print(conformance_summary(result))
    if result.transitions < result.planned:
        why = (
            f"stopped at {count(len(result.divergences), 'divergence')}"
            if result.is_cut_short
            else "divergences bar the way"
        )
        out.print(f"{result.planned - result.transitions:,} transitions were not executed: {why}")
    if result.never:
        out.print(f"refuses nothing in this instance: {', '.join(' '.join(guard) for guard in result.never)}")
    out.print(f"divergences: {len(result.divergences) or 'none'}", style="bold red" if result.divergences else "green")
    for number, divergence in enumerate(result.divergences, start=1):
        out.print(f"divergence {number}: {divergence.kind}", style="bold")
        for line in divergence_lines(divergence, in_words_of(result)):
            out.print(line)
    if result.divergences and is_shipped_interface:
        answers = RollupAdapter(machine, instance, contract, Evm()).answers
        _print_programs(scenario_of(result.divergences[0], answers, contract), artifact)
    return Exit.VIOLATION if result.divergences else Exit.AS_EXPECTED, conformance_to_json(result)


def _fuzz(
    machine: Machine, contract: Artifact, artifact: Path | None, runs: int, seed: int
) -> tuple[Exit, dict[str, Any]]:
    from coordination.conform.fuzz.stateful import run
    from coordination.report.conformance import divergence_lines, fuzzed_summary, fuzzed_to_json, show_fuzzed

    with working(f"{machine.design}, random runs") as report:
        fuzzed = run(machine, contract, seed=seed, examples=runs, steps=STEPS, report=report)
    out.print(fuzzed_summary(fuzzed))
    if fuzzed.failure is None:
        out.print("divergences: none", style="green")
        return Exit.AS_EXPECTED, fuzzed_to_json(fuzzed)
    out.print(f"divergence, the shortest that was found: {fuzzed.failure.divergence.kind}", style="bold red")
    for line in divergence_lines(fuzzed.failure.divergence, show_fuzzed):
        out.print(line)
    _print_programs(fuzzed.failure.scenario, artifact)
    return Exit.VIOLATION, fuzzed_to_json(fuzzed)


def _print_programs(scenario: Scenario, artifact: Path | None) -> None:
    from coordination.conform.programs.foundry import foundry_test
    from coordination.conform.programs.python import python_program

    out.print("the same as a Python program:", style="bold")
    out.out(python_program(scenario, artifact))
    out.print("and as a Foundry test, for contracts/test/:", style="bold")
    out.out(foundry_test(scenario))
