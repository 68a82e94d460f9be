"""Long runs of the simulated world, one seed each; and the faults that they must catch."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from coordination.conform.experiments import Report, silent
from coordination.conform.node.director import Director
from coordination.conform.node.faults import Fault
from coordination.conform.node.moves import Diverged, Divergence
from coordination.conform.node.setting import NODES, simulated
from coordination.conform.node.simulation import Simulation
from coordination.machine.machine import Machine

TAIL = 60  # moves that are shown of a run that went wrong
SLOTS_A_TRY, TRIES = 500, 20  # slots of a run that has to catch a fault, and how many such runs there are at most


@dataclass
class Ran:
    """What a run did until its end, or until it diverged: the same machine, slots and seed do the same.

    `steps` are the specification's, taken by nodes, and `effects` what they asked for; `calls` are those that the
    contract accepted, `errors` the names by which nodes and contract refused something, `counts` what else happened.
    `program` are the last moves of a run that diverged.
    """

    machine: Machine
    planned: int
    seed: int
    slots: int = 0
    moves: int = 0
    judgements: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    slashed: int = 0
    divergence: Divergence | None = None
    program: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Caught:
    """A fault, and the run that has caught it: its seed, and the slot. Without a divergence, none has."""

    fault: Fault
    seed: int
    slots: int
    divergence: Divergence | None


def run(machine: Machine, *, slots: int, seed: int, report: Report = silent) -> Ran:
    """Simulate so many slots, or until a node diverges."""
    world = Simulation(machine, memory=TAIL)
    director, result = Director(world, seed), Ran(machine, slots, seed)
    started = time.perf_counter()
    try:
        with simulated(at_once=1):  # else nobody has to wait for a turn
            while world.slot < slots:
                director.part()
                report(f"{world.slot:,} of {slots:,} slots")
    except Diverged as diverged:
        result.divergence, result.program = diverged.divergence, world.program()
    result.slots, result.moves, result.judgements = world.slot, world.moves, world.chain.safety.judgements
    result.calls, result.errors, result.counts = world.chain.accepted, world.errors, world.counts
    result.effects = world.effects
    result.slashed = world.chain.slashed
    for name in NODES:
        result.steps.update(world.nodes[name].shadow.steps)
    result.seconds = time.perf_counter() - started
    return result


def catch(machine: Machine, fault: Fault, seed: int) -> Caught:
    """Run nodes that have a fault, until one of them diverges; if none does, with the next seeds.

    Raises NoLongerThere.
    """
    slots = 0
    for attempt in range(seed, seed + TRIES):
        with fault.planted():
            ran = run(machine, slots=SLOTS_A_TRY, seed=attempt)
        slots += ran.slots
        if ran.divergence is not None:
            break
    return Caught(fault, attempt, slots, ran.divergence)
