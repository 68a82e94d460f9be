"""From what a node is started with to a node at work; what is missing or wrong is told before anything is done."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import trio
from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of
from coordination.chain.deployment import find_proof
from coordination.chain.quote import Address
from coordination.chain.signing import signing
from coordination.node.api.guard import Settings as ApiSettings
from coordination.node.core.core import Core
from coordination.node.core.timing import Timing
from coordination.node.gossip.settings import Settings as GossipSettings
from coordination.node.l1.client import L1, Described
from coordination.node.l1.outbox import Outbox
from coordination.node.logs import libraries_log_to, open_log
from coordination.node.metrics import Metrics
from coordination.node.running import Node
from coordination.node.store import Store, StoreError

STORE, SEED = "node.sqlite", "peer.key"  # in a node's folder
SEED_SIZE = 32  # bytes


@dataclass(frozen=True)
class Settings:
    """`l1_urls` are endpoints of one chain, the first preferred; `chain_id` is checked if it is given.

    `home` is the node's folder, made if there is none.
    """

    l1_urls: tuple[str, ...]
    rollup: Address
    chain_id: int | None
    home: Path
    listen: str
    peers: tuple[str, ...]
    api: ApiSettings
    prover: PrivateKey | None
    proposer: PrivateKey | None
    has_development_proofs: bool


async def run_node(settings: Settings) -> None:
    """Until cancelled, or ended by SIGTERM. Raises L1Error, StoreError, GossipError or ApiError: one line each."""
    l1 = L1(settings.l1_urls, settings.rollup, settings.chain_id)
    rollup = l1.describe()
    prepare(settings.home)
    store = Store(settings.home / STORE, identity_of(settings.rollup, rollup, settings.prover, settings.proposer))
    try:
        core = Core(
            Timing.of(rollup.parameters),
            signing(rollup.version, rollup.chain_id, settings.rollup),
            store.load(),
            prover=settings.prover,
            proposer=settings.proposer,
        )
        outbox = Outbox(l1, store, settings.prover) if settings.prover else None
        seed = keep_seed(settings.home / SEED)
        keys = [key.to_bytes() for key in (settings.prover, settings.proposer) if key]
        tokens = [settings.api.token.encode()] if settings.api.token else []
        log = open_log(secrets=[*keys, *tokens, seed])
        prove = find_proof if settings.has_development_proofs else None
        node = Node(core, store, l1, rollup, outbox, Metrics(), log, prove)
        gossiping = GossipSettings(rollup.version, seed, settings.listen, settings.peers)
        with libraries_log_to(log):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_when_told, nursery.cancel_scope)
                await node.run(gossiping, settings.api)
    finally:
        store.close()


async def _cancel_when_told(scope: trio.CancelScope) -> None:
    """By whoever manages services. On Ctrl-C trio raises KeyboardInterrupt by itself."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


def identity_of(address: Address, rollup: Described, prover: PrivateKey | None, proposer: PrivateKey | None) -> str:
    """Whose store it is: what some keys have signed and chosen for one rollup says nothing of others.

    A development chain that begins anew has the same addresses, but its slots count from another time.
    """
    keys = {"prover": prover, "proposer": proposer}
    who = " and ".join(f"{role} {address_of(key)}" for role, key in keys.items() if key)
    since = rollup.parameters.genesis_time
    return f"{who} of rollup {address} on chain {rollup.chain_id}, design {rollup.version}, slots since {since}"


def prepare(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{home} cannot be made: {error.strerror}") from error


def keep_seed(path: Path) -> bytes:
    """The secret behind this node's id on the network, made once. Raises StoreError if it is not whole."""
    try:
        if not path.exists():
            new = path.with_suffix(".new")  # a crash leaves none that is not whole
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(os.urandom(SEED_SIZE))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        seed = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be used: {error.strerror}") from error
    if len(seed) != SEED_SIZE:
        raise StoreError(
            f"{path} is not a node's: it has {len(seed)} bytes, not {SEED_SIZE}; remove it to get a new id"
        )
    return seed
