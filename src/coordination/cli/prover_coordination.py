"""`coordination prover-coordination ...`, which is `aztec prover-coordination ...` too: asking a running node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from coordination.cli.console import out, run
from coordination.node.api.errors import ApiError
from coordination.report.verdicts import count

URL = "http://127.0.0.1:8645"
STRANGE = "what answers there is no node of prover coordination: --json shows its answer"

NodeOption = Annotated[str, typer.Option("--node-url", envvar="AZTEC_NODE_URL", help="The node to ask.")]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="AZTEC_NODE_TOKEN_FILE",
        help="A file with the token that the node asks for; without one, it is taken from AZTEC_NODE_TOKEN.",
    ),
]
EpochOption = Annotated[int, typer.Option("--epoch", min=0)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what the node answers.")]

prover_coordination = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Bid for epochs and prove them, by a node that runs."
)


@prover_coordination.command("submit-epoch-proof-bid")
def submit_epoch_proof_bid(
    epoch: EpochOption,
    basis_point_fee: Annotated[
        int, typer.Option("--basis-point-fee", min=0, help="The prover's share of the reward: 10000 is all of it.")
    ],
    node_url: NodeOption = URL,
    token_file: TokenOption = None,
) -> None:
    """Offer to prove an epoch: the node signs a quote with its prover's key, and publishes it.

    Exit codes of this and the other commands here: 0 done, 1 the node refuses, 2 wrong usage, or no node answers.
    """
    _ask(node_url, token_file, "submitEpochProofBid", epoch=epoch, basisPointFee=basis_point_fee)
    out.print(f"bid {basis_point_fee} basis points for epoch {epoch}; of several bids for it, the cheapest counts")


@prover_coordination.command("submit-epoch-proof")
def submit_epoch_proof(
    epoch: EpochOption,
    proof: Annotated[str, typer.Option("--proof", metavar="FILE-or-0x...", help="A file of bytes, or the bytes.")],
    node_url: NodeOption = URL,
    token_file: TokenOption = None,
) -> None:
    """Hand in the proof of an epoch: the node keeps it, and sends it to L1 if it has claimed the epoch."""
    _ask(node_url, token_file, "submitEpochProof", epoch=epoch, proof=_read_proof(proof))
    out.print(f"handed in a proof of epoch {epoch}")


@prover_coordination.command("quotes")
def quotes(
    epoch: EpochOption, node_url: NodeOption = URL, token_file: TokenOption = None, as_json: JsonOption = False
) -> None:
    """Show the quotes for an epoch that the node knows, the cheapest first."""
    found = _ask(node_url, token_file, "getQuotes", epoch=epoch)
    if as_json:
        out.print(json.dumps(found, indent=1))
    elif rows := _rows(found):
        out.print(_table(("prover", "basis points"), rows), soft_wrap=False)
    else:
        out.print(f"no quotes for epoch {epoch}")


@prover_coordination.command("claim")
def claim(
    epoch: EpochOption, node_url: NodeOption = URL, token_file: TokenOption = None, as_json: JsonOption = False
) -> None:
    """Show how an epoch stands on L1, and who has claimed it."""
    _show(_ask(node_url, token_file, "getClaim", epoch=epoch), as_json)


@prover_coordination.command("status")
def status(node_url: NodeOption = URL, token_file: TokenOption = None, as_json: JsonOption = False) -> None:
    """Show what the node knows of the time, of L1 and of its peers."""
    _show(_ask(node_url, token_file, "getStatus"), as_json)


_aztec = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
_aztec.add_typer(prover_coordination, name="prover-coordination")


@_aztec.callback()
def _described() -> None:
    """What the design of prover coordination adds to the command line of Aztec."""


def aztec() -> NoReturn:
    """Run the command line of the seed: `aztec prover-coordination submit-epoch-proof-bid --epoch 123 ...`."""
    run(_aztec)


def _ask(url: str, token_file: Path | None, method: str, **params: object) -> Any:
    """What the node answers. Raises ApiError."""
    from coordination.node.api.client import Client
    from coordination.node.api.guard import find_token

    return Client(url, find_token(token_file)).call(method, **params)


def _read_proof(proof: str) -> str | bytes:
    """The bytes in a file, or the 0x-hexadecimal digits as they are: the node judges them. Raises ApiError."""
    from coordination.node.api.parameters import PROOF_SIZE

    if proof == "0x":
        raise ApiError("the proof is empty")
    if proof.startswith("0x"):
        return proof
    try:
        with Path(proof).open("rb") as file:
            read = file.read(PROOF_SIZE + 1)
    except OSError as error:
        raise ApiError(f"cannot read the proof from {proof!r}: {error.strerror}") from error
    if not read:
        raise ApiError(f"{proof!r} is no proof: it is empty")
    if len(read) > PROOF_SIZE:
        raise ApiError(f"{proof!r} is no proof: it is longer than {count(PROOF_SIZE, 'byte')}")
    return read


def _rows(quotes: Any) -> list[tuple[object, object]]:
    try:
        return [(quote["prover"], quote["basisPointFee"]) for quote in quotes]
    except (KeyError, TypeError) as error:
        raise ApiError(STRANGE) from error


def _show(fields: Any, as_json: bool) -> None:
    if as_json:
        out.print(json.dumps(fields, indent=1))
    elif isinstance(fields, dict):
        out.print(_table((), [(name, _word(value)) for name, value in fields.items()]), soft_wrap=False)
    else:
        raise ApiError(STRANGE)


def _word(value: object) -> object:
    return {None: "-", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else value


def _table(columns: Sequence[str], rows: Sequence[tuple[object, object]]) -> Table:
    table = Table(
        *columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=bool(columns)
    )
    for row in rows:
        table.add_row(*map(str, row))
    return table
