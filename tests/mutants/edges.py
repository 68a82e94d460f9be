"""An instance that goes to the edges that the shipped ones leave out, small enough to be executed for each mutant.

It starts before genesis, ends an epoch in each way, has a slot without a proposer, a fee of exactly the whole and one
above it, and a reward of which a fee leaves dust. Mallory alone acts: what honest nodes do, the contract cannot see.
"""

from __future__ import annotations

from dataclasses import replace

from coordination.machine import Instance, Machine
from coordination_spec.instances import BOB, FREE, MALLORY, Scenario, offer
from coordination_spec.words import NOBODY, WHOLE, BasisPoints

THIRD = BasisPoints(3_333)
FEES = (FREE, THIRD, WHOLE, BasisPoints(WHOLE + 1))

EDGES = Scenario(
    name="edges",
    about="two epochs to prove, from before genesis on; mallory alone bids, proposes and claims",
    durations=(4, 2, 1),
    first_slot=0,
    last_slot=11,
    epochs=2,
    schedule={5: NOBODY},
    balances={BOB: 2, MALLORY: 5},
    reward_pool=7,
    bids=frozenset(),
    forgeries=offer(MALLORY, 0, *FEES[1:]) | offer(MALLORY, 1, THIRD) | offer(BOB, 0, THIRD),
    elsewhere=frozenset(),
    payments=(15,),
    reward=5,
)


def edges(machine: Machine) -> Instance:
    """The instance in the design of `machine`."""
    design = next(iter(machine.instances.values())).constants.design
    instance = EDGES.instance(design)
    return replace(instance, domains={**instance.domains, BasisPoints: FEES})
