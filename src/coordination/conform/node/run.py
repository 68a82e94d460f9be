"""Long runs of the simulated world, one seed each; and the faults that they must catch."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from coordination.conform.experiments import Report, silent
from coordination.conform.node.director import Director
from coordination.conform.node.faults import Fault
from coordination.conform.node.moves import Diverged, Divergence, Failure
from coordination.conform.node.setting import simulated
from coordination.conform.node.simulation import Simulation
from coordination.machine.machine import Machine

TAIL = 60  # moves that are shown of a run that went wrong
SLOTS_A_TRY, TRIES = 500, 20  # slots of a run that has to catch a fault, and how many such runs there are at most


@dataclass(frozen=True)
class Ran:
    """What a run did until its end, or until it diverged: the same machine, slots and seed do the same.

    `steps` are the specification's, taken by nodes, and `effects` what they asked for; `calls` are those that the
    contract accepted, `errors` the names by which nodes and contract refused something, `counts` what else happened.
    The program of a `failure` has its last moves only.
    """

    machine: Machine
    planned: int
    seed: int
    slots: int
    moves: int
    judgements: int
    steps: Counter[str]
    calls: Counter[str]
    effects: Counter[str]
    errors: Counter[str]
    counts: Counter[str]
    slashed: int
    failure: Failure | None
    seconds: float

    @property
    def divergence(self) -> Divergence | None:
        return self.failure.divergence if self.failure else None


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
    director, failure = Director(world, seed), None
    started = time.perf_counter()
    try:
        with simulated(at_once=1):  # else nobody has to wait for a turn
            while world.slot < slots:
                director.part()
                report(f"{world.slot:,} of {slots:,} slots")
    except Diverged as diverged:
        failure = diverged.failure
    return Ran(
        machine,
        slots,
        seed,
        slots=world.slot,
        moves=world.moves,
        judgements=world.chain.safety.judgements,
        steps=sum((node.shadow.steps for node in world.nodes.values()), Counter()),
        calls=world.chain.accepted,
        effects=world.effects,
        errors=world.errors,
        counts=world.counts,
        slashed=world.chain.slashed,
        failure=failure,
        seconds=time.perf_counter() - started,
    )


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
