"""Who makes the moves of a long run, by chance: what is rare in the world is frequent here."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from coordination.conform.node.adversary import FORGERIES
from coordination.conform.node.setting import (
    ADVERSARIES,
    BOND,
    KEYS,
    NAMES,
    NODES,
    POOR,
    REWARD,
    TIMING,
    epoch_of,
    proposer_of,
)
from coordination.conform.node.simulation import Simulation
from coordination.node.core.effects import Topic

PARTS = 3  # of a slot: between them, time stands still
FEES = (0, 250, 250, 500, 500, 1_000, 1_000, 2_500, 5_000, 10_000)
MUCH = ("undercut", "take_much")  # twenty messages at once
USUAL = ("bid", *(kind for kind in FORGERIES if kind not in MUCH))
CALLS = ("prune", "prune", "prune", "submit_epoch_proof", "fund_rewards", "give_tokens")
HONEST = tuple(name for name in KEYS if name not in ADVERSARIES)
NONSENSE = (10_001, 20_000, 2**32 - 1)


class Director:
    """Makes the moves of one run: the same seed, the same moves."""

    def __init__(self, world: Simulation, seed: int) -> None:
        self._world, self._random = world, Random(seed)

    def part(self) -> None:
        """What happens in one part of a slot, and the time that it takes."""
        for name in self._shuffled(NODES):
            self._node(name)
        self._gossip()
        self._chain()
        self._adversary()
        self._bystander()
        self._world.wait(TIMING.slot_duration // PARTS)

    def _chance(self, one_in: float) -> bool:
        return self._random.random() * one_in < 1

    def _shuffled(self, names: Iterable[str]) -> list[str]:
        order = list(names)
        self._random.shuffle(order)
        return order

    def _few(self, *counts: int) -> int:
        """0, or now and then one of these."""
        return self._random.choice(counts) if self._chance(4) else 0

    def _node(self, name: str) -> None:
        world, node = self._world, self._world.nodes[name]
        if node.core is None:
            if self._chance(1.5):
                self._start(name)
            return
        if self._chance(60):
            world.kill(name, self._random.randrange(5))
        if self._chance(1.2):
            world.tick(name, self._few(1, 7, 20))
        if self._chance(1.7):
            world.look(name, self._few(1, 1, 2, 3))
        if node.questions and self._chance(1.3):
            if self._chance(2):
                world.kill(name, self._random.randrange(5))  # while it takes a quote, and perhaps claims by it
            world.answer(name, self._few(1, 2))
        if node.shadow.prover and self._chance(12):
            fee = self._random.choice(FEES if not self._chance(10) else NONSENSE)
            world.bid(name, self._few(-2, -1, -1, 1, 1, 2, 3), fee)
        if node.tasks and self._chance(2):
            epoch = node.tasks.pop(0)
            is_valid = not self._chance(8)
            world.hand_in(name, epoch + 1 - epoch_of(world.slot), is_valid)
            node.tasks += [] if is_valid else [epoch]  # its operator tries again
        if node.shadow.prover and self._chance(100):
            world.hand_in(name, self._few(-2, -1, 1), True)

    def _start(self, name: str) -> None:
        """A node starts, and asks L1 at once; its clock may have gone back."""
        world = self._world
        world.start(name, self._random.choice((0, 9, 14, 14)))
        world.look(name, self._few(1, 2))
        if self._chance(3):
            self._press(name)
        elif self._chance(2):
            self._bring(name)
        if world.nodes[name].questions and self._chance(1.3):
            world.answer(name, 0)

    def _bring(self, name: str) -> None:
        """All that is on its way to a node arrives, the last first."""
        flights = self._world.network.flights
        for number in reversed(range(len(flights))):
            if flights[number][1] == name:
                self._world.deliver(number, False)

    def _gossip(self) -> None:
        world = self._world
        for _ in range(len(world.network.flights) * 2 // 3):
            number = self._any()
            letter, to = world.network.flights[number % len(world.network.flights)]
            is_own = letter.topic is Topic.TAKE and letter.message.quote.prover == world.nodes[to].shadow.prover
            if is_own and self._chance(4):
                world.kill(to, self._random.randrange(3))  # while it claims
            if self._chance(12):
                world.lose(number)
            else:
                world.deliver(number, self._chance(12))

    def _chain(self) -> None:
        world = self._world
        for _ in range(len(world.chain.pending)):
            if self._chance(2):
                world.mine(self._random.randrange(100))
        if self._chance(25):
            world.reorganise(self._random.randint(1, 3))

    def _adversary(self) -> None:
        world, name = self._world, self._random.choice(ADVERSARIES)
        if self._chance(2):
            kind, by = self._random.choice(USUAL), name
            if kind == "sign_elsewhere":
                by = self._random.choice((*HONEST, name))
            elif NAMES[proposer_of(world.slot)] == "mallory" and self._chance(2):
                by, kind = "mallory", self._random.choice(("take", "equivocate"))
            world.forge(kind, by, self._fee(), self._epochs(), self._few(-2, -1, 1, 2, 9), self._any())
        if self._chance(400):
            self._shout("undercut", name, self._random.randint(100, 9_999))  # a prover underbids itself many times
        if NAMES[proposer_of(world.slot)] == "mallory" and self._chance(100):
            self._shout("take_much", "mallory", self._fee())
        if self._chance(8):
            world.claim(name, self._any())
        if self._chance(6):
            amount = self._random.choice((0, 1, REWARD, BOND, 20 * BOND))
            world.call(self._random.choice(CALLS), name, self._few(-1, 1), amount)

    def _bystander(self) -> None:
        """Somebody prunes what was claimed and never proven, sooner or later: else such claims pile up."""
        previous = epoch_of(self._world.slot) - 1
        overdue = [epoch for epoch in self._world.chain.claimed() if epoch < previous - 1]
        if overdue and self._chance(10):
            self._world.call("prune", "penny", min(overdue) - previous, 0)

    def _press(self, name: str) -> None:
        """Nothing but quotes of those who cannot pay comes to a node, one after the other."""
        for poor in POOR:
            self._shout("bid", poor, self._fee())
            if self._world.nodes[name].questions:
                self._world.answer(name, 0)

    def _shout(self, kind: str, name: str, fee: int) -> None:
        """An adversary's messages arrive at once, and in order."""
        world = self._world
        waiting = len(world.network.flights)
        world.forge(kind, name, fee, 0, 0, 0)
        for _ in range(len(world.network.flights) - waiting):
            world.deliver(waiting, False)

    def _fee(self) -> int:
        return self._random.choice((*FEES, 0, 249, 249, 499, self._random.randint(0, 9_999)))

    def _epochs(self) -> int:
        return self._few(-1, 1, 1, 2, 2**256 - 1)

    def _any(self) -> int:
        return self._random.randrange(1_000)
