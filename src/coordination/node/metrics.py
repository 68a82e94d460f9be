"""What an operator watches of a node over time, in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from coordination.chain.quote import Quote
from coordination.node.core.core import Verdict
from coordination.node.core.effects import Chosen, Claimed, Effect, Fact, Forget, Made, Proven, Remember, Topic

if TYPE_CHECKING:
    from coordination.node.l1.outbox import Outcome

PREFIX = "coordination_node"
BUCKETS = (1, 3, 10, 30, 60, 120, 300, 600, 1_800, 3_600)  # seconds

_DECISIONS: dict[type[Fact], str] = {Made: "bid", Chosen: "take", Claimed: "claim", Proven: "proof"}


class Metrics:
    """One node's. `clock` gives seconds from any moment on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, namespace=PREFIX, registry=registry)

        def gauge(name: str, what: str) -> Gauge:
            return Gauge(name, what, namespace=PREFIX, registry=registry)

        self._messages = counter("messages", "Messages heard, by topic and by what became of them", "topic", "verdict")
        self._decisions = counter("decisions", "Bids, takes, claims and proofs; none twice, restarts included", "kind")
        self._transactions = counter("transactions", "What became of transactions to L1", "kind", "outcome")
        self._missed = counter("missed_proofs", "Claims whose proof did not land in time: each has cost a bond")
        self._l1_failures = counter("l1_failures", "Questions that L1 did not answer")
        self._slot = gauge("slot", "The slot that it is")
        self._quotes = gauge("quotes", "Quotes that are kept")
        self._peers = gauge("peers", "Nodes that this one is connected to")
        self._bid_to_claim = Histogram(
            "bid_to_claim_seconds",
            "From a bid of this node's prover to its claim",
            namespace=PREFIX,
            registry=registry,
            buckets=BUCKETS,
        )
        self._bids: dict[Quote, float] = {}  # when they were made
        for topic in Topic:
            for verdict in Verdict:
                self._messages.labels(topic.value, verdict.value)
        for kind in _DECISIONS.values():
            self._decisions.labels(kind)

    def heard(self, topic: Topic, verdict: Verdict) -> None:
        self._messages.labels(topic.value, verdict.value).inc()

    def at(self, slot: int, quotes: int, peers: int) -> None:
        """How things stand now."""
        self._slot.set(slot)
        self._quotes.set(quotes)
        self._peers.set(peers)

    def done(self, effect: Effect) -> None:
        """An effect was carried out."""
        match effect:
            case Remember(fact):
                self._remembered(fact)
            case Forget(epoch):
                self._bids = {quote: since for quote, since in self._bids.items() if quote.epoch >= epoch}

    def sent(self, outcome: Outcome) -> None:
        """A transaction has come further, or not."""
        kind, _, _ = outcome.key.partition(":")
        self._transactions.labels(kind or "l1", outcome.what.value).inc()

    def missed(self) -> None:
        """A proof did not land in time."""
        self._missed.inc()

    def l1_failed(self) -> None:
        self._l1_failures.inc()

    def render(self) -> bytes:
        """Everything, as it is scraped."""
        return generate_latest(self._registry)

    def _remembered(self, fact: Fact) -> None:
        self._decisions.labels(_DECISIONS[type(fact)]).inc()
        match fact:
            case Made(quote):
                self._bids[quote] = self._clock()
            case Claimed(_, quote, _) if quote in self._bids:
                self._bid_to_claim.observe(self._clock() - self._bids[quote])
