"""What the contract may be deployed with: the durations that the specification's world can have, and no others.

No call of a deployed contract shows what its constructor refuses, so it is asked apart; and, because a world has no
seconds, whether the contract tells the slot from the time whatever its clock was set to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from itertools import product

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer
from coordination.chain.deployment import Parameters
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address
from coordination.conform.adapter import Message
from coordination.conform.divergence import Divergence, Sent, show_answer
from coordination.conform.rollup.adapter import parameters_of
from coordination.conform.rollup.answers import ELSEWHERE
from coordination.machine.machine import Instance
from coordination.machine.state import SpecificationError
from coordination_spec.words import Duration
from coordination_spec.world import World

SIZES = (0, 1, 2, 3, 2**255, 2**256 - 1)  # the large ones are there for sums that overflow
MOMENTS = (1, 2**64 - 1, 0)  # in seconds; the time in a block's header has 64 bits


def check_parameters(instance: Instance, artifact: Artifact) -> Iterator[Divergence]:
    """Deploy with every combination of these sizes, and ask each contract for its slot.

    A slot must take time, of which the specification knows nothing.
    """
    world: World = instance.constants
    evm, usual = Evm(), parameters_of(world)
    for e, c, p in product(SIZES, repeat=3):
        yield from _check(evm, artifact, world, replace(usual, slots_per_epoch=e, claim_slots=c, proof_slots=p))
    for genesis_time, slot_duration in product((*SIZES, usual.genesis_time), SIZES):
        clock = replace(usual, genesis_time=genesis_time, slot_duration=slot_duration)
        yield from _check(evm, artifact, world, clock)


def _check(evm: Evm, artifact: Artifact, world: World, given: Parameters) -> Iterator[Divergence]:
    durations = given.slot_duration, given.slots_per_epoch, given.claim_slots, given.proof_slots
    code = artifact.creation((ELSEWHERE, ELSEWHERE, ELSEWHERE, *astuple(given)))
    refusal = artifact.error("InvalidDurations", *durations).hex()
    wanted, found = "accepts it" if _is_possible(world, given) else f"reverts with 0x{refusal}", "accepts it"
    try:
        there = evm.deploy(code)
    except RuntimeError as error:
        found = f"reverts with 0x{refusal}" if f"output: 0x{refusal} " in str(error) else str(error)
    if wanted != found:
        text = "constructor(slotDuration {}, slotsPerEpoch {}, claimSlots {}, proofSlots {})".format(*durations)
        yield Divergence("deployment", (), Sent(0, Message(NOBODY, NOBODY, code, text), None), wanted, found)
    elif found == "accepts it":
        yield from _ask(evm, artifact, there, given)


def _is_possible(world: World, given: Parameters) -> bool:
    e, c, p = map(Duration, (given.slots_per_epoch, given.claim_slots, given.proof_slots))
    try:
        replace(world, slots_per_epoch=e, claim_slots=c, proof_slots=p)
    except SpecificationError:
        return False
    return given.slot_duration > 0


def _ask(evm: Evm, artifact: Artifact, there: Address, given: Parameters) -> Iterator[Divergence]:
    message = Message(ELSEWHERE, there, artifact.call("currentSlot"), "currentSlot()")
    for moment in MOMENTS:
        slot = max(moment - given.genesis_time, 0) // given.slot_duration
        evm.at(moment)
        answers = [Answer(True, slot.to_bytes(32, "big")), evm.call(message.sender, there, message.data)]
        if answers[0] != answers[1]:
            wanted, found = (show_answer(answer, [artifact]) for answer in answers)
            yield Divergence("view", (), Sent(moment, message, None), wanted, found)
