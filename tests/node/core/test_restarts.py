"""N4 and N5 through crashes: a node that dies between any two effects, and again, never says two different things.

One node that proves and proposes goes through the claim phase of an epoch. It is killed at each moment, before or after
an effect that it asks for, and at each pair of moments, and starts again from what its disk holds. Each time it then
hears a cheaper quote than all before, and in mallory's slot a take of another quote of its own: whoever has forgotten
what it chose, or claimed, would choose or claim that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from functools import partial
from itertools import combinations, count

import pytest

from coordination.chain.quote import Quote, SignedQuote
from coordination.node.core.core import Core
from coordination.node.core.effects import (
    AskFunds,
    Chosen,
    Claimed,
    Effect,
    Publish,
    SendClaim,
    SendProof,
    Topic,
)
from coordination.node.core.memory import Memory
from coordination.node.core.view import Head
from tests.node.core.stage import BOB, CAROL, MALLORY, TIMING, C, E, Stage, claimed, head, only, with_claim, write

EPOCH = 2
FIRST = (EPOCH + 1) * E
MALLORYS = FIRST + 1  # slot, the others are bob's
LAST = FIRST + C - 1
OWN = (500, 480)  # the fees of bob's bids
AGAIN = 7  # moments within which it dies a second time

Order = Callable[[list[Effect]], list[Effect]]


class Crash(Exception):
    """The process is gone, and so is what it had not carried out."""


def told_in(slot: int) -> Head:
    """What L1 says: the epoch is open, and slots are bob's, but for mallory's."""
    proposers = {of: MALLORY if of == MALLORYS else BOB for of in range(slot - 1, slot + 3)}
    return head(slot)._replace(proposers=proposers)


def landed_in(slot: int) -> Head:
    return with_claim(told_in(slot), EPOCH, claimed(BOB, LAST))


class World:
    """What happens to bob's node, and what it lets others see."""

    def __init__(self, version: str, crashes: Collection[int], order: Order = list) -> None:
        self.stage = Stage(version, prover="bob", proposer="bob")
        self.takes: dict[int, list[SignedQuote]] = defaultdict(list)  # published, by slot
        self.claims: dict[int, list[SendClaim]] = defaultdict(list)
        self.proofs: list[SendProof] = []
        self.moments = 0
        self._crashes, self._order, self._count = crashes, order, count()
        self._slot, self._known, self._lives = 0, told_in(0), 0

    def play(self) -> None:
        """Bids and others', the slots of the claim phase, a claim that lands in the last, and a proof."""
        self.at(FIRST - 1, told_in(FIRST - 1))
        for fee in OWN:
            self.ask(partial(Core.bid, epoch=EPOCH, basis_point_fee=fee))
        self.hear_make("alice", 900)
        self.at(FIRST, told_in(FIRST))
        self.hear_make("carol", 450)
        self.at(MALLORYS, told_in(MALLORYS))
        self.hear_take_of(OWN[1])
        self.at(LAST, told_in(LAST))
        self.see(landed_in(LAST))
        self.ask(partial(Core.hand_in, epoch=EPOCH, proof=b"a proof"))
        self.at(LAST + 1, landed_in(LAST + 1))

    def hear_make(self, by: str, fee: int) -> None:
        self.give(lambda core: core.hear_make(self.stage.made(by, EPOCH, fee)).effects)

    def hear_take_of(self, fee: int) -> None:
        """Mallory takes one of bob's quotes in her slot."""
        taken = self.stage.taken(Quote(BOB, EPOCH, fee), by="mallory", slot=MALLORYS)
        self.give(lambda core: core.hear_take(taken).effects)

    def at(self, slot: int, known: Head) -> None:
        self._slot, self._known = slot, known
        self.give(lambda core: core.tick(TIMING.start_of(slot)))
        self.see(known)

    def see(self, known: Head) -> None:
        self._known = known
        self.give(lambda core: core.see(known))

    def ask(self, request: Callable[[Core], list[Effect]]) -> None:
        """An operator's request, which is repeated until it is answered."""
        while not self.give(request):
            pass

    def give(self, happens: Callable[[Core], list[Effect]]) -> bool:
        """Whether the node lives on after it. If not it is started again."""
        try:
            self._carry_out(happens(self.stage.core))
            return True
        except Crash:
            self._lives += 1
            self.stage.restart()
            self.at(self._slot, self._known)
            self.hear_make("dave", 100 - self._lives)
            if self._slot == MALLORYS:
                self.hear_take_of(OWN[0])
            return False

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in self._order(effects):
            self._live_on()
            write(self.stage.disk, effect)
            self._show(effect)
        self._live_on()
        for asked in only(AskFunds, effects):
            answer = dict.fromkeys(asked.provers, True)
            self._carry_out(self.stage.core.learn_funds(asked.slot, answer))

    def _live_on(self) -> None:
        self.moments = next(self._count)
        if self.moments in self._crashes:
            raise Crash

    def _show(self, effect: Effect) -> None:
        """What others see was on disk before."""
        disk = self.stage.disk
        match effect:
            case Publish(Topic.MAKE, message):
                assert message.quote in disk.made
            case Publish(Topic.TAKE, message):
                assert disk.chosen == Chosen(self._slot, message.quote)
                self.takes[self._slot].append(message)
            case SendClaim(slot, quote, signature):
                assert disk.claimed == Claimed(slot, quote, signature)
                self.claims[slot].append(effect)
            case SendProof(epoch, _, proof):
                assert disk.proofs[epoch] == proof
                self.proofs.append(effect)


