"""N7: what is of no more use is forgotten, in the process and on disk, so that a node can run for years."""

from __future__ import annotations

from coordination.chain.quote import Quote
from coordination.node.core.effects import Forget
from tests.node.core.stage import ALICE, C, E, Stage, head, only


def test_quotes_are_kept_while_their_epoch_can_be_claimed_and_no_longer(version: str) -> None:
    stage = Stage(version)
    stage.at(2 * E)
    stage.hear_make("alice", 2, 1_000)
    for slot in range(2 * E, 3 * E + C):
        stage.at(slot)
        assert stage.core.pool.quotes(2) == [Quote(ALICE, 2, 1_000)]
    stage.at(3 * E + C)
    assert stage.core.pool.quotes(2) == []


def test_the_disk_is_told_once_an_epoch(version: str) -> None:
    stage = Stage(version)
    told = {slot: only(Forget, stage.at(slot)) for slot in range(4 * E)}
    forgotten = {slot: effects for slot, effects in told.items() if effects}
    assert forgotten == {0: [Forget(0)], **{epoch * E + C: [Forget(epoch)] for epoch in (1, 2, 3)}}


def test_after_a_restart_the_disk_is_told_what_it_may_have_missed(version: str) -> None:
    stage = Stage(version, prover="alice")
    stage.at(2 * E)
    stage.bid(2, 1_000)
    stage.restart()
    assert only(Forget, stage.at(9 * E)) == [Forget(8)]
    assert stage.core.memory.made == stage.disk.made == set()


def test_after_many_epochs_a_node_keeps_no_more_than_after_a_few(version: str) -> None:
    """All that it holds, by size: of quotes, takes and what it remembers."""
    stage = Stage(version, prover="alice", proposer="bob")

    def size() -> int:
        core = stage.core
        assert core.prover is not None
        parts = (core.pool, core.memory.made, core.memory.proofs, core._takes, core.prover._takes)
        return sum(map(len, parts))

    sizes = []
    for epoch in range(1, 12):
        for slot in range(epoch * E, (epoch + 1) * E):
            stage.at(slot, head(slot))
            stage.core.hear_make(stage.made("carol", epoch, 1_000 - slot % E))
            stage.hear_take(Quote(ALICE, epoch - 1, 1_000))
        stage.bid(epoch, 1_000)
        stage.hand_in(epoch)
        sizes.append(size())
    assert max(sizes) == max(sizes[:3])
