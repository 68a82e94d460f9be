"""The prover coordination protocol, specified: start with `spec/README.md`."""

from __future__ import annotations

from collections.abc import Mapping

from coordination.machine import Machine
from coordination_spec import nodes, rollup
from coordination_spec.designs import Design, Hardened, Seed
from coordination_spec.instances import SCENARIOS
from coordination_spec.properties import SAFETY
from coordination_spec.state import Coordination

ACTIONS = (
    nodes.tick,
    nodes.make_quote,
    nodes.sign_elsewhere,
    nodes.receive_quote,
    nodes.choose_quote,
    nodes.publish_take,
    nodes.crash_proposer,
    nodes.send_claim,
    rollup.claim_proof_right,
    rollup.submit_epoch_proof,
    rollup.prune,
    rollup.fund_rewards,
    rollup.give_tokens,
)


def _machine(design: Design) -> Machine:
    return Machine(
        name="prover coordination",
        design=design.version,
        state=Coordination,
        actions=ACTIONS,
        properties=SAFETY,
        instances={scenario.name: scenario.instance(design) for scenario in SCENARIOS},
        clock="now",
    )


DESIGNS: Mapping[str, Machine] = {design.version: _machine(design) for design in (Seed(), Hardened())}
