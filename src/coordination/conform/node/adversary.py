"""What anybody can do to honest nodes: messages with any signature that can be made, and calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from coordination.chain.quote import Quote, Signature, SignedQuote
from coordination.chain.signing import ORDER, sign
from coordination.conform.node.letters import Fact, Letter
from coordination.conform.node.setting import ADDRESSES, KEYS, Remembered, epoch_of
from coordination.node.core.effects import Topic
from coordination_spec.words import WHOLE, Role

LARGEST = 2**256 - 1  # epoch


class Draft(NamedTuple):
    """A forgery to make: by whose key, at which fee, so many epochs and slots off, of a message that was heard."""

    name: str
    fee: int
    epochs: int
    slots: int
    heard: Letter | None


class Adversary:
    """Makes messages. Honest keys it does not have, but for `elsewhere`: they are used on another rollup too."""

    def __init__(self, here: Remembered, elsewhere: Remembered) -> None:
        self._here, self._elsewhere = here, elsewhere

    def forge(self, kind: str, draft: Draft, slot: int) -> Iterator[Letter]:
        """The messages of a kind, in `slot`."""
        return FORGERIES[kind](self, draft, slot)

    def _quote(self, draft: Draft, slot: int) -> Quote:
        """A quote of its own for the previous epoch, or one so many further."""
        return Quote(ADDRESSES[draft.name], min(max(epoch_of(slot) - 1 + draft.epochs, 0), LARGEST), draft.fee)

    def _make(self, name: str, quote: Quote) -> Letter:
        fact = Fact(ADDRESSES[name], Role.MAKE, quote)
        return Letter(Topic.MAKE, SignedQuote(quote, sign(KEYS[name], self._here.make_digest(quote))), fact)

    def _take(self, name: str, quote: Quote, slot: int) -> Letter:
        fact = Fact(ADDRESSES[name], Role.TAKE, quote, slot)
        return Letter(Topic.TAKE, SignedQuote(quote, sign(KEYS[name], self._here.take_digest(quote, slot))), fact)

    def bid(self, draft: Draft, slot: int) -> Iterator[Letter]:
        yield self._make(draft.name, self._quote(draft, slot))

    def bid_too_much(self, draft: Draft, slot: int) -> Iterator[Letter]:
        quote = self._quote(draft, slot)
        yield self._make(draft.name, quote._replace(basis_point_fee=WHOLE + 1 + draft.fee))

    def undercut(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """Many quotes, each cheaper than the one before."""
        quote = self._quote(draft, slot)
        for less in range(min(draft.fee, 20)):
            yield self._make(draft.name, quote._replace(basis_point_fee=draft.fee - less))

    def speak_for_another(self, draft: Draft, slot: int) -> Iterator[Letter]:
        quote = self._quote(draft, slot)
        if draft.heard is not None:
            quote = quote._replace(prover=draft.heard.message.quote.prover)
        yield self._make(draft.name, quote)

    def change(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """What was heard, at another fee."""
        if draft.heard is not None:
            message = draft.heard.message
            changed = message.quote._replace(basis_point_fee=draft.fee)
            yield draft.heard._replace(message=message._replace(quote=changed))

    def spoil(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """What was heard, with a signature of the same key in the upper half of s."""
        if draft.heard is not None and draft.heard.fact is not None:
            topic, (quote, (v, r, s)), _ = draft.heard
            upper = (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
            yield Letter(topic, SignedQuote(quote, Signature(55 - v, r, upper)), None)

    def repeat(self, draft: Draft, slot: int) -> Iterator[Letter]:
        if draft.heard is not None:
            yield draft.heard

    def confuse(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """What was heard, on the other topic."""
        if draft.heard is not None:
            other = Topic.TAKE if draft.heard.topic is Topic.MAKE else Topic.MAKE
            yield draft.heard._replace(topic=other)

    def take(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """A take of what was heard, or of a quote of its own that nobody has seen, whether or not the slot is its."""
        quote = draft.heard.message.quote if draft.heard else self._quote(draft, slot)
        yield self._take(draft.name, quote, max(slot + draft.slots, 0))

    def equivocate(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """Takes of two quotes in one slot, one of them perhaps never made."""
        if draft.heard is not None:
            quote = draft.heard.message.quote
            yield self._take(draft.name, quote, slot)
            yield self._take(draft.name, quote._replace(basis_point_fee=draft.fee), slot)

    def take_much(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """Takes of many quotes in one slot, of which none was ever made."""
        quote = self._quote(draft, slot)
        for less in range(min(draft.fee, 20)):
            yield self._take(draft.name, quote._replace(basis_point_fee=draft.fee - less), slot)

    def sign_elsewhere(self, draft: Draft, slot: int) -> Iterator[Letter]:
        """A key is used on another rollup: to make a quote, or to take one that was heard."""
        name, own, heard = draft.name, self._quote(draft, slot), draft.heard
        if heard is not None and draft.slots > 0 and heard.message.quote.basis_point_fee <= WHOLE:
            quote, at = heard.message.quote, slot + draft.slots
            signature = sign(KEYS[name], self._elsewhere.take_digest(quote, at))
            fact = Fact(ADDRESSES[name], Role.TAKE, quote, at, is_here=False)
            yield Letter(Topic.TAKE, SignedQuote(quote, signature), fact)
        else:
            signature = sign(KEYS[name], self._elsewhere.make_digest(own))
            yield Letter(Topic.MAKE, SignedQuote(own, signature), Fact(ADDRESSES[name], Role.MAKE, own, is_here=False))


Forgery = Callable[[Adversary, Draft, int], Iterator[Letter]]
FORGERIES: Mapping[str, Forgery] = {
    forgery.__name__: forgery
    for forgery in (
        Adversary.bid,
        Adversary.bid_too_much,
        Adversary.undercut,
        Adversary.speak_for_another,
        Adversary.change,
        Adversary.spoil,
        Adversary.repeat,
        Adversary.confuse,
        Adversary.take,
        Adversary.equivocate,
        Adversary.take_much,
        Adversary.sign_elsewhere,
    )
}
