"""Proofs by induction with something left out, for tests: what is assumed, and what is then found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from coordination.machine import Instance, Machine, Property
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.prove.deciding.cache import Cache
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Induction, Prover
from coordination.prove.deciding.solvers import Z3, Solver
from coordination.prove.explaining.counterexample import Counterexample, Scratch, is_broken_by
from coordination.prove.explaining.explored import Explored
from coordination_spec import DESIGNS
from coordination_spec.lemmas import LEMMAS
from tests.two_phase_commit import TWO_PHASE_COMMIT, consistent

HARDENED = DESIGNS["0.2.0"]
CLAIMS = (*HARDENED.properties, *LEMMAS)
TINY = HARDENED.instance("tiny")
THREE = TWO_PHASE_COMMIT.instance("3")
MOMENT = 0.15  # seconds: what can be proved is, within that


def invariants(claims: Sequence[Property], without: str = "") -> list[Property]:
    return [prop for prop in claims if prop.kind is Kind.INVARIANT and prop.name != without]


def named(name: str) -> Property:
    return next(prop for prop in CLAIMS if prop.name == name)


@cache
def tiny_explored() -> Explored:
    return Explored(HARDENED, TINY)


@cache
def three_explored() -> Explored:
    return Explored(TWO_PHASE_COMMIT, THREE)


def all_found(scratch: Scratch, claims: Sequence[Property]) -> Iterator[Counterexample]:
    for prop in claims:
        for action in scratch.machine.actions:
            found = scratch.find(action.name, prop)
            if found is not None:
                yield found


def found_without(lemma: str, prop: str, action: str) -> Counterexample:
    found = Scratch(HARDENED, TINY, invariants(CLAIMS, lemma)).find(action, named(prop))
    assert found is not None
    return found


def is_confirmed(found: Counterexample) -> bool:
    """Whether the oracle, asked anew, finds all that a counterexample says."""
    oracle = Oracle(found.machine, found.instance)
    step = oracle.run(found.before, found.machine.action(found.step.action), found.step.arguments)
    assumed = all(oracle.holds(prop, found.before) for prop in found.hypotheses)
    made = step == found.step and found.step.error is None
    return assumed and made and is_broken_by(oracle, found.prop, found.before, found.step)


def consistent_broken_by(action: str, instance: Instance = THREE) -> Counterexample:
    found = Scratch(TWO_PHASE_COMMIT, instance, [consistent]).find(action, consistent)
    assert found is not None
    return found


def induction(
    machine: Machine,
    claims: Sequence[Property],
    solver: Solver | None = None,
    cache: Cache | None = None,
    seed: int = 0,
    seconds: float = MOMENT,
) -> Induction:
    prover = Prover(solver or Z3(), cache, seconds=seconds, seed=seed)
    return prover.prove(Conditions(machine, claims), lambda *_: None, lambda _: None)


def claims(machine: Machine) -> list[Property]:
    """What is not expected to be violated."""
    return [prop for prop in machine.properties if prop.name not in machine.expected]
