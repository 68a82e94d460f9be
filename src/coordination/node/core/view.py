"""What a node knows of the time and of L1 when it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from coordination.chain.quote import Address, Claim, Status
from coordination.node.core.timing import Timing


class Head(NamedTuple):
    """What L1 says, as of its last block: who proposes in some slots, and how some epochs stand.

    It replaces what was said before, so that a reorganisation needs no telling.
    """

    proposers: Mapping[int, Address]
    claims: Mapping[int, Claim]


@dataclass(frozen=True)
class View:
    """All that concerns a decision in `slot`. What L1 has not told is None."""

    timing: Timing
    slot: int
    head: Head = field(default=Head({}, {}))

    def at(self, slot: int) -> View:
        return replace(self, slot=slot)

    def told(self, head: Head) -> View:
        return replace(self, head=head)

    @property
    def epoch(self) -> int:
        return self.timing.epoch(self.slot)

    @property
    def previous(self) -> int:
        """The epoch that is to be claimed and proven now; -1 in epoch 0."""
        return self.epoch - 1

    @property
    def first_claimable(self) -> int:
        """Quotes for epochs before this one are of no use (N7)."""
        return self.previous if self.timing.can_be_claimed(self.previous, self.slot) else self.epoch

    @property
    def proposer(self) -> Address | None:
        return self.head.proposers.get(self.slot)

    @property
    def claim(self) -> Claim | None:
        """How the previous epoch stands."""
        return self.head.claims.get(self.previous)

    @property
    def is_claimable(self) -> bool:
        """Whether a claim of the previous epoch would be in its phase, and the first."""
        is_open = self.claim is not None and self.claim.status == Status.OPEN
        return is_open and self.timing.is_in_claim_phase(self.slot)
