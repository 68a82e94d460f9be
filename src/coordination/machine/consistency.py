"""What a machine and an instance must get right before anything is judged: names that name something, fit domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from coordination.machine.machine import Instance, Machine
from coordination.machine.state import SpecificationError, sort_name, variables

MOST = 1 << 62  # the largest value that a domain may hold: sums of two still fit a machine word


def check_consistent(machine: Machine, instance: Instance) -> None:
    """Raises SpecificationError with the first thing that is wrong."""
    for problem in _problems(machine, instance):
        raise SpecificationError(problem)


def _problems(machine: Machine, instance: Instance) -> Iterator[str]:
    declared = {variable.name: variable for variable in variables(machine.state)}
    names = [prop.name for prop in machine.properties]
    routes = [route.name for known in machine.expected.values() for route in known.routes]
    for name, times in Counter(names + routes).items():
        if times > 1:
            yield f"{machine.name} has {times} properties or situations called {name!r}; give each a name of its own"
    if machine.clock and machine.clock not in declared:
        yield f"{machine.name} has no variable {machine.clock!r} to be its clock; it has: {', '.join(declared)}"
    yield from _unknown("money", machine.money, declared)
    yield from _unknown("an expected violation of", machine.expected, names)
    yield from _unknown(f"instance {instance.name!r} considers", instance.considered, [a.name for a in machine.actions])
    for sort, domain in instance.domains.items():
        if not isinstance(domain, range) and any(one >= other for one, other in pairwise(domain)):
            yield f"the domain of {sort_name(sort)} in instance {instance.name!r} is not ascending"
        if domain and max(abs(domain[0]), abs(domain[-1])) > MOST:
            yield f"the domain of {sort_name(sort)} in instance {instance.name!r} exceeds 2^62; give it smaller values"
    for variable in declared.values():
        if variable.index and variable.default not in instance.domain(variable.sort):
            yield (
                f"entries of {variable.name} start as 0, which the domain of {sort_name(variable.sort)} in instance "
                f"{instance.name!r} does not hold"
            )
    if instance.interchangeable:
        sort, values = instance.interchangeable
        for value in values:
            if value not in instance.domain(sort):
                yield f"instance {instance.name!r} takes {value} as interchangeable, which is no {sort_name(sort)}"


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    there_are = list(known)
    for name in names:
        if name not in there_are:
            yield f"{what} {name!r}, which does not exist; there are: {', '.join(there_are)}"
