"""The whole of what a node decides: inputs to effects.

    core = Core(timing, signing, memory, prover=key, proposer=None)
    effects = core.tick(time)
    effects += core.bid(epoch=7, basis_point_fee=1_000)
    heard = core.hear_make(message)          # heard.verdict: pass it on, or drop it
    effects += core.see(head)                # what L1 says

Whoever runs it carries out the effects in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from eth_keys.datatypes import PrivateKey

from coordination.chain.quote import NOBODY, Address, Quote, SignedQuote
from coordination.chain.signing import Signing, recover
from coordination.node.core.effects import Effect, Forget, Publish, Remember, Topic
from coordination.node.core.errors import (
    EPOCH_NOT_CURRENT_OR_PREVIOUS,
    INVALID_BASIS_POINT_FEE,
    INVALID_PROPOSER_SIGNATURE,
    INVALID_PROVER_SIGNATURE,
    NOT_A_PROVER,
    Refused,
)
from coordination.node.core.memory import Memory
from coordination.node.core.pool import Pool
from coordination.node.core.proposer import Proposer
from coordination.node.core.prover import WHOLE, Prover
from coordination.node.core.timing import Timing
from coordination.node.core.view import Head, View

TAKES = 16  # by one slot's proposer that are passed on: an honest one signs one


class Verdict(Enum):
    """What becomes of a message: it is passed on, or dropped, or dropped and held against its sender (N2)."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


class Heard(NamedTuple):
    """`error` says why a message was rejected."""

    verdict: Verdict
    effects: list[Effect]
    error: str | None = None


