"""What the interface asks of the node behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from coordination.chain.quote import Address, Claim, Quote


class NodeStatus(NamedTuple):
    """How a node is and what it knows. `last_l1_contact` is in Unix seconds; `version` is the design, as 0.2.0.

    `prover` and `proposer` are the node's own addresses, None if it has no such key; `current_proposer` is None as
    long as L1 has not told. `is_healthy` is the node's own judgement: whether it could bid, take and claim now.
    """

    version: str
    chain_id: int
    rollup: Address
    slot: int
    epoch: int
    is_in_claim_phase: bool
    current_proposer: Address | None
    prover: Address | None
    proposer: Address | None
    peers: int
    pool_size: int
    last_l1_contact: int | None
    is_healthy: bool


class Operator(Protocol):
    """A node, to whoever operates it.

    Each raises `core.errors.Refused` for what it does not carry out. Each may be cancelled where it waits, when the
    one who asked has waited too long: no effect may then be left half done.
    """

    async def bid(self, epoch: int, basis_point_fee: int) -> None:
        """N1. The epoch is any uint256, the fee any uint32."""

    async def hand_in(self, epoch: int, proof: bytes) -> None:
        """Somebody has computed a proof; it has at most `parameters.PROOF_SIZE` bytes."""

    async def quotes(self, epoch: int) -> Sequence[Quote]:
        """The quotes for an epoch that this node knows, the cheapest first."""

    async def claim(self, epoch: int) -> Claim:
        """How an epoch stands on L1."""

    async def status(self) -> NodeStatus:
        """Answers at once, also while L1 does not."""
