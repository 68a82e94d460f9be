"""That the instances are sizes of what is proved: else a proof would say nothing of what is explored."""

from __future__ import annotations

from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError, sort_name
from coordination.prove.unbounded import AllSizes


def check_sizes(machine: Machine, sizes: AllSizes) -> None:
    """Raises SpecificationError with the first instance that is none, and why."""
    for instance in machine.instances.values():
        why = _differs(machine, sizes, instance)
        if why:
            raise SpecificationError(f"the proofs of {machine.name} do not cover its instance {instance.name!r}: {why}")


def _differs(machine: Machine, sizes: AllSizes, instance: Instance) -> str:
    for sort, values in instance.domains.items():
        outside = [value for value in (values[0], values[-1]) if value not in sizes.domain(sort)]
        if outside:
            return f"{outside[0]} is in no range of {sort_name(sort)}"
    scope, oracle = sizes.scope, Oracle(machine, instance)
    start = oracle.initial()
    for fact in scope.assumptions:
        if not oracle.holds(Property(fact.__name__, Kind.INVARIANT, lambda s, w, fact=fact: fact(w), ""), start):
            return f"it is not so that {fact.__name__}"
    for name, value in start.items():
        if value and name not in scope.varied:
            return f"{name} is not zero at the start, and is not among the varied"
    if not oracle.holds(Property("initial", Kind.INVARIANT, scope.initial, ""), start):
        return "its initial state is not one"
    return ""
