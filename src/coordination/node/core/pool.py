"""The quotes that a proposer can choose from, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from coordination.chain.quote import Address, Quote

CAPACITY = 4_096  # provers an epoch
IMPROVEMENTS = 16  # cheaper quotes that a prover may follow up with, an epoch

Place = tuple[int, int, Address]  # fee, arrival, prover: the order in which quotes are preferred (N3)


@dataclass
class _Book:
    """The quotes for an epoch: where each prover's stands, how many it has had, who cannot pay, and who could not once.

    `order` is sorted, and holds the places of all but the poor.
    """

    places: dict[Address, Place] = field(default_factory=dict)
    counts: dict[Address, int] = field(default_factory=dict)
    order: list[Place] = field(default_factory=list)
    poor: set[Address] = field(default_factory=set)
    doubtful: set[Address] = field(default_factory=set)

    def line_up(self, place: Place) -> None:
        insort(self.order, place)

    def step_out(self, place: Place) -> None:
        del self.order[bisect_left(self.order, place)]


class Pool:
    """The cheapest quote of each prover, by epoch.

    Its dearer ones need not be kept: they hang on the same bond, so none of them can be the one to take.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._books: dict[int, _Book] = {}
        self._arrivals = 0

    def add(self, quote: Quote) -> bool:
        """Keep the quote, if there is room for it. Whether it is news: the first of its prover's, or cheaper."""
        book = self._books.setdefault(quote.epoch, _Book())
        known = book.places.get(quote.prover)
        if known is not None and (known[0] <= quote.basis_point_fee or book.counts[quote.prover] > IMPROVEMENTS):
            return False
        if known is None and len(book.places) >= self._capacity and not self._make_room(book, quote):
            return True
        self._arrivals += 1
        place = (quote.basis_point_fee, self._arrivals, quote.prover)
        book.counts[quote.prover] = book.counts.get(quote.prover, 0) + 1
        book.places[quote.prover] = place
        if quote.prover not in book.poor:
            if known is not None:
                book.step_out(known)
            book.line_up(place)
        return True

    def has(self, quote: Quote) -> bool:
        """Whether it is the one that is kept of its prover."""
        book = self._books.get(quote.epoch)
        place = book.places.get(quote.prover) if book else None
        return place is not None and place[0] == quote.basis_point_fee

    def best_first(self, epoch: int) -> Iterator[Quote]:
        """The cheapest first, the earliest of equal ones; without those set aside."""
        book = self._books.get(epoch, _Book())
        return (Quote(prover, epoch, fee) for fee, _, prover in book.order)

    def earliest_first(self, epoch: int) -> Iterator[Quote]:
        """The same quotes as they came."""
        book = self._books.get(epoch, _Book())
        return (Quote(prover, epoch, fee) for fee, _, prover in sorted(book.order, key=_arrival))

    def quotes(self, epoch: int) -> list[Quote]:
        """All that are kept, those set aside too, in the same order."""
        book = self._books.get(epoch, _Book())
        return [Quote(prover, epoch, fee) for fee, _, prover in sorted(book.places.values())]

    def set_aside(self, epoch: int, provers: AbstractSet[Address]) -> None:
        """These cannot pay the bond: they are passed over until `restore`."""
        book = self._books.get(epoch, _Book())
        for prover in book.places.keys() & provers - book.poor:
            book.step_out(book.places[prover])
            book.poor.add(prover)

    def restore(self) -> None:
        """Who could not pay may be able to by now; but who once could not gives way to others first."""
        for book in self._books.values():
            for prover in book.poor:
                book.line_up(book.places[prover])
            book.doubtful |= book.poor
            book.poor.clear()

    def forget_before(self, epoch: int) -> None:
        self._books = {of: book for of, book in self._books.items() if of >= epoch}

    def __len__(self) -> int:
        return sum(len(book.places) for book in self._books.values())

    def _make_room(self, book: _Book, quote: Quote) -> bool:
        """Give up a quote whose prover cannot pay, or could not, or else the last, if that is dearer than `quote`."""
        if book.poor:
            prover = min(book.poor)
            book.poor.remove(prover)
        elif book.doubtful:
            prover = min(book.doubtful)
            book.step_out(book.places[prover])
        else:
            fee, _, prover = book.order[-1]
            if fee <= quote.basis_point_fee:
                return False
            book.order.pop()
        book.doubtful.discard(prover)
        del book.places[prover], book.counts[prover]
        return True


def _arrival(place: Place) -> int:
    return place[1]
