"""What a node's metrics say after what it has done, read back as Prometheus would."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import Quote, Signature
from coordination.node.core.core import Verdict
from coordination.node.core.effects import Chosen, Claimed, Effect, Forget, Made, Proven, Remember, SendClaim, Topic
from coordination.node.l1.outbox import Outcome, What
from coordination.node.metrics import Metrics

QUOTE = Quote(address_of(development_key("alice")), 7, 1_000)
SIGNATURE = Signature(27, bytes(32), bytes(32))


def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each of the node's own values, by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name.removeprefix("coordination_node_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("coordination_node_")
    }


def test_every_topic_verdict_and_decision_is_there_from_the_start() -> None:
    start = read(Metrics())
    for topic in ("make", "take"):
        for verdict in ("accept", "ignore", "reject"):
            assert start["messages_total", topic, verdict] == 0
    for kind in ("bid", "take", "claim", "proof"):
        assert start["decisions_total", kind] == 0
    assert start["l1_failures_total",] == start["bid_to_claim_seconds_count",] == 0


def test_messages_are_counted_by_topic_and_verdict() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.heard(Topic.MAKE, Verdict.ACCEPT)
    metrics.heard(Topic.TAKE, Verdict.REJECT)
    told = {name: value for name, value in read(metrics).items() if name[0] == "messages_total" and value}
    assert told == {("messages_total", "make", "accept"): 3, ("messages_total", "take", "reject"): 1}


def test_how_things_stand_is_what_was_told_last() -> None:
    metrics = Metrics()
    metrics.at(slot=7, quotes=100, peers=3)
    metrics.at(slot=8, quotes=90, peers=0)
    told = read(metrics)
    assert (told["slot",], told["quotes",], told["peers",]) == (8, 90, 0)


def test_a_decision_is_counted_when_it_is_remembered_and_not_when_it_is_carried_out_again() -> None:
    metrics = Metrics()
    facts = [Made(QUOTE), Chosen(9, QUOTE), Claimed(9, QUOTE, SIGNATURE), Proven(7, b"")]
    effects: list[Effect] = [*map(Remember, facts), Remember(Chosen(10, QUOTE)), SendClaim(9, QUOTE, SIGNATURE)]
    for effect in effects:
        metrics.done(effect)
    told = {name[1]: value for name, value in read(metrics).items() if name[0] == "decisions_total"}
    assert told == {"bid": 1, "take": 2, "claim": 1, "proof": 1}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_from_a_bid_to_its_claim_is_measured() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    metrics.done(Remember(Made(QUOTE)))
    clock.now += 42
    metrics.done(Remember(Claimed(9, QUOTE, SIGNATURE)))
    told = read(metrics)
    assert (told["bid_to_claim_seconds_count",], told["bid_to_claim_seconds_sum",]) == (1, 42)
    assert (told["bid_to_claim_seconds_bucket", "30.0"], told["bid_to_claim_seconds_bucket", "60.0"]) == (0, 1)


def test_a_claim_whose_bid_was_made_before_a_restart_or_forgotten_has_no_such_time() -> None:
    metrics = Metrics()
    claimed = Remember(Claimed(9, QUOTE, SIGNATURE))
    metrics.done(claimed)
    metrics.done(Remember(Made(QUOTE)))
    metrics.done(Forget(QUOTE.epoch + 1))
    metrics.done(claimed)
    assert read(metrics)["bid_to_claim_seconds_count",] == 0
    metrics.done(Remember(Made(QUOTE)))
    metrics.done(Forget(QUOTE.epoch))
    metrics.done(claimed)
    assert read(metrics)["bid_to_claim_seconds_count",] == 1


def test_transactions_are_counted_by_kind_and_outcome() -> None:
    metrics = Metrics()
    metrics.sent(Outcome(What.SENT, "claim:240", ""))
    metrics.sent(Outcome(What.SENT, "claim:241", ""))
    metrics.sent(Outcome(What.MINED, "proof:7:240:0xab", ""))
    metrics.sent(Outcome(What.UNREACHABLE, "", "no endpoint answers"))
    told = {name[1:]: value for name, value in read(metrics).items() if name[0] == "transactions_total"}
    assert told == {("claim", "sent"): 2, ("proof", "mined"): 1, ("l1", "unreachable"): 1}


def test_questions_that_l1_did_not_answer_are_counted() -> None:
    metrics = Metrics()
    metrics.l1_failed()
    assert read(metrics)["l1_failures_total",] == 1


def test_proofs_that_were_missed_are_counted() -> None:
    metrics = Metrics()
    metrics.missed()
    assert read(metrics)["missed_proofs_total",] == 1


def test_two_nodes_in_one_process_do_not_share_metrics() -> None:
    one, other = Metrics(), Metrics()
    one.l1_failed()
    assert (read(one)["l1_failures_total",], read(other)["l1_failures_total",]) == (1, 0)


def test_the_process_is_watched_too() -> None:
    assert b"process_resident_memory_bytes" in Metrics().render()
