"""What the core asks for. Effects are carried out in their order: each is done before the next begins.

A `Remember` is on disk before what follows it, so that a choice is durable before it is published (N4), and a claim is
noted before it is sent (N5).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from coordination.chain.quote import Address, Quote, Signature, SignedQuote


class Topic(Enum):
    """What is gossiped: quotes that provers made, and quotes that proposers took."""

    MAKE = "make"
    TAKE = "take"


class Made(NamedTuple):
    """This node's prover has signed `quote`."""

    quote: Quote


class Chosen(NamedTuple):
    """This node's proposer takes `quote` in `slot`, and no other."""

    slot: int
    quote: Quote


class Claimed(NamedTuple):
    """This node's prover claims by `quote` in `slot`, with that slot's proposer's signature."""

    slot: int
    quote: Quote
    signature: Signature


class Proven(NamedTuple):
    """A proof of `epoch` was handed in to this node."""

    epoch: int
    proof: bytes


Fact = Made | Chosen | Claimed | Proven


class Remember(NamedTuple):
    """Write `fact` to disk. A later `Chosen` or `Claimed` replaces the one before; a `Proven`, that of its epoch."""

    fact: Fact


class Forget(NamedTuple):
    """Quotes and proofs for epochs before `epoch` are of no more use (N7)."""

    epoch: int


class Publish(NamedTuple):
    topic: Topic
    message: SignedQuote


class SendClaim(NamedTuple):
    """Send `claimProofRight`: one transaction for `slot`, however often this is asked."""

    slot: int
    quote: Quote
    signature: Signature


class StopClaim(NamedTuple):
    """The slot is over, or the epoch is claimed: what was sent for `slot` is not to be sent again (N5)."""

    slot: int


class SendProof(NamedTuple):
    """Send `submitEpochProof` for what was claimed in `claim_slot`: one transaction for each proof."""

    epoch: int
    claim_slot: int
    proof: bytes


class StopProof(NamedTuple):
    """The proof phase of that claim is over, or the epoch is: its proof is not to be sent again."""

    epoch: int
    claim_slot: int


class AskProof(NamedTuple):
    """This node's claim of `epoch` has landed: somebody has to compute its proof, to land before slot `deadline`."""

    epoch: int
    deadline: int


class AskFunds(NamedTuple):
    """Ask L1 which of these can pay the bond now; the answer is of use in `slot` only."""

    slot: int
    provers: tuple[Address, ...]


Effect = Remember | Forget | Publish | SendClaim | StopClaim | SendProof | StopProof | AskProof | AskFunds
