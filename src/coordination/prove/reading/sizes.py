"""That the instances are sizes of what is proved: else a proof would say nothing of what is explored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin, get_type_hints

from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind, Property
from coordination.machine.state import Function, SpecificationError, sort_name
from coordination.prove.reading.unbounded import AllSizes


def check_sizes(machine: Machine, sizes: AllSizes) -> None:
    """Raises SpecificationError with the first instance that is none, and why."""
    for instance in machine.instances.values():
        why = _differs(machine, sizes, instance)
        if why:
            raise SpecificationError(f"the proofs of {machine.name} do not cover its instance {instance.name!r}: {why}")


def _differs(machine: Machine, sizes: AllSizes, instance: Instance) -> str:
    scope = sizes.scope
    for sort, values in instance.domains.items():
        if not values:
            return f"{sort_name(sort)} has no values"
        if sort in scope.counted and list(values) != list(sizes.domain(sort)[: len(values)]):
            return f"{sort_name(sort)} is counted, but its values are not the first of the range"
        outside = [value for value in (values[0], values[-1]) if value not in sizes.domain(sort)]
        if outside:
            return f"{outside[0]} is in no range of {sort_name(sort)}"
    wrong = next(_wrong_constants(sizes, instance), "")
    if wrong:
        return wrong
    oracle = Oracle(machine, instance)
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


def _wrong_constants(sizes: AllSizes, instance: Instance) -> Iterator[str]:
    """The constants are those that are given, or lie in the ranges of their sorts."""
    for name, hint in get_type_hints(sizes.scope.constants).items():
        value = getattr(instance.constants, name)
        if name in sizes.scope.given:
            if value != sizes.scope.given[name]:
                yield f"its {name} is not the one that is given"
            continue
        is_function = get_origin(hint) is Function
        sort = get_args(hint)[1] if is_function else hint
        for each in value.values() if is_function else [value]:
            if sort is not bool and each not in sizes.domain(sort):
                yield f"its {name} holds {each}, which is in no range of {sort_name(sort)}"
