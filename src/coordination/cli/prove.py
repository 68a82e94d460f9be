"""`coordination prove`: what holds for all sizes, and what stands against the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from coordination.cli.console import DesignOption, MachineOption, err, out, working
from coordination.lookup import (
    SHIPPED,
    check_linted,
    choose_designs,
    choose_properties,
    find_designs,
    load_properties,
)
from coordination.machine import Machine, Property, SpecificationError
from coordination.machine.property import Kind
from coordination.machine.verdict import Exit, exit_code, worst
from coordination.prove.check import Proved, prove
from coordination.prove.deciding.cache import Cache
from coordination.prove.deciding.conditions import ALL_SIZES, RANGES, digest
from coordination.prove.deciding.induction import SECONDS, Prover, Report, Standing
from coordination.prove.deciding.recheck import Rechecked, recheck
from coordination.prove.deciding.solvers import Z3, Cvc5
from coordination.prove.explaining.classification import Reachable
from coordination.prove.vacuity.never import Vacuity, find_vacuous
from coordination.report.files import check_writable, make_folder, write_whole
from coordination.report.induction import print_counterexample
from coordination.report.narrative import print_narrative
from coordination.report.proofs import assumptions, proof_to_json, to_conditions_table, to_proofs_table
from coordination.report.verdicts import count

RECHECK_SECONDS = 60.0  # for a condition: a second solver may be slower


class Rechecker(StrEnum):
    CVC5 = "cvc5"


def prove_command(
    machine: MachineOption = SHIPPED,
    design: DesignOption = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME", help="Judge only this one, or this lemma; may be repeated."),
    ] = None,
    properties: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.py", help="Judge the properties in this file too; may be repeated."),
    ] = None,
    recheck_by: Annotated[
        Rechecker | None, typer.Option("--recheck", help="Ask this solver too about everything that is proved.")
    ] = None,
    smt2: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every condition there, as SMT-LIB 2.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask again what was answered before.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts, conditions included.")
    ] = None,
    max_seconds: Annotated[float, typer.Option(min=0.001, help="Give up on a condition after so long.")] = SECONDS,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="The solvers' seed; no verdict should depend on it.")
    ] = 0,
) -> None:
    """Prove the properties by induction: for any number of accounts, epochs and slots, and any amounts.

    Exit codes: 0 all as expected, 1 a violation or a disagreement of solvers, 2 wrong usage, 3 something is unproved.
    """
    if json_file:
        check_writable(json_file)
    if smt2:
        make_folder(smt2)
    own = [prop for file in properties or [] for prop in load_properties(file) if prop.kind is not Kind.SITUATION]
    runs: list[tuple[Machine, list[Property]]] = []
    for subject in choose_designs(find_designs(machine), design).values():
        runs.append((subject, _chosen(subject, own, names or [])))
        check_linted(*runs[-1])
    second = Cvc5() if recheck_by else None
    code, written, texts = Exit.AS_EXPECTED, [], dict[str, str]()
    with cache_of_answers(no_cache) as cache:
        for subject, judged in runs:
            with working(f"{subject.design} proofs".strip()) as report:
                prover = Prover(Z3(), cache, seconds=max_seconds, seed=seed)
                proved = prove(subject, judged, prover, report)
                vacuity = _vacuity(proved, prover, report)
            code = worst([code, _print_proved(proved, vacuity, seed)])
            rechecked = None
            if second:
                with working(f"{subject.design} {second.name}".strip()) as report:
                    rechecked = recheck(
                        proved.induction, Prover(second, cache, seconds=RECHECK_SECONDS, seed=seed), report
                    )
                code = worst([code, _print_rechecked(rechecked)])
            written += proof_to_json(proved, rechecked)
            if smt2:
                texts |= _conditions(proved)
    if smt2:
        _write_conditions(smt2, texts)
    if json_file:
        write_whole(json_file, json.dumps(written, indent=1) + "\n")
    raise typer.Exit(code)


def _chosen(machine: Machine, own: Sequence[Property], names: Sequence[str]) -> list[Property]:
    """The properties, or those named; a lemma may be named too, and so may the ranges, which are judged anyway."""
    lemmas = machine.unbounded.lemmas if machine.unbounded and names else ()
    further = [lemma for lemma in lemmas if lemma not in machine.properties]
    chosen = choose_properties(machine, [*further, *([RANGES] if names else []), *own], names)
    return [prop for prop in chosen if prop is not RANGES]


def _vacuity(proved: Proved, prover: Prover, report: Report) -> Vacuity | None:
    """What never happens; None, and a line that says why, where no instance can be explored."""
    try:
        return find_vacuous(proved.machine, proved.induction, prover, report)
    except SpecificationError as error:
        err.print(f"what never happens is not known: {error}", style="yellow")
        return None


@contextmanager
def cache_of_answers(unwanted: bool = False) -> Iterator[Cache | None]:
    """What solvers have answered before; without it all goes on, only slower."""
    cache = None
    try:
        cache = None if unwanted else Cache()
    except OSError as error:
        err.print(f"going on without a cache of answers: {error}", style="yellow")
    try:
        yield cache
    finally:
        if cache:
            cache.close()


def _print_proved(proved: Proved, vacuity: Vacuity | None, seed: int) -> Exit:
    machine, induction = proved.machine, proved.induction
    about = induction.conditions.sizes.scope.about
    out.print(f"{machine.name} {machine.design}".rstrip() + f", {ALL_SIZES}: {about}", style="bold")
    out.print(to_conditions_table(proved), soft_wrap=False)
    asked = [result for result in induction.results.values() if result.standing is not Standing.UNCHANGED]
    rest, seconds = len(induction.results) - len(asked), sum(result.seconds for result in asked)
    out.print(f"{count(len(asked), 'condition')} for {induction.solver}, seed {seed}: {seconds:.1f} s")
    out.print(f"nothing to ask in {rest} more: what the step writes does not matter to the property")
    out.print()
    out.print(to_proofs_table(proved), soft_wrap=False)
    for number, sentence in enumerate(assumptions(proved), start=1):
        out.print(f"assumption {number}: {sentence}")
    for never in vacuity.never if vacuity else ():
        out.print(f"never happens: {never.ending} ({never.how})")
    for idle in vacuity.premises if vacuity else ():
        out.print(
            f"says nothing: in {idle.property}, the premise {idle.text} ({idle.where}) never matters", style="bold"
        )
    out.print()
    _print_against(proved)
    lost = [lemma.name for lemma in induction.conditions.lemmas if not induction.holds(lemma)]
    if lost:
        out.print(f"not proved, though given as lemmas: {', '.join(lost)}", style="bold red")
    return worst([exit_code(proved.verdicts), Exit.UNKNOWN if lost else Exit.AS_EXPECTED])


def _print_against(proved: Proved) -> None:
    """Why what is not proved is not: a run that breaks it, or what keeps the proof from being one."""
    properties = {prop.name: prop for prop in (*proved.machine.properties, *proved.induction.conditions.properties)}
    violated = set()
    for verdict in proved.verdicts:
        if verdict.reason:
            out.print(f"{verdict.property}: {verdict.reason}", style="bold")
        if verdict.trace is not None:
            violated.add(verdict.property)
            prop = properties.get(verdict.property)
            print_narrative(out, verdict.trace, proved.machine, prop=prop, money=proved.machine.money)
        if verdict.reason or verdict.trace:
            out.print()
    for found, meaning in proved.against:
        if not (found.prop.name in violated and isinstance(meaning, Reachable)):
            print_counterexample(out, found, meaning)
            out.print()


def _print_rechecked(rechecked: Rechecked) -> Exit:
    for result in rechecked.disputed:
        err.print(
            f"disagreement: {rechecked.solver} finds that {result.condition.step} does not keep "
            f"{result.condition.property}, which was proved; one of the two is wrong (condition {result.digest})",
            style="bold red",
        )
    for result in rechecked.undecided:
        out.print(f"{rechecked.solver} gave up on {result.condition.step}, {result.condition.property}", style="yellow")
    confirmed = len(rechecked.answers) - len(rechecked.disputed) - len(rechecked.undecided)
    out.print(
        f"{rechecked.solver}: {confirmed} of {count(len(rechecked.answers), 'proof')} confirmed, "
        f"{rechecked.seconds:.1f} s"
    )
    out.print()
    if rechecked.disputed:
        return Exit.VIOLATION
    return Exit.UNKNOWN if rechecked.undecided else Exit.AS_EXPECTED


def _conditions(proved: Proved) -> dict[str, str]:
    """What was asked, by the name of the file that it becomes."""
    named = {}
    for result in proved.induction.results.values():
        names = (proved.machine.design, result.condition.property, result.condition.step.replace(" ", "-"))
        named["-".join(filter(None, names)) + ".smt2"] = result.text
    return {file: text for file, text in named.items() if text}


def _write_conditions(folder: Path, texts: Mapping[str, str]) -> None:
    """Each condition as a file, and what `sha256sum` says of them. A folder that holds others too is refused."""
    others = sorted({path.name for path in folder.glob("*.smt2")} - texts.keys())
    if others:
        raise SpecificationError(
            f"{str(folder)!r} holds conditions that are not of this run, such as {others[0]}; name another folder"
        )
    for file, text in texts.items():
        write_whole(folder / file, text)
    write_whole(folder / "SHA256SUMS", "".join(f"{digest(text)}  {file}\n" for file, text in texts.items()))
