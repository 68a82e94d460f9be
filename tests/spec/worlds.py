"""Small worlds for the tests of the specification, and ways to explore and to call one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coordination.explore.check import Checked, check
from coordination.explore.search import Budget
from coordination.machine import Instance, Machine, Property
from coordination.machine.oracle import Oracle
from coordination.machine.state import flat_key
from coordination.machine.trace import Step, Valuation
from coordination.machine.verdict import Status
from coordination_spec import DESIGNS
from coordination_spec.instances import (
    ABSURD,
    ALICE,
    BOB,
    FREE,
    MALLORY,
    TINY,
    Scenario,
    offer,
)
from coordination_spec.words import NOBODY, Account, Address, Amount, BasisPoints, Epoch, Quote

HARDENED = DESIGNS["0.2.0"]
SEED = DESIGNS["0.1.0"]

# Two epochs, and a proof phase that outlasts its slot: two claims could be running at once.
PAIR = replace(
    TINY,
    name="pair",
    about="two epochs to prove, proof phases of two slots",
    durations=(4, 2, 2),
    last_slot=9,
    epochs=2,
    schedule={4: BOB, 5: BOB, 8: MALLORY, 9: BOB},
    balances={BOB: 2, MALLORY: 4},
    forgeries=offer(MALLORY, 0, FREE) | offer(MALLORY, 1, FREE, ABSURD),
    payments=(1,),
)

# For single calls, at a bond of 1000 and a reward of 999; not explored. Epoch 0 can be claimed in slots 4 and 5,
# epoch 1 in slots 8 and 9; a claim made in slot 4 can be proven in slots 4 and 5.
LEDGER = replace(
    TINY,
    name="ledger",
    about="three epochs, for calls one at a time",
    durations=(4, 2, 2),
    first_slot=0,
    last_slot=15,
    epochs=3,
    schedule={4: MALLORY, 5: BOB, 8: MALLORY, 9: NOBODY},
    balances={ALICE: 1500, BOB: 1500, MALLORY: 1500},
    reward_pool=5000,
    bond=1000,
    reward=999,
)
LEDGER_FEES = tuple(map(BasisPoints, (0, 1, 2_500, 3_333, 9_999, 10_000, 10_001, 20_000)))


def quote(prover: int, epoch: int, fee: int) -> Quote:
    return Quote(Account(Address(prover)), Epoch(epoch), BasisPoints(fee))


def instance_of(machine: Machine, scenario: Scenario) -> Instance:
    """`scenario` under the design of `machine`."""
    return scenario.instance(machine.instance("tiny").constants.design)


def in_debt(instance: Instance) -> Instance:
    """`instance` with room for any sum that a broken rule may lead to, debts included."""
    return replace(instance, domains={**instance.domains, Amount: range(-1_000, 1_001)})


def explore(
    machine: Machine,
    scenario: Scenario = TINY,
    properties: Sequence[Property] | None = None,
    budget: Budget | None = None,
) -> Checked:
    return check(machine, in_debt(instance_of(machine, scenario)), properties or machine.properties, budget)


def violated(checked: Checked) -> dict[str, int]:
    """The properties that do not hold, each with the length of its shortest trace."""
    return {
        verdict.property: len(verdict.trace.steps)
        for verdict in checked.verdicts
        if verdict.status is Status.VIOLATED and verdict.trace is not None
    }


@dataclass(frozen=True)
class Calls:
    """A machine in an instance, one call at a time."""

    oracle: Oracle

    @staticmethod
    def of(machine: Machine = HARDENED, scenario: Scenario = LEDGER) -> Calls:
        instance = instance_of(machine, scenario)
        return Calls(Oracle(machine, replace(instance, domains={**instance.domains, BasisPoints: LEDGER_FEES})))

    def state(self, **edits: Any) -> Valuation:
        return edited(self.oracle.initial(), **edits)

    def attempt(self, state: Valuation, name: str, *arguments: Any) -> Step | None:
        """The step, or None where the world does not allow it."""
        action = next(action for action in self.oracle.machine.actions if action.name == name)
        return self.oracle.run(state, action, tuple(int(part) for part in flat_key(arguments)))

    def call(self, state: Valuation, name: str, *arguments: Any) -> Step:
        step = self.attempt(state, name, *arguments)
        assert step is not None, f"the world does not allow {name}{arguments}"
        assert step.error is None or step.state == state, "a rejected call changes something"
        return step

    def error(self, state: Valuation, name: str, *arguments: Any) -> str | None:
        return self.call(state, name, *arguments).error


def edited(state: Valuation, **edits: Any) -> Valuation:
    """`state` with some variables changed: scalars replaced, maps changed at the keys that are given."""
    values = dict(state.items())
    for name, value in edits.items():
        if isinstance(value, Mapping):
            entries = {tuple(int(part) for part in flat_key(key)): int(entry) for key, entry in value.items()}
            values[name] = {**values[name], **entries}
        else:
            values[name] = int(value)
    return Valuation(values)


def difference(before: Valuation, after: Valuation) -> dict[str, int]:
    """What a step changed, by variable and key, as the change of a number."""
    found: dict[str, int] = {}
    for name, old in before.items():
        new = after[name]
        for key in sorted(old.keys() | new.keys()) if isinstance(old, dict) else [()]:
            change = after.entry(name, key) - before.entry(name, key)
            if change:
                found[name + "".join(f"[{part}]" for part in key)] = change
    return found
