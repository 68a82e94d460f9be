"""Short runs of the simulated world, made by Hypothesis: of one that diverges it finds a shortest, as a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.strategies import SearchStrategy

from coordination.conform.experiments import Report, silent
from coordination.conform.node.adversary import FORGERIES
from coordination.conform.node.moves import Diverged, Failure
from coordination.conform.node.setting import ADVERSARIES, BOND, NODES, TIMING, simulated
from coordination.conform.node.simulation import Simulation
from coordination.conform.repeatable import run_rules
from coordination.machine.machine import Machine

NODE = st.sampled_from(tuple(NODES))
ANYBODY = st.sampled_from(ADVERSARIES)
NUMBER = st.integers(0, 9)
BEHIND = st.integers(0, 2)
EPOCHS = st.integers(-1, 2)
FEE = st.sampled_from((500, 250, 0, 1_000, 10_000, 10_001))
HALF_A_SLOT = TIMING.slot_duration // 2

MOVES: tuple[tuple[Callable[..., None], tuple[SearchStrategy[Any], ...]], ...] = (
    (Simulation.settle, ()),
    (Simulation.settle, ()),
    (Simulation.wait, (st.sampled_from((TIMING.slot_duration, HALF_A_SLOT, TIMING.slot_duration * 4)),)),
    (Simulation.wait, (st.sampled_from((TIMING.slot_duration, HALF_A_SLOT)),)),
    (Simulation.bid, (NODE, EPOCHS, FEE)),
    (Simulation.tick, (NODE, st.sampled_from((0, 0, HALF_A_SLOT, TIMING.slot_duration)))),
    (Simulation.look, (NODE, BEHIND)),
    (Simulation.answer, (NODE, BEHIND)),
    (Simulation.deliver, (NUMBER, st.booleans())),
    (Simulation.lose, (NUMBER,)),
    (Simulation.mine, (NUMBER,)),
    (Simulation.hand_in, (NODE, EPOCHS, st.booleans())),
    (Simulation.kill, (NODE, st.integers(0, 3))),
    (Simulation.start, (NODE, st.sampled_from((0, TIMING.slot_duration)))),
    (Simulation.reorganise, (st.integers(1, 3),)),
    (Simulation.claim, (ANYBODY, NUMBER)),
    (
        Simulation.forge,
        (st.sampled_from(tuple(FORGERIES)), ANYBODY, FEE, EPOCHS, st.integers(-1, 1), NUMBER),
    ),
    (
        Simulation.call,
        (st.sampled_from(("prune", "submit_epoch_proof", "fund_rewards")), ANYBODY, EPOCHS, st.sampled_from((0, BOND))),
    ),
)


@dataclass
class Tried:
    """So many runs of so many moves each, until one diverged. The same machine, seed, runs and moves do the same."""

    machine: Machine
    seed: int
    runs: int
    moves: int
    made: int = 0  # moves, until the first divergence
    failure: Failure | None = None  # of the shortest run found that diverges


def search(machine: Machine, *, seed: int, runs: int, moves: int, report: Report = silent) -> Tried:
    """Make so many runs. Stops at the first that diverges, and makes it as short as can be."""
    result = Tried(machine, seed, runs, moves)
    with simulated():
        try:
            run_rules(_rules(result, report), seed=seed, examples=runs, steps=moves)
        except Diverged as diverged:
            result.failure = diverged.failure
    return result


def _rules(result: Tried, report: Report) -> type[RuleBasedStateMachine]:
    """A rule for each of the moves. All have the same name: Hypothesis leaves out some in some runs, by their names."""
    is_over = False

    class Runs(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.world = Simulation(result.machine)
            report(f"{result.made:,} moves" + (", making what was found shorter" if is_over else ""))

        def make(self, move: Callable[..., None], arguments: tuple[Any, ...]) -> None:
            nonlocal is_over
            result.made += not is_over
            try:
                move(self.world, *arguments)
            except Diverged:
                is_over = True
                raise

    rules = {f"rule {number}": _rule(*each) for number, each in enumerate(MOVES)}
    return type("Runs", (Runs,), rules)


def _rule(move: Callable[..., None], arguments: tuple[SearchStrategy[Any], ...]) -> Callable[..., None]:
    def step(runs: Any, arguments: tuple[Any, ...]) -> None:
        runs.make(move, arguments)

    return rule(arguments=st.tuples(*arguments))(step)
