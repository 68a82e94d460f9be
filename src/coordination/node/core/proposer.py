"""What a proposer decides: which quote it takes, once a slot (N3, N4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile

from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of
from coordination.chain.quote import Address, Quote, SignedQuote
from coordination.chain.signing import Signing, sign
from coordination.node.core.effects import AskFunds, Chosen, Effect, Publish, Remember, Topic
from coordination.node.core.memory import Memory
from coordination.node.core.pool import CAPACITY, Pool
from coordination.node.core.view import View

AT_ONCE = 256  # provers whose funds are asked for together
PATIENCE = 2 * CAPACITY // AT_ONCE  # answers in a slot, after which whose funds are unknown is not waited for


class Proposer:
    """Takes the lowest fee whose prover can pay the bond, the earliest seen on a tie."""

    def __init__(self, key: PrivateKey, signing: Signing, memory: Memory, pool: Pool) -> None:
        self.address = address_of(key)
        self._key, self._signing, self._memory, self._pool = key, signing, memory, pool
        self._published = -1  # the slot of the last take that left this process
        self._solvent: set[Address] = set()  # as far as it is known in this slot
        self._asked: set[Address] = set()
        self._answers = 0  # in this slot

    def begin_slot(self) -> None:
        """What was known of funds is old."""
        self._solvent.clear()
        self._asked.clear()
        self._answers = 0
        self._pool.restore()

    def ask_again(self) -> None:
        """L1 answers again: what it has not answered before may be lost, and is asked once more."""
        self._asked.clear()

    def learn_funds(self, view: View, can_pay: Mapping[Address, bool]) -> None:
        """What is asked again may be answered twice: the first answer counts."""
        news = {prover: can for prover, can in can_pay.items() if prover in self._asked}
        self._answers += 1
        self._asked -= news.keys()
        self._solvent |= {prover for prover, can in news.items() if can}
        self._pool.set_aside(view.previous, {prover for prover, can in news.items() if not can})

    def consider(self, view: View) -> list[Effect]:
        """Take a quote, or ask what has to be known for that, or do nothing."""
        if view.proposer != self.address or not view.is_claimable:
            return []
        chosen = self._memory.chosen
        if chosen is None or chosen.slot < view.slot:
            return self._choose(view)
        if chosen.slot == view.slot and self._published < view.slot:  # it was chosen before a crash
            return self._publish(chosen)
        return []

    def _choose(self, view: View) -> list[Effect]:
        best = next(self._candidates(view), None)
        if best is None or best.prover not in self._solvent:
            return self._ask(view)
        chosen = Chosen(view.slot, best)
        return [Remember(chosen), *self._publish(chosen)]

    def _candidates(self, view: View) -> Iterator[Quote]:
        """Quotes in the order in which they are preferred.

        Ever new provers who cannot pay must not take up the slot: under pressure only those count who can.
        """
        offers = self._pool.best_first(view.previous)
        return (offer for offer in offers if offer.prover in self._solvent) if self._is_pressed else offers

    def _ask(self, view: View) -> list[Effect]:
        """Ask for the funds of those that stand before the first who can pay, one question at a time.

        Under pressure it is asked in the order of arrival, so that it is everybody's turn sooner or later.
        """
        if self._asked:
            return []
        offers = (self._pool.earliest_first if self._is_pressed else self._pool.best_first)(view.previous)
        unknown = takewhile(lambda prover: prover not in self._solvent, (offer.prover for offer in offers))
        self._asked.update(provers := tuple(islice(unknown, AT_ONCE)))
        return [AskFunds(view.slot, provers)] if provers else []

    @property
    def _is_pressed(self) -> bool:
        return self._answers >= PATIENCE

    def _publish(self, chosen: Chosen) -> list[Effect]:
        self._published = chosen.slot
        return [Publish(Topic.TAKE, self._taken(chosen.quote, chosen.slot))]

    def _taken(self, quote: Quote, slot: int) -> SignedQuote:
        return SignedQuote(quote, sign(self._key, self._signing.take_digest(quote, slot)))
