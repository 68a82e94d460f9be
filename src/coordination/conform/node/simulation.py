"""The simulated world: nodes, L1, gossip and time, moved by moves."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coordination.conform.node.adversary import Adversary, Draft
from coordination.conform.node.chain import Chain, Signed, Transaction
from coordination.conform.node.letters import Fact, Letter
from coordination.conform.node.moves import Moved, move
from coordination.conform.node.network import Network
from coordination.conform.node.node import Node
from coordination.conform.node.setting import (
    ADDRESSES,
    ADVERSARIES,
    ELSEWHERE,
    HERE,
    NODES,
    TIMING,
    Remembered,
    epoch_of,
    number_of,
    proposer_of,
    slot_at,
    specified,
)
from coordination.machine.machine import Machine
from coordination.node.core.core import Verdict
from coordination.node.core.effects import (
    Effect,
    Publish,
    SendClaim,
    SendProof,
    StopClaim,
    StopProof,
    Topic,
)
from coordination_spec.words import Epoch, Role, Slot

VERDICTS = {
    (topic, verdict): f"{topic.value}s {done}"
    for topic in Topic
    for verdict, done in zip(Verdict, ("accepted", "ignored", "rejected"), strict=True)
}
VALID, INVALID = b"a proof", b"no proof"


class Simulation(Moved):
    """One run; at its start, every node is down.

    `effects` are those of nodes; `errors` the names by which nodes and contract have refused something; `counts` is
    what else happened.
    """

    def __init__(self, machine: Machine, memory: int | None = None) -> None:
        """`memory` is how many moves are kept; all if it is None."""
        super().__init__(machine.design, memory)
        self._here = Remembered(machine.design, HERE)
        self._adversary = Adversary(self._here, Remembered(machine.design, ELSEWHERE))
        self.machine, self.time = machine, TIMING.genesis_time
        self.chain, self.network = Chain(machine), Network(tuple(NODES))
        self.nodes = {name: Node(name, role, machine, self._here, self) for name, role in NODES.items()}
        self.counts, self.errors, self.effects = Counter[str](), Counter[str](), Counter[str]()

    @property
    def slot(self) -> int:
        return slot_at(self.time)

    # Time and L1

    @move
    def wait(self, seconds: int) -> None:
        """Time passes."""
        for _ in range(seconds):
            self.time += 1
            if self.slot > self.chain.state.now:
                self.chain.begin_slot(self.slot)

    @move
    def mine(self, number: int) -> None:
        """L1 includes a pending transaction."""
        if self.chain.pending:
            self._mine(number % len(self.chain.pending))

    def _mine(self, number: int) -> None:
        self.doing = "L1"
        error = self.chain.mine(number)
        self.errors.update([error] if error else [])

    @move
    def reorganise(self, depth: int) -> None:
        """L1 undoes so many blocks."""
        self.doing = "L1"
        self.counts["blocks undone"] += self.chain.reorganise(depth)
        self.counts["reorganisations"] += 1

    @move
    def call(self, kind: str, name: str, epochs: int, amount: int) -> None:
        """An adversary sends a transaction about the previous epoch, or one so many further."""
        account = number_of(ADDRESSES[name])
        epoch = Epoch(max(epoch_of(self.slot) - 1 + epochs, 0))
        arguments: dict[str, tuple[Any, ...]] = {
            "submit_epoch_proof": (account, epoch, amount % 2 == 0),
            "prune": (account, epoch),
            "fund_rewards": (account, amount),
            "give_tokens": (account, amount),
        }
        if self.chain.knows(epoch):
            self.chain.pending.append(Transaction(name, (), epoch, kind, arguments[kind]))

    @move
    def claim(self, name: str, heard: int) -> None:
        """An adversary claims by a take that was heard, or by one that it signs itself if it may be the proposer."""
        letter = self._heard(heard)
        if letter is not None and letter.fact is not None:
            by = number_of(letter.fact.signer)
            claim = (number_of(ADDRESSES[name]), specified(letter.message.quote))
            epoch = letter.message.quote.epoch
            self.chain.pending.append(Transaction(name, (), epoch, "claim_proof_right", claim, Signed(by, None)))

    # Gossip

    @move
    def deliver(self, number: int, again: bool) -> None:
        """A message arrives at its node; or does, and will once more."""
        if self.network.flights:
            self._deliver(number % len(self.network.flights), again=again)

    def _deliver(self, number: int, *, again: bool) -> None:
        letter, to = self.network.arrive(number, again=again)
        self.doing = f"{to} hears {letter}"
        heard = self.nodes[to].hear(letter)
        self.counts["repeated" if again else "delivered"] += 1
        if heard is not None:
            self.counts[VERDICTS[letter.topic, heard.verdict]] += 1
            self.errors.update([heard.error] if heard.error else [])

    @move
    def lose(self, number: int) -> None:
        """A message is lost."""
        if self.network.flights:
            self.network.flights.pop(number % len(self.network.flights))
            self.counts["lost"] += 1

    @move
    def forge(self, kind: str, name: str, fee: int, epochs: int, slots: int, heard: int) -> None:
        """An adversary sends messages of some kind to everybody, perhaps made of what it has heard."""
        draft = Draft(name, fee, epochs, slots, self._heard(heard))
        for letter in self._adversary.forge(kind, draft, self.slot):
            if name not in ADVERSARIES and letter.fact is not None:
                letter.fact.record(self.chain.state)
            self.network.send(letter)
            self.counts["forged"] += 1

    def _heard(self, number: int) -> Letter | None:
        shelf = self.network.shelf
        return shelf[number % len(shelf)] if shelf else None

    # Nodes

    @move
    def tick(self, name: str, back: int) -> None:
        """A node looks at its clock, which may have gone back so many seconds for once."""
        self.doing = f"{name}'s clock"
        self.nodes[name].tick(self.time - back)

    @move
    def settle(self) -> None:
        """Everything happens that can: nodes start, are told what they want to know, and all that is sent arrives."""
        for name, node in self.nodes.items():
            self.doing = f"{name}, when all is well,"
            if node.core is None:
                node.start(self.time)
            node.tick(self.time)
            node.see(self.chain.head(node.slot, 0))
            self._answer(node, 0)
        while self.network.flights:
            self._deliver(0, again=False)
        for name, node in self.nodes.items():
            self.doing = f"{name}, when all is well,"
            self._answer(node, 0)
        while self.network.flights:
            self._deliver(0, again=False)
        while self.chain.pending:
            self._mine(0)

    @move
    def look(self, name: str, behind: int) -> None:
        """L1 tells a node how things stand, or stood so many slots ago."""
        self.doing = f"{name} is told of L1"
        node = self.nodes[name]
        node.see(self.chain.head(node.slot, behind))

    @move
    def answer(self, name: str, behind: int) -> None:
        """L1 answers a node's first question for funds."""
        self.doing = f"{name} is told who can pay"
        self._answer(self.nodes[name], behind)

    def _answer(self, node: Node, behind: int) -> None:
        if node.questions:
            slot, provers = node.questions.pop(0)
            node.learn_funds(slot, {prover: self.chain.can_pay(prover, behind) for prover in provers})

    @move
    def bid(self, name: str, epochs: int, fee: int) -> None:
        """An operator bids for the current epoch, or one so many further."""
        epoch = max(epoch_of(self.slot) + epochs, 0)
        self.doing = f"{name} is to bid {fee} for epoch {epoch}"
        error = self.nodes[name].bid(epoch, fee)
        self.errors.update([error] if error else [])

    @move
    def hand_in(self, name: str, epochs: int, is_valid: bool) -> None:
        """An operator has a proof of the previous epoch, or one so many further."""
        epoch = max(epoch_of(self.slot) - 1 + epochs, 0)
        self.doing = f"{name} is given a proof of epoch {epoch}"
        error = self.nodes[name].hand_in(epoch, VALID if is_valid else INVALID)
        self.errors.update([error] if error else [])

    @move
    def kill(self, name: str, effects: int) -> None:
        """A node will die before it carries out another effect, or after so many of them."""
        if self.nodes[name].core is not None:
            self.nodes[name].doomed = effects

    @move
    def start(self, name: str, back: int) -> None:
        """A node that is down starts again; its clock may have gone back so many seconds until the next look at it."""
        if self.nodes[name].core is None:
            self.doing = f"{name} starts"
            self.counts["restarts"] += 1
            self.nodes[name].start(self.time - back)

    def carry_out(self, node: Node, effect: Effect) -> None:
        """Send what a node publishes or calls, or stop that."""
        self.effects[type(effect).__name__] += 1
        match effect:
            case Publish(topic, message):
                role = Role.MAKE if topic is Topic.MAKE else Role.TAKE
                signer = node.shadow.prover if topic is Topic.MAKE else node.shadow.proposer
                assert signer is not None
                fact = Fact(signer, role, message.quote, node.slot if role is Role.TAKE else 0)
                fact.record(self.chain.state)
                self.network.send(Letter(topic, message, fact), node.name)
                if topic is Topic.TAKE:
                    self.chain.safety.check_takes(self.chain.state, node.slot)
            case SendClaim(slot, quote, _):
                self.chain.state.sent[Slot(slot), specified(quote)] = True
                claim = (number_of(quote.prover), specified(quote))
                signed = Signed(number_of(proposer_of(slot)), slot)
                call = Transaction(node.name, ("claim", slot), quote.epoch, "claim_proof_right", claim, signed)
                self._send(node, call)
            case SendProof(epoch, slot, proof):
                given = (node.shadow.owner, Epoch(epoch), proof == VALID)
                key = ("proof", epoch, slot, proof)
                self._send(node, Transaction(node.name, key, epoch, "submit_epoch_proof", given))
            case StopClaim(slot):
                self._stop(node, "claim", slot)
            case StopProof(epoch, slot):
                self._stop(node, "proof", epoch, slot)

    def _send(self, node: Node, transaction: Transaction) -> None:
        """One transaction for each intent, however often it is asked for."""
        if transaction.key not in node.outbox:
            node.outbox.add(transaction.key)
            self.chain.pending.append(transaction)

    def _stop(self, node: Node, *key: object) -> None:
        """What has a key that begins like this."""
        for known in [known for known in node.outbox if known[: len(key)] == key]:
            node.outbox.discard(known)
            self.chain.withdraw(node.name, known)
