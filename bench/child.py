"""What a child process does: `explore` an instance, or have Spin `recount` it, and print what was found as JSON.

`python -m bench.child explore|recount MACHINE INSTANCE all|none` judges all properties of the machine, or none.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence

from bench.measuring import Row
from coordination.explore.promela import to_promela
from coordination.explore.search import Budget, Search
from coordination.explore.spin import SpinError, recount_model
from coordination.explore.values import clock_values
from coordination.machine.machine import Instance, Machine, Pin
from coordination.machine.property import Property
from coordination.machine.state import SpecificationError
from coordination_spec import DESIGNS
from tests.two_phase_commit import TWO_PHASE_COMMIT

MEMORY = 16 << 30  # give up before the computer does
MACHINES = {"two-phase-commit": TWO_PHASE_COMMIT, **DESIGNS}


def explore(machine: Machine, instance: Instance, properties: Sequence[Property]) -> Row:
    """`compile` is reading the specification and compiling its kernels, `seconds` the search alone."""
    started = time.perf_counter()
    search = Search(machine, instance, properties)
    for fixed in clock_values(machine, instance):
        search.kernel(fixed.get(machine.clock, 0))
    compiled = time.perf_counter()
    found = search.run(Budget(memory=MEMORY))
    ended = time.perf_counter()
    if found.exhausted:
        sys.exit(f"not explored to the end: {found.exhausted}")
    size, pin = Pin(found.states, found.transitions, found.depth), machine.pins.get(instance.name)
    if pin and pin != size:
        sys.exit(f"drift: {size} where the manifest has {pin}")
    return {
        "states": found.states,
        "steps": found.tally.accepted.total(),
        "depth": found.depth,
        "found": sorted(found.found),
        "compile": compiled - started,
        "seconds": ended - compiled,
    }


def recount(machine: Machine, instance: Instance, properties: Sequence[Property]) -> Row:
    """`compile` is exporting the model, spin and gcc, `seconds` the verifier's search alone."""
    started = time.perf_counter()
    counted = recount_model(to_promela(machine, instance, properties), properties, memory=MEMORY)
    elapsed = time.perf_counter() - started
    return {
        "states": counted.states,
        "steps": counted.transitions,
        "found": sorted(name for name, found in counted.verdicts.items() if found),
        "seconds": counted.seconds,
        "compile": elapsed - counted.seconds,
    }


def main(what: str, machine_name: str, instance_name: str, judged: str) -> None:
    machine = MACHINES[machine_name]
    properties = machine.properties if judged == "all" else ()
    try:
        row = {"explore": explore, "recount": recount}[what](machine, machine.instance(instance_name), properties)
    except (SpinError, SpecificationError) as error:
        sys.exit(str(error))
    print(json.dumps(row, default=int))


if __name__ == "__main__":
    main(*sys.argv[1:])