def says_one_thing(version: str, crashes: Collection[int], order: Order = list) -> World:
    world = World(version, crashes, order)
    world.play()
    assert world.takes.keys() == {FIRST, LAST}
    assert all(len(set(takes)) == 1 for takes in world.takes.values())
    assert all(len(set(claims)) == 1 for claims in world.claims.values())
    assert MALLORYS in world.claims
    assert set(world.proofs) == {SendProof(EPOCH, LAST, b"a proof")}
    return world


def test_without_a_crash_there_is_a_take_a_slot_and_a_claim_of_each_take_of_bobs(version: str) -> None:
    world = says_one_thing(version, [])
    taken = {slot: message.quote for slot, [message] in world.takes.items()}
    assert taken == {FIRST: Quote(BOB, EPOCH, 480), LAST: Quote(CAROL, EPOCH, 450)}
    sent = {slot: claim.quote for slot, [claim] in world.claims.items()}
    assert sent == {FIRST: Quote(BOB, EPOCH, 480), MALLORYS: Quote(BOB, EPOCH, 480)}
    assert len(world.proofs) == 1


def test_a_node_killed_at_any_moment_says_one_thing(version: str) -> None:
    moments = says_one_thing(version, []).moments
    assert moments > 30
    for crash in range(moments + 1):
        says_one_thing(version, [crash])


def test_a_node_killed_twice_says_one_thing() -> None:
    moments = says_one_thing("0.2.0", []).moments
    crashes = [pair for pair in combinations(range(moments + AGAIN), 2) if pair[1] - pair[0] <= AGAIN]
    assert len(crashes) > 200
    for pair in crashes:
        says_one_thing("0.2.0", pair)


def test_a_choice_that_was_written_but_not_published_is_published_after_the_crash(version: str) -> None:
    world = World(version, [])
    before = Memory()
    chosen = Chosen(FIRST, world.stage.made("alice", EPOCH, 900).quote)
    before.remember(chosen)
    world.stage.disk = before
    world.stage.restart()
    world.at(FIRST, told_in(FIRST))
    world.hear_make("carol", 450)
    assert world.takes == {FIRST: [world.stage.taken(chosen.quote, slot=FIRST)]}


def test_a_restarted_node_whose_clock_went_back_does_not_choose_for_earlier_slots_again(version: str) -> None:
    world = World(version, [])
    world.play()
    world.stage.restart()
    takes = {slot: list(messages) for slot, messages in world.takes.items()}
    for slot in range(FIRST, LAST):
        world.at(slot, told_in(slot))
        world.hear_make("dave", 1)
    assert world.takes == takes


def any_crash_is_seen(order: Order) -> bool:
    """Whether some crash makes a node say two things, or show what was not on disk."""
    try:
        for crash in range(says_one_thing("0.2.0", [], order).moments):
            says_one_thing("0.2.0", [crash], order)
    except AssertionError:
        return True
    return False


def published_first(effects: list[Effect]) -> list[Effect]:
    return sorted(effects, key=lambda effect: not isinstance(effect, Publish))


def sent_first(effects: list[Effect]) -> list[Effect]:
    return sorted(effects, key=lambda effect: not isinstance(effect, SendClaim))


@pytest.mark.parametrize("order", [published_first, sent_first])
def test_effects_carried_out_in_another_order_are_seen(order: Order) -> None:
    assert not any_crash_is_seen(list)
    assert any_crash_is_seen(order)


@pytest.mark.parametrize("lost", ["chosen", "claimed"])
def test_a_disk_that_loses_what_was_written_is_seen(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    restart = Stage.restart

    def restart_with_loss(stage: Stage) -> None:
        setattr(stage.disk, lost, None)
        restart(stage)

    monkeypatch.setattr(Stage, "restart", restart_with_loss)
    assert any_crash_is_seen(list)
