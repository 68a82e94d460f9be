"""L1 in the simulated world: the specification's rollup, in blocks that may be undone, told late or not at all."""

from __future__ import annotations

from collections import Counter, deque
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coordination.chain.accounts import address_of_number
from coordination.chain.quote import Address, Claim, Status
from coordination.conform.node.live import Live, at, keep
from coordination.conform.node.safety import Safety, records
from coordination.conform.node.setting import (
    ADDRESSES,
    BOND,
    HOLDINGS,
    REWARD_POOL,
    epoch_of,
    number_of,
    proposer_of,
    world_of,
)
from coordination.machine.machine import Machine
from coordination.node.core.view import Head
from coordination_spec import words
from coordination_spec.state import Coordination
from coordination_spec.words import Account, Epoch, Slot
from coordination_spec.world import World

ROOM = 40  # transactions that are pending; the oldest are dropped first
DEPTH = 6  # blocks that can still be undone, or told
FACTS = ("now", "made", "taken", "signed_elsewhere", "sent")  # what no reorganisation undoes


class Signed(NamedTuple):
    """The signature that a claim carries: a node's is the take for `slot`; an adversary's, whatever it can present."""

    signer: Account
    slot: int | None


class Transaction(NamedTuple):
    """A call about an epoch on its way: of a node, which knows it by `key`, or of an adversary's account."""

    sender: str
    key: tuple[Any, ...]
    epoch: int
    action: str
    arguments: tuple[Any, ...]  # the specification's
    signed: Signed | None = None  # what a claim carries: in each slot it may recover to another account


@dataclass
class Block:
    """The state before a block, and what was accepted in it."""

    before: Coordination
    accepted: list[Transaction] = field(default_factory=list)


class Chain:
    """The canonical chain. `state` is the specification's, with all that honest keys have signed anywhere."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.live: Live[Coordination] = Live(machine, world_of(machine, honest=False))
        self.state = self.live.empty()
        for name, amount in HOLDINGS.items():
            self.state.balance.entries[(number_of(ADDRESSES[name]),)] = amount
        self.state.held = self.state.reward_pool = REWARD_POOL  # type: ignore[assignment]
        self.safety = Safety(machine, self.live)
        self.pending: list[Transaction] = []
        self.accepted = Counter[str]()  # calls, by action
        self.slashed = 0  # bonds
        self._blocks = deque([Block(copy(self.state))], maxlen=DEPTH)
        self._told: deque[Coordination] = deque([copy(self.state)], maxlen=DEPTH)  # the newest first, one a slot

    @property
    def world(self) -> World:
        world: World = self.live.constants
        return world

    def begin_slot(self, slot: int) -> None:
        """It is `slot`: a new block begins. What is long over is dropped from the records."""
        self._told.appendleft(copy(self.state))
        self.state.now = Slot(slot)
        self._forget()
        self._blocks.append(Block(copy(self.state)))
        self.safety.check(self.state)

    def mine(self, number: int) -> str | None:
        """Include the pending transaction of that number, whatever becomes of it."""
        transaction = self.pending.pop(number)
        before = copy(self.state)
        action = self._machine.action(transaction.action)
        refusal = self.live.step(self.state, action, *transaction.arguments, *self._recovered(transaction))
        if refusal is not None:
            assert refusal.error is not None, f"{transaction} is no call: {refusal}"
            return refusal.error
        self.accepted[transaction.action] += 1
        was_claimed = before.status[Epoch(transaction.epoch)] == words.Status.CLAIMED
        self.slashed += transaction.action == "prune" and was_claimed
        self._blocks[-1].accepted.append(transaction)
        self.safety.check_step(before, self.state)
        return None

    def reorganise(self, depth: int) -> int:
        """Undo the last blocks, as many as `depth`; what they had accepted is pending again."""
        undone = [self._blocks.pop() for _ in range(min(depth, len(self._blocks) - 1) or 1)]
        facts = {name: getattr(self.state, name) for name in FACTS}
        self.state = copy(undone[-1].before)
        for name, value in facts.items():
            setattr(self.state, name, value)
        for block in reversed(undone):
            self.pending += block.accepted
        self._blocks.append(Block(copy(self.state)))
        self.safety.check(self.state)
        return len(undone)

    def withdraw(self, sender: str, key: tuple[Any, ...]) -> None:
        """What is pending is cancelled."""
        self.pending = [each for each in self.pending if (each.sender, each.key) != (sender, key)]

    def told(self, behind: int) -> Coordination:
        """The state as of so many slots ago, as it looked then."""
        return self._told[min(behind, len(self._told)) - 1] if behind else self.state

    def head(self, slot: int, behind: int) -> Head:
        """What L1 says to a node in `slot`; or what it said `behind` slots ago, to a node that was as far back."""
        state, asked = self.told(behind), max(slot - behind, 0)
        epoch = epoch_of(asked)
        proposers = {each: proposer_of(each) for each in range(max(asked - 1, 0), asked + 3)}
        return Head(proposers, {each: _claim(state, each) for each in (epoch - 1, epoch) if each >= 0})

    def can_pay(self, prover: Address, behind: int) -> bool:
        return self.told(behind).balance[number_of(prover)] >= BOND

    def _recovered(self, transaction: Transaction) -> tuple[words.Address, ...]:
        """Who a claim's signature recovers to now."""
        signed, s, w = transaction.signed, self.state, self.world
        if signed is None:
            return ()
        if signed.slot is not None:
            return (w.design.recovered_at(w, Slot(signed.slot), s.now),)
        signer, quote = signed.signer, transaction.arguments[1]
        is_shown = self.live.ask(s, lambda s: w.design.shows_take(s, w, signer, quote, s.now))
        return (signer if is_shown else words.NOBODY,)

    def claimed(self) -> list[int]:
        """The epochs that are claimed now, and neither proven nor pruned."""
        return [key[0] for key, status in self.state.status.entries.items() if status == words.Status.CLAIMED]

    def knows(self, epoch: int) -> bool:
        """Whether the records of an epoch are kept."""
        return epoch >= epoch_of(self.state.now) - 1 or (epoch,) in self.state.status.entries

    def _forget(self) -> None:
        """Epochs that have ended change no more, and nobody asks for them; claims of them are refused (C1, C5).

        What was signed is kept for as long as a reorganisation can bring back a claim of its epoch.
        """
        s, current = self.state, epoch_of(self.state.now)
        for record in records(s):
            keep(record, lambda key: key[0] >= current - 1 or s.status[Epoch(key[0])] == words.Status.CLAIMED)
        states = [s, *(block.before for block in self._blocks)]
        slots = {slot for state in states for slot in state.claim_slot.entries.values()}
        keep(s.taken, lambda key: key[2] >= current - 1 or key[0] in slots)
        for signed, place in ((s.made, 1), (s.signed_elsewhere, 3), (s.sent, 2)):
            keep(signed, at(place, lambda epoch: epoch >= current - 1))
        self.pending = [each for each in self.pending if self.knows(each.epoch)][-ROOM:]


def _claim(s: Coordination, number: int) -> Claim:
    epoch = Epoch(number)
    return Claim(
        address_of_number(s.claim_prover[epoch]),
        s.claim_fee[epoch],
        Status(s.status[epoch]),
        address_of_number(s.claim_proposer[epoch]),
        s.claim_slot[epoch],
    )
