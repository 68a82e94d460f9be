"""What a node remembers through a crash, and what each fact changes in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from coordination.chain.quote import Quote
from coordination.node.core.effects import Chosen, Claimed, Fact, Made, Proven


@dataclass
class Memory:
    """Of choices and claims only the last one matters: no other is made for its slot or an earlier one."""

    made: set[Quote] = field(default_factory=set)
    chosen: Chosen | None = None
    claimed: Claimed | None = None
    proofs: dict[int, bytes] = field(default_factory=dict)

    def remember(self, fact: Fact) -> None:
        match fact:
            case Made(quote):
                self.made.add(quote)
            case Chosen():
                self.chosen = fact
            case Claimed():
                self.claimed = fact
            case Proven(epoch, proof):
                self.proofs[epoch] = proof

    def forget(self, epoch: int) -> None:
        """N7: quotes for epochs before `epoch` go. The proof of the one before it may still be of use."""
        self.made = {quote for quote in self.made if quote.epoch >= epoch}
        self.proofs = {of: proof for of, proof in self.proofs.items() if of >= epoch - 1}
