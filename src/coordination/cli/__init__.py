"""The command line: `coordination check | prove | find | trace | export | conform | replay`."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from coordination.chain.errors import ChainError
from coordination.cli.check import check_command
from coordination.cli.conform import conform_contract
from coordination.cli.console import err
from coordination.cli.prove import prove_command
from coordination.cli.replay import replay_command
from coordination.cli.traces import export_promela, find_command, trace_command
from coordination.machine import SpecificationError
from coordination.machine.terms import NotReadable
from coordination.machine.verdict import Exit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The prover coordination protocol as one executable definition: explore it, and see what holds and why.",
)
export = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Write an instance for another tool.")
app.add_typer(export, name="export")
conform_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Hold an implementation to the specification."
)
app.add_typer(conform_app, name="conform")

app.command("check")(check_command)
app.command("prove")(prove_command)
app.command("find")(find_command)
app.command("trace")(trace_command)
export.command("promela")(export_promela)
conform_app.command("contract")(conform_contract)
app.command("replay")(replay_command)


def main() -> NoReturn:
    """Run the command line; every foreseeable mistake ends in one line and exit code 2."""
    try:
        code = app(standalone_mode=True)
    except (SpecificationError, NotReadable, ChainError) as error:
        err.print(f"error: {error}", style="red")
        code = Exit.WRONG_USAGE
    except OSError as error:
        err.print(f"error: cannot print: {error.strerror}", style="red")
        code = Exit.WRONG_USAGE
    sys.exit(code)
