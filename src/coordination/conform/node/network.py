"""Gossip in the simulated world: it loses, delays, repeats and reorders."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from coordination.conform.node.letters import Letter

ROOM = 200  # messages on their way; the oldest are lost first
SHELF = 60  # messages that an adversary has kept


class Flight(NamedTuple):
    """A message on its way to one node."""

    letter: Letter
    to: str


class Network:
    """Messages on their way, and those that somebody can send again at any time."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self._nodes = nodes
        self.flights: list[Flight] = []
        self.shelf: deque[Letter] = deque(maxlen=SHELF)

    def send(self, letter: Letter, sender: str = "") -> None:
        """On its way to all other nodes."""
        self.flights += [Flight(letter, node) for node in self._nodes if node != sender]
        del self.flights[:-ROOM]
        self.shelf.append(letter)

    def arrive(self, number: int, *, again: bool) -> Flight:
        """The message of that number arrives; `again`, and it will once more."""
        return self.flights[number] if again else self.flights.pop(number)
