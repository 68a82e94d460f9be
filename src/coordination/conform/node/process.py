"""What a node knows beside what the specification has a place for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordination.chain.quote import Address, Quote
from coordination.node.core.effects import SendProof


@dataclass
class Process:
    """What a node has in memory beside its quotes: a crash loses it."""

    slot: int = -1  # of the last tick
    proposers: Mapping[int, Address] = field(default_factory=dict)  # as L1 told
    can_pay: dict[Address, bool] = field(default_factory=dict)  # as L1 told in this slot
    answers: int = 0  # about funds, in this slot
    asked: set[Address] = field(default_factory=set)  # for the funds of these, with no answer yet
    improvements: dict[tuple[Address, int], int] = field(default_factory=dict)  # quotes kept, by prover and epoch
    relayed: set[Quote] = field(default_factory=set)  # passed on in this slot
    arrivals: dict[Quote, None] = field(default_factory=dict)  # the quotes that were kept, as they came
    offered: set[Quote] = field(default_factory=set)  # own quotes that were published in this slot
    needless: set[int] = field(default_factory=set)  # epochs for which that was not called for in this slot
    passed_on: dict[int, set[Quote]] = field(default_factory=dict)  # takes by the proposer of a slot
    taken: dict[int, dict[Quote, None]] = field(default_factory=dict)  # those of them that are of own quotes
    took: int = -1  # the slot of the take that was published last
    claimed: int = -1  # the slot of the claim that was sent last
    claiming: int | None = None  # its slot, until it is stopped
    proof: SendProof | None = None  # that was sent, until it is stopped
    begun: tuple[int, int] | None = None  # epoch and slot of a claim whose proof was sent before a crash, perhaps
    proof_asked: tuple[int, int] | None = None  # for this epoch and slot of its claim
