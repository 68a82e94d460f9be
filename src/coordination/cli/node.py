"""`coordination node`: run a node, as prover, proposer or both, by the keys in the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address, is_checksum_address, to_checksum_address

from coordination.chain.errors import ChainError
from coordination.chain.quote import Address
from coordination.cli.console import fail, needing

L1Urls = Annotated[list[str], typer.Option("--l1-url", envvar="L1_URL", help="JSON-RPC of L1; again, to fall back on.")]
Rollup = Annotated[str, typer.Option("--rollup", envvar="ROLLUP_ADDRESS", help="The contract's address.")]
ChainId = Annotated[int | None, typer.Option("--chain-id", min=1, help="Refuse any other chain.")]
Data = Annotated[Path, typer.Option("--data", help="The node's folder: what it must not forget, and its network id.")]
Listen = Annotated[str, typer.Option("--listen", metavar="MULTIADDR", help="Where to listen for other nodes.")]
Peers = Annotated[list[str] | None, typer.Option("--peer", metavar="MULTIADDR", help="Another node; again, for more.")]
ApiHost = Annotated[
    str, typer.Option("--api-host", help="Where to listen for JSON-RPC; beyond loopback, with a token.")
]
ApiPort = Annotated[int, typer.Option("--api-port", min=0, max=65_535, help="0 for any that is free.")]
Proofs = Annotated[bool, typer.Option("--development-proofs", help="Compute what the development verifier accepts.")]


def node_command(
    l1_urls: L1Urls,
    rollup: Rollup,
    chain_id: ChainId = None,
    data: Data = Path("node"),
    listen: Listen = "/ip4/127.0.0.1/tcp/0",
    peers: Peers = None,
    api_host: ApiHost = "127.0.0.1",
    api_port: ApiPort = 8_645,
    development_proofs: Proofs = False,
) -> None:
    """Run a node: a prover with PROVER_PUBLISHER_PRIVATE_KEY, a proposer with VALIDATOR_PRIVATE_KEY, or both.

    Either key may be in an encrypted keystore instead: PROVER_PUBLISHER_KEYSTORE, VALIDATOR_KEYSTORE name the file, and
    ..._KEYSTORE_PASSWORD_FILE the file of its password. Beyond loopback, JSON-RPC needs a token: AZTEC_NODE_TOKEN, or
    AZTEC_NODE_TOKEN_FILE. What happens is logged on standard error, as JSON where that is no terminal.
    """
    with needing("a node", "node"):
        import trio

        from coordination.node.api.errors import ApiError
        from coordination.node.api.guard import Settings as ApiSettings
        from coordination.node.api.guard import find_token
        from coordination.node.gossip.settings import GossipError
        from coordination.node.keys import KeyProblem, load_keys
        from coordination.node.starting import Settings, run_node
        from coordination.node.store import StoreError
    try:
        prover, proposer = load_keys(os.environ)
        settings = Settings(
            tuple(l1_urls),
            _address(rollup),
            chain_id,
            data,
            listen,
            tuple(peers or ()),
            ApiSettings(api_host, api_port, find_token()),
            prover,
            proposer,
            development_proofs,
        )
    except (ApiError, KeyProblem) as error:
        fail(str(error))
    trouble: BaseException | None = None
    try:
        trio.run(run_node, settings)
    except* (ApiError, ChainError, GossipError, StoreError, KeyboardInterrupt) as group:
        trouble = _first(group)
    if isinstance(trouble, KeyboardInterrupt):
        raise trouble
    if trouble is not None:
        fail(str(trouble))


def _address(text: str) -> Address:
    """An address in small letters or capitals, or in both with the right checksum (EIP-55)."""
    digits = text.removeprefix("0x")
    if not is_address(text) or (digits not in (digits.lower(), digits.upper()) and not is_checksum_address(text)):
        fail(f"--rollup {text!r} is no address: it takes 0x and 40 hexadecimal digits, in the case of its checksum")
    return to_checksum_address(text)


def _first(trouble: BaseException) -> BaseException:
    """One of those that ended the node together."""
    return _first(trouble.exceptions[0]) if isinstance(trouble, BaseExceptionGroup) else trouble
