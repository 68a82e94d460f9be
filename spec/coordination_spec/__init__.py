"""The prover coordination protocol, specified: start with `spec/README.md`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from coordination.machine import Expected, Machine, Pin
from coordination_spec import nodes, rollup
from coordination_spec.all_sizes import all_sizes
from coordination_spec.designs import Design, Hardened, Seed
from coordination_spec.expectations import SEED_IS_KNOWN_TO_BREAK
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


def _machine(design: Design, expected: Mapping[str, Expected]) -> Machine:
    return Machine(
        name="prover coordination",
        design=design.version,
        state=Coordination,
        actions=ACTIONS,
        properties=SAFETY,
        instances={scenario.name: scenario.instance(design) for scenario in SCENARIOS},
        clock="now",
        money=("balance", "held"),
        expected=expected,
        pins=_pins(design),
        unbounded=all_sizes(design),
    )


def _pins(design: Design) -> Mapping[str, Pin]:
    """What exploring each instance must find, from `manifest.toml`."""
    manifest = tomllib.loads(files(__name__).joinpath("manifest.toml").read_text())
    return {instance: Pin(**sizes) for instance, sizes in manifest.get(design.version, {}).items()}


DESIGNS: Mapping[str, Machine] = {
    "0.1.0": _machine(Seed(), SEED_IS_KNOWN_TO_BREAK),
    "0.2.0": _machine(Hardened(), {}),
}
