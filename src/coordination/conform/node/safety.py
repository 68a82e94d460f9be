"""The specification's safety properties, of the simulated chain and of all that honest keys have signed.

They are asked of as little as decides them. What a property ranges over are the values that a state names, and some
compare each of these with each.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from coordination.conform.node.live import Live, at, keep
from coordination.machine.machine import Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Map
from coordination_spec import words
from coordination_spec.properties import (
    honest_prover_safe,
    no_equivocation,
    signature_binding,
    single_usable_take,
)
from coordination_spec.state import Coordination

ABOUT_TAKES = (no_equivocation.name, single_usable_take.name)  # they compare takes for one slot with each other
ABOUT_A_CLAIM = (signature_binding.name, honest_prover_safe.name)  # with the takes for it, and what it pays to whom


class Broken(Exception):
    """A property is violated: which, and what it says."""

    def __init__(self, prop: Property) -> None:
        super().__init__(f"{prop.name}: {prop.statement}")


class Safety:
    """Judges the properties that the design keeps. `judgements` counts how often."""

    def __init__(self, machine: Machine, live: Live[Coordination]) -> None:
        kept = [prop for prop in machine.properties if prop.name not in machine.expected]
        self._live = live
        self._of_steps = [prop for prop in kept if prop.kind is Kind.STEP]
        self._of_takes = [prop for prop in kept if prop.name in ABOUT_TAKES]
        self._others = [prop for prop in kept if prop not in (*self._of_steps, *self._of_takes)]
        self._judged: dict[str, list[object]] = {}  # what an invariant read when it was last judged
        self.judgements = 0

    def check(self, state: Coordination) -> None:
        """Every invariant of which something that it reads has changed. Raises Broken."""
        on_chain = _on_chain(state)
        for prop in self._others:
            read = [_value(state, name) for name in self._live.reads(prop)]
            if self._judged.get(prop.name) == read:
                continue
            is_about_claims = prop.name in ABOUT_A_CLAIM
            for part in _claims(on_chain) if is_about_claims else [on_chain]:
                self._judge(prop, part)
            self._judged[prop.name] = read
        self.check_takes(state, state.now)

    def check_takes(self, state: Coordination, slot: int) -> None:
        """What is said of takes: when one for `slot` was published, or that is the present slot now. Raises Broken."""
        here = copy(state)
        keep(here.taken, at(0, lambda of: of == slot))
        for prop in self._of_takes:
            self._judge(prop, here)

    def check_step(self, before: Coordination, after: Coordination) -> None:
        """Every step property of one step, and every invariant after it. Raises Broken.

        The step properties speak of what changes, and of what a claim that runs could come to: other epochs, and
        accounts that gain nothing, are left out.
        """
        changed = {
            key[0]
            for old, new in zip(records(before), records(after), strict=True)
            for key, _ in old.entries.items() ^ new.entries.items()
        }
        changed |= {epoch for (epoch,), status in before.status.entries.items() if status == words.Status.CLAIMED}
        unchanged = dict(before.balance.entries.items() & after.balance.entries.items())
        states = [_of_epochs(_on_chain(state), changed) for state in (before, after)]
        for state in states:
            keep(state.balance, lambda key: key not in unchanged)
        for prop in self._of_steps:
            self._judge(prop, *states)
        self.check(after)

    def _judge(self, prop: Property, *states: Coordination) -> None:
        self.judgements += 1
        if not self._live.holds(prop, *states):
            raise Broken(prop)


def _on_chain(state: Coordination) -> Coordination:
    """What is on the chain, and the takes: no property of a design that keeps it speaks of other signatures."""
    slim = copy(state)
    for signed in (slim.made, slim.signed_elsewhere, slim.sent):
        signed.entries = {}
    return slim


def _of_epochs(state: Coordination, epochs: set[int]) -> Coordination:
    """The records and the takes of some epochs, and all else."""
    part = copy(state)
    for record in records(part):
        keep(record, at(0, epochs.__contains__))
    keep(part.taken, at(2, epochs.__contains__))
    return part


def _claims(state: Coordination) -> Iterator[Coordination]:
    """Each epoch of which there is a record, with what those own whom it names."""
    for (epoch,) in state.status.entries:
        part = _of_epochs(state, {epoch})
        parties = {*part.claim_prover.entries.values(), *part.claim_proposer.entries.values()}
        keep(part.balance, at(0, parties.__contains__))
        yield part


def records(s: Coordination) -> tuple[Map[Any, Any], ...]:
    """What the contract keeps of each epoch, by its number."""
    return (s.status, s.claim_prover, s.claim_fee, s.claim_proposer, s.claim_slot, s.claim_sender)


def _value(state: Coordination, name: str) -> object:
    value = getattr(state, name)
    return dict(value.entries) if isinstance(value, Map) else value
