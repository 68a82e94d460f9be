"""Moves of the simulated world: each is written down, so that a run can be told, and run again.

A move names what it needs by small numbers, taken modulo what there is, and does nothing where there is nothing: a list
of moves of which some are left out still makes sense.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from coordination.conform.node.matching import Wrong
from coordination.conform.node.safety import Broken

PREAMBLE = """\
from coordination.conform.node.simulation import Simulation
from coordination_spec import DESIGNS

world = Simulation(DESIGNS["{design}"])"""


@dataclass(frozen=True)
class Divergence:
    """A node does what the specification does not, or not what it must; or a property is broken.

    `slot` is the world's, `doing` says in what, `why` names the rule or the guard.
    """

    slot: int
    doing: str
    why: str

    def __str__(self) -> str:
        return f"slot {self.slot}, {self.doing}: {self.why}"


@dataclass(frozen=True)
class Failure:
    """How a run diverged, and the program that leads there."""

    divergence: Divergence
    program: str


class Diverged(Exception):
    """A move has led to a divergence."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.divergence))
        self.failure = failure

    @property
    def divergence(self) -> Divergence:
        return self.failure.divergence


class Moved(ABC):
    """What is moved. `log` are its last moves, `moves` how many there were, `doing` what the present one does."""

    def __init__(self, design: str, memory: int | None) -> None:
        """`memory` is how many moves are kept; all if it is None."""
        self.log: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=memory)
        self.moves, self.doing, self._design = 0, "", design

    @property
    @abstractmethod
    def slot(self) -> int:
        """What time it is."""

    def program(self) -> str:
        """The moves so far as a program, which raises Diverged if they lead there; of a long run, the last of them."""
        lines = [f"world.{name}({', '.join(map(repr, arguments))})" for name, arguments in self.log]
        is_whole = len(self.log) == self.moves
        return "\n".join([PREAMBLE.format(design=self._design), *lines] if is_whole else ["...", *lines])


M = TypeVar("M", bound=Moved)
P = ParamSpec("P")


def move(make: Callable[Concatenate[M, P], None]) -> Callable[Concatenate[M, P], None]:
    """A method that is a move: what goes wrong in it raises Diverged."""

    @wraps(make)
    def made(self: M, /, *args: P.args, **kwargs: P.kwargs) -> None:
        assert not kwargs, "moves are written down by position"
        self.log.append((make.__name__, args))
        self.moves += 1
        try:
            make(self, *args, **kwargs)
        except (Wrong, Broken) as wrong:
            divergence = Divergence(self.slot, self.doing, str(wrong))
            raise Diverged(Failure(divergence, self.program())) from wrong

    return made
