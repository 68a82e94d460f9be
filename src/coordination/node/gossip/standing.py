"""How other peers stand with this node: who is refused, and how fast each is read. No input or output.

`now` is in seconds, of any clock that does not go back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

PEERS = 1_024  # that are known at a time
POINTS = 64  # rejected messages in a row that a peer may pass on: clocks differ, and epochs end
POINTS_BACK = 0.5  # a second
REFUSAL = 60.0  # seconds
BURST = 1_000  # messages at once that are read without a pause
READING = 250.0  # messages a second, after that


class Bucket:
    """Holds up to `capacity`, gains `rate` a second, and can be overdrawn. New ones are full."""

    def __init__(self, capacity: float, rate: float, now: float) -> None:
        self._capacity, self._rate = capacity, rate
        self._level, self._at = capacity, now

    def level(self, now: float) -> float:
        return min(self._capacity, self._level + (now - self._at) * self._rate)

    def draw(self, amount: float, now: float) -> float:
        """Take `amount` out; returns what is left, which may be negative."""
        self._level, self._at = self.level(now) - amount, now
        return self._level

    def is_full(self, now: float) -> bool:
        return self.level(now) >= self._capacity


@dataclass
class _Peer:
    points: Bucket
    reading: Bucket
    refused_until: float = 0.0

    def is_as_new(self, now: float) -> bool:
        return self.refused_until <= now and self.points.is_full(now) and self.reading.is_full(now)


class Standing:
    """Of at most `peers` peers; to forget one that is as good as new changes nothing."""

    def __init__(self, peers: int = PEERS) -> None:
        self._most = peers
        self._peers: dict[Hashable, _Peer] = {}

    def blame(self, peer: Hashable, now: float) -> bool:
        """It passed on what is to be rejected. Returns whether it is refused from now on, for a while."""
        known = self._know(peer, now)
        if known.points.draw(1, now) >= 0:
            return False
        known.refused_until = now + REFUSAL
        return True

    def is_refused(self, peer: Hashable, now: float) -> bool:
        known = self._peers.get(peer)
        return known is not None and now < known.refused_until

    def pause(self, peer: Hashable, messages: int, now: float) -> float:
        """The seconds to wait before so many that came from this peer are worked on."""
        return max(0.0, -self._know(peer, now).reading.draw(messages, now) / READING)

    def __len__(self) -> int:
        return len(self._peers)

    def _know(self, peer: Hashable, now: float) -> _Peer:
        known = self._peers.get(peer)
        if known is None:
            if len(self._peers) >= self._most:
                self._make_room(now)
            known = _Peer(Bucket(POINTS, POINTS_BACK, now), Bucket(BURST, READING, now))
            self._peers[peer] = known
        return known

    def _make_room(self, now: float) -> None:
        """Forget those that are as good as new; if there is none, the one that has least against it."""
        self._peers = {peer: known for peer, known in self._peers.items() if not known.is_as_new(now)}
        if len(self._peers) >= self._most:
            least = min(self._peers.items(), key=lambda item: (item[1].refused_until, -item[1].points.level(now)))
            del self._peers[least[0]]
