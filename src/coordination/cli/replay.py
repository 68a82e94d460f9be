"""`coordination replay`: a saved trace, as signed transactions on a development chain."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coordination.cli.console import name_of, out
from coordination.lookup import find_designs, load_trace
from coordination.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.verdict import Exit
from coordination.report.narrative import show_call
from coordination.report.verdicts import count

if TYPE_CHECKING:
    from coordination.conform.rollup.replay import Replayed


def replay_command(
    file: Annotated[Path, typer.Argument(help="A trace, as `find -o` and `check --traces` write it.")],
    rpc: Annotated[
        str | None, typer.Option("--rpc", metavar="URL", help="A fresh anvil; without it, one is started.")
    ] = None,
) -> None:
    """Take a saved trace on a real chain, by signed transactions, and compare it with the specification at each step.

    The oracle runs it first. Exit codes: 0 the chain does as the specification says, 1 it does not, 2 wrong usage.
    """
    from coordination.chain.anvil import anvil
    from coordination.chain.rpc import RpcChain
    from coordination.conform.rollup.replay import accounts, replay

    saved, machine = load_trace(file, find_designs())
    instance = machine.instance(saved.instance)
    Oracle(machine, instance).replay(saved)
    out.print(f"{name_of(machine, instance)}: {saved.property}", style="bold")
    mismatches = 0
    with ExitStack() as stack:
        chain = RpcChain(stack.enter_context(anvil()) if rpc is None else rpc, accounts(instance))
        for entry in replay(saved, machine, chain):
            _print(machine, instance, entry)
            mismatches += len(entry.mismatches)
    out.print(
        f"{count(len(saved.steps), 'step')}, mismatches: {mismatches or 'none'}",
        style="bold red" if mismatches else "green",
    )
    raise typer.Exit(Exit.VIOLATION if mismatches else Exit.AS_EXPECTED)


def _print(machine: Machine, instance: Instance, entry: Replayed) -> None:
    what = show_call(machine, instance, entry.step) if entry.step else "deployed"
    out.print(f"{entry.number:>3}  at {entry.timestamp}: {what}")
    if entry.transaction is None and entry.step:
        out.print("     off chain")
    elif entry.transaction:
        mined = entry.transaction.mined
        out.print(f"     transaction {mined.transaction}, {mined.gas_used:,} gas")
        answer = f"refused: {entry.step.error}" if entry.step and entry.step.error else "accepted"
        out.print(f"     {entry.transaction.message.text}: {answer}")
        if entry.transaction.signature:
            out.print(f"     the signature is {entry.transaction.signature}")
    for mismatch in entry.mismatches:
        out.print(
            f"     {mismatch.kind}: the specification {mismatch.expected}; the chain {mismatch.found}", style="red"
        )
    out.print(f"     compared {count(entry.words, 'word')} of storage and {count(entry.views, 'view')}", style="dim")
