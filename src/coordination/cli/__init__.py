"""The command line: `coordination check | prove | find | trace | export | conform | replay | node | devnet | ...`."""

from __future__ import annotations

from typing import NoReturn

import typer

from coordination.cli.check import check_command
from coordination.cli.conform import conform_contract
from coordination.cli.conform_node import conform_node
from coordination.cli.console import run
from coordination.cli.devnet import demo_command, devnet_command
from coordination.cli.node import node_command
from coordination.cli.prove import prove_command
from coordination.cli.prover_coordination import prover_coordination
from coordination.cli.replay import replay_command
from coordination.cli.traces import export_promela, find_command, trace_command

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
conform_app.command("node")(conform_node)
app.command("replay")(replay_command)
app.command("node")(node_command)
app.command("devnet")(devnet_command)
app.command("demo")(demo_command)
app.add_typer(prover_coordination, name="prover-coordination")


def main() -> NoReturn:
    """Run the command line."""
    run(app)
