"""Which durations the contract may be deployed with: those that the specification's world can have, and no others.

No run of a deployed contract shows what its constructor refuses, so it is asked apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from itertools import product

from coordination.chain.artifacts import Artifact
from coordination.chain.deployment import Parameters
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY
from coordination.conform.adapter import Message
from coordination.conform.answers import ELSEWHERE
from coordination.conform.divergence import Divergence, Sent
from coordination.conform.rollup import parameters_of
from coordination.machine.machine import Instance
from coordination.machine.state import SpecificationError
from coordination_spec.world import World

SIZES = (0, 1, 2, 3, 2**255, 2**256 - 1)  # the large ones are there for sums that overflow


def check_durations(instance: Instance, artifact: Artifact) -> Sequence[Divergence]:
    """Deploy with every combination of these sizes. A slot must take time too, which the specification leaves open."""
    world: World = instance.constants
    evm, usual = Evm(), parameters_of(world)
    given = [*_combinations(usual), *(replace(usual, slot_duration=size) for size in SIZES)]
    return [each for each in (_deploy(evm, artifact, world, parameters) for parameters in given) if each]


def _combinations(usual: Parameters) -> Iterator[Parameters]:
    for slots_per_epoch, claim_slots, proof_slots in product(SIZES, repeat=3):
        yield replace(usual, slots_per_epoch=slots_per_epoch, claim_slots=claim_slots, proof_slots=proof_slots)


def _deploy(evm: Evm, artifact: Artifact, world: World, given: Parameters) -> Divergence | None:
    durations = given.slot_duration, given.slots_per_epoch, given.claim_slots, given.proof_slots
    code = artifact.creation((ELSEWHERE, ELSEWHERE, ELSEWHERE, *astuple(given)))
    refusal = artifact.error("InvalidDurations", *durations)
    wanted, found = "accepts it" if _is_possible(world, given) else f"reverts with 0x{refusal.hex()}", "accepts it"
    try:
        evm.deploy(code)
    except RuntimeError as error:
        found = f"reverts with 0x{refusal.hex()}" if f"output: 0x{refusal.hex()} " in str(error) else str(error)
    if wanted == found:
        return None
    text = "constructor(slotDuration {}, slotsPerEpoch {}, claimSlots {}, proofSlots {})".format(*durations)
    return Divergence("deployment", (), Sent(0, Message(NOBODY, NOBODY, code, text), None), wanted, found)


def _is_possible(world: World, given: Parameters) -> bool:
    e, c, p = given.slots_per_epoch, given.claim_slots, given.proof_slots
    try:
        replace(world, slots_per_epoch=e, claim_slots=c, proof_slots=p)
    except SpecificationError:
        return False
    return given.slot_duration > 0
