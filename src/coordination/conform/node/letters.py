"""What is signed, and what is sent: a message is bytes to a node, and a fact to the specification."""

from __future__ import annotations

from typing import NamedTuple

from coordination.chain.quote import Address, Quote, SignedQuote
from coordination.conform.node.setting import NAMES, number_of, proposer_of, specified
from coordination.node.core.effects import Topic
from coordination_spec.state import Coordination
from coordination_spec.words import Role, Slot


class Fact(NamedTuple):
    """`signer` has signed `quote`: as its maker, or as its taker for `slot`; here, or for another rollup."""

    signer: Address
    role: Role
    quote: Quote
    slot: int = 0
    is_here: bool = True

    def record(self, s: Coordination) -> None:
        """Add it to what has been signed.

        A take by who does not propose in its slot, or a make of another's quote, is no fact of this rollup: it has the
        digest that it has, as if it had been signed anywhere else.
        """
        signer, quote = number_of(self.signer), specified(self.quote)
        if self.is_here and self.role is Role.MAKE and self.signer == self.quote.prover:
            s.made[quote] = True
        elif self.is_here and self.role is Role.TAKE and self.signer == proposer_of(self.slot):
            s.taken[Slot(self.slot), quote] = True
        else:
            s.signed_elsewhere[self.role, signer, quote] = True


class Letter(NamedTuple):
    """A message on a topic. There is no `fact` if its signature is nobody's, or is over something else."""

    topic: Topic
    message: SignedQuote
    fact: Fact | None

    def __str__(self) -> str:
        return f"{show_quote(self.message.quote)} {self._signed()}"

    def _signed(self) -> str:
        if self.fact is None:
            return "signed by nobody"
        verb = "made" if self.fact.role is Role.MAKE else f"taken for slot {self.fact.slot}"
        where = "" if self.fact.is_here else " on another rollup"
        other = "" if self.fact.quote == self.message.quote else f", but as {show_quote(self.fact.quote)}"
        return f"{verb} by {NAMES[self.fact.signer]}{where}{other}"


def show_quote(quote: Quote) -> str:
    return f"{NAMES.get(quote.prover, quote.prover)}'s quote for epoch {quote.epoch} at {quote.basis_point_fee}"
