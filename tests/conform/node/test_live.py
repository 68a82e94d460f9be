"""The specification run in place says what the oracle says, and its properties in parts what they say of the whole."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from coordination.conform.node.live import Live
from coordination.conform.node.safety import Broken, Safety
from coordination.explore.check import check
from coordination.machine.machine import Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.state import Map, variables
from coordination.machine.trace import Step, Valuation
from coordination.machine.verdict import Status
from coordination_spec import DESIGNS
from coordination_spec.state import Coordination

ROOT = Path(__file__).parents[3]
WALKS, STEPS = 6, 30
WITHOUT = ("C1", "C2", "C3", "C4", "C5", "C6", "F2", "F3", "N4", "X1")  # without one of these, some property breaks


def walks(machine: Machine, oracle: Oracle) -> Iterator[tuple[Valuation, list[Step]]]:
    """States on random walks, each with every step that there is from it; accepted ones lead on."""
    for seed in range(WALKS):
        random, state = Random(seed), oracle.initial()
        for _ in range(STEPS):
            steps = list(oracle.steps(state))
            yield state, steps
            moving = [step for step in steps if step.state != state]
            if not moving:
                break
            state = random.choice(moving).state


def opened(live: Live[Coordination], valuation: Valuation) -> Coordination:
    state = live.empty()
    for variable in variables(Coordination):
        value = valuation[variable.name]
        if variable.index:
            entries = {key: bool(entry) if variable.boolean else entry for key, entry in value.items()}
            getattr(state, variable.name).entries = entries
        else:
            setattr(state, variable.name, value)
    return state


def closed(state: Coordination) -> Valuation:
    values = {variable.name: getattr(state, variable.name) for variable in variables(Coordination)}
    return Valuation(
        {
            name: {key: int(entry) for key, entry in value.entries.items()} if isinstance(value, Map) else int(value)
            for name, value in values.items()
        }
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_a_step_in_place_is_the_oracles_step(design: str) -> None:
    machine = DESIGNS[design]
    instance = machine.instance("tiny")
    oracle, live = Oracle(machine, instance), Live[Coordination](machine, instance.constants)
    random, refused = Random(1), 0
    for state, steps in walks(machine, oracle):
        made = {(step.action, step.arguments): step for step in steps}
        for action in machine.actions:
            for arguments in random.sample(instance.arguments(action), k=min(8, len(instance.arguments(action)))):
                here, step = opened(live, state), made.get((action.name, arguments))
                refusal = live.step(here, action, *action.bind(arguments))
                assert (refusal is None) == (step is not None and step.error is None)
                assert closed(here) == (step.state if step else state)
                if refusal is not None:
                    refused += 1
                    assert (refusal.error, refusal.rule) == (step.error, step.rule) if step else not refusal.error
    assert refused > 1_000


def is_broken_by_the_oracle(machine: Machine, oracle: Oracle, before: Valuation, after: Valuation) -> set[str]:
    return {
        prop.name
        for prop in machine.properties
        if not (oracle.holds(prop, before, after) if prop.kind is Kind.STEP else oracle.holds(prop, after))
    }


def is_broken_in_parts(machine: Machine, live: Live[Coordination], before: Valuation, after: Valuation) -> str | None:
    safety, here = Safety(machine, live), opened(live, after)
    try:
        safety.check_step(opened(live, before), here)
        for slot in {key[0] for key in here.taken.entries}:
            safety.check_takes(here, slot)
    except Broken as error:
        return str(error).split(":")[0]
    return None


def counterexamples(machine: Machine) -> Iterator[tuple[Valuation, Valuation]]:
    """The last step of a shortest run that breaks each property that breaks, whatever that step is."""
    checked = check(machine, machine.instance("tiny"), machine.properties)
    for verdict in checked.verdicts:
        if verdict.status is Status.VIOLATED:
            assert verdict.trace is not None
            yield tuple(verdict.trace.states()[-2:])  # type: ignore[misc]


@pytest.mark.parametrize("rule", WITHOUT)
def test_a_property_in_parts_breaks_where_it_breaks_as_a_whole(rule: str) -> None:
    machine = DESIGNS["0.2.0"].without(rule)
    instance = machine.instance("tiny")
    oracle, live = Oracle(machine, instance), Live[Coordination](machine, instance.constants)
    steps = list(counterexamples(machine))
    assert steps
    for before, after in steps:
        whole = is_broken_by_the_oracle(machine, oracle, before, after)
        assert is_broken_in_parts(machine, live, before, after) in whole


def test_a_property_in_parts_holds_where_it_holds_as_a_whole() -> None:
    machine = DESIGNS["0.2.0"]
    instance = machine.instance("tiny")
    oracle, live, random = Oracle(machine, instance), Live[Coordination](machine, instance.constants), Random(2)
    for state, steps in walks(machine, oracle):
        moving = [step for step in steps if step.state != state and step.action != "tick"]
        for step in random.sample(moving, k=min(4, len(moving))):
            assert not is_broken_by_the_oracle(machine, oracle, state, step.state)
            assert is_broken_in_parts(machine, live, state, step.state) is None


def test_a_run_does_not_depend_on_how_python_hashes() -> None:
    program = (
        "from coordination.conform.node.run import run; from coordination_spec import DESIGNS; from dataclasses import "
        "replace; print(replace(run(DESIGNS['0.2.0'], slots=60, seed=5), machine=None, seconds=0))"
    )
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "spec")])
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert "slots=60" in told[0]