class Core:
    """One node: prover, proposer, both or neither, by the keys that it is given. `memory` is what its disk holds."""

    def __init__(
        self,
        timing: Timing,
        signing: Signing,
        memory: Memory,
        *,
        prover: PrivateKey | None = None,
        proposer: PrivateKey | None = None,
    ) -> None:
        self.memory, self.pool = memory, Pool()
        self.view = View(timing, slot=-1)
        self.prover = Prover(prover, signing, memory) if prover else None
        self.proposer = Proposer(proposer, signing, memory, self.pool) if proposer else None
        self._signing = signing
        self._makes: set[Quote] = set()  # passed on in this slot
        self._takes: dict[int, set[Quote]] = {}  # heard for this slot and the next

    def tick(self, time: float) -> list[Effect]:
        """It is `time`. A slot never comes again, also if the clock goes back."""
        slot = self.view.timing.slot_at(time)
        if slot <= self.view.slot:
            return []
        forgotten = self.view.first_claimable
        self.view = self.view.at(slot)
        self._makes.clear()
        self._takes = {of: takes for of, takes in self._takes.items() if of >= slot}
        effects: list[Effect] = []
        if self.view.first_claimable > forgotten:  # N7
            self.pool.forget_before(self.view.first_claimable)
            effects.append(Forget(self.view.first_claimable))
        if self.proposer:
            self.proposer.begin_slot()
        if self.prover:
            self.prover.begin_slot(slot)
            effects += self.prover.bid_again(self.view)
        return self._done(effects)

    def see(self, head: Head) -> list[Effect]:
        """What L1 says now; it replaces all that it said before."""
        self.view = self.view.told(head)
        if self.proposer:
            self.proposer.ask_again()
        return self._done([])

    def learn_funds(self, slot: int, can_pay: Mapping[Address, bool]) -> list[Effect]:
        """The answer to what AskFunds asked in `slot`; in another it is too old to be of use."""
        if self.proposer and slot == self.view.slot:
            self.proposer.learn_funds(self.view, can_pay)
        return self._done([])

    def bid(self, epoch: int, basis_point_fee: int) -> list[Effect]:
        """N1, for whoever operates this node. Raises Refused."""
        return self._done(self._as_prover().bid(epoch, basis_point_fee, self.view))

    def hand_in(self, epoch: int, proof: bytes) -> list[Effect]:
        """A proof, from whoever operates this node. Raises Refused."""
        return self._done(self._as_prover().hand_in(epoch, proof, self.view))

    def hear_make(self, message: SignedQuote) -> Heard:
        """A message on the make topic: N2. What is known is passed on once a slot, for those who have come since.

        After that it is no news, and nobody is to blame for it.
        """
        quote, view = message.quote, self.view
        if quote in self._makes:
            return Heard(Verdict.IGNORE, [])
        if recover(self._signing.make_digest(quote), message.signature) != quote.prover:
            return Heard(Verdict.REJECT, [], INVALID_PROVER_SIGNATURE)
        if quote.basis_point_fee > WHOLE:
            return Heard(Verdict.REJECT, [], INVALID_BASIS_POINT_FEE)
        if quote.epoch not in (view.epoch, view.previous):
            return Heard(Verdict.REJECT, [], EPOCH_NOT_CURRENT_OR_PREVIOUS)
        if not self.pool.has(quote) and not self._keep(quote):
            return Heard(Verdict.IGNORE, [])
        self._makes.add(quote)
        return Heard(Verdict.ACCEPT, self._done([]))

    def hear_take(self, message: SignedQuote) -> Heard:
        """A message on the take topic. It is of use in the slot whose proposer signed it; clocks may differ by one."""
        quote, view = message.quote, self.view
        if quote.basis_point_fee > WHOLE:
            return Heard(Verdict.REJECT, [], INVALID_BASIS_POINT_FEE)
        usable = (slot for slot in (view.slot, view.slot + 1) if view.timing.is_claimed_in(quote.epoch, slot))
        slot = next((slot for slot in usable if self._is_by_proposer_of(slot, message)), None)
        if slot is None:
            return self._hear_useless_take(message)
        if self.prover:
            self.prover.note_take(slot, message)
        heard = self._takes.setdefault(slot, set())
        if quote in heard or len(heard) >= TAKES:
            return Heard(Verdict.IGNORE, self._done([]))
        heard.add(quote)
        return Heard(Verdict.ACCEPT, self._done([]))

    def _hear_useless_take(self, message: SignedQuote) -> Heard:
        """It may be late, or early; but only a proposer can have signed it."""
        near = (self.view.slot - 1, self.view.slot, self.view.slot + 1)
        are_known = all(slot in self.view.head.proposers for slot in near)
        if are_known and not any(self._is_by_proposer_of(slot, message) for slot in near):
            return Heard(Verdict.REJECT, [], INVALID_PROPOSER_SIGNATURE)
        return Heard(Verdict.IGNORE, [])

    def _is_by_proposer_of(self, slot: int, message: SignedQuote) -> bool:
        proposer = self.view.head.proposers.get(slot, NOBODY)
        if proposer == NOBODY:
            return False
        return recover(self._signing.take_digest(message.quote, slot), message.signature) == proposer

    def _as_prover(self) -> Prover:
        if self.prover is None:
            raise Refused(NOT_A_PROVER, "this node has no prover's key")
        return self.prover

    def _keep(self, quote: Quote) -> bool:
        """Whether the quote is news. For an epoch that can no longer be claimed it is of no use (N7)."""
        return quote.epoch >= self.view.first_claimable and self.pool.add(quote)

    def _done(self, effects: list[Effect]) -> list[Effect]:
        """These effects, and what follows from what is known now."""
        self._apply(effects)
        for role in (self.proposer, self.prover):
            more = role.consider(self.view) if role else []
            self._apply(more)
            effects += more
        return effects

    def _apply(self, effects: list[Effect]) -> None:
        """Know what was asked for. A node does not hear its own messages from the network."""
        for effect in effects:
            match effect:
                case Remember(fact):
                    self.memory.remember(fact)
                case Forget(epoch):
                    self.memory.forget(epoch)
                case Publish(Topic.MAKE, message):
                    self._keep(message.quote)
                case Publish(Topic.TAKE, message) if self.prover:
                    self.prover.note_take(self.view.slot, message)
