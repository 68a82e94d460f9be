"""What each field can really hold in an instance.

A relation such as "who signed what" has an entry for everything that could be signed, and most entries never change in
a given instance. Fields that no step writes become constants, and fields that are only ever given constants get just
those values, so that packed states stay small and guards fold. The analysis ignores guards that depend on the state,
so it over-approximates: it never drops a value that can occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coordination.machine import terms
from coordination.machine.machine import Instance, Machine
from coordination.machine.state import Key, SpecificationError, variables
from coordination.machine.terms import Value
from coordination.machine.unrolled import Field, Unrolled

Place = tuple[str, Key]


def clock_values(machine: Machine, instance: Instance) -> list[Mapping[str, int]]:
    """What to specialise the terms to: each value that the clock takes from the start on; nothing, without a clock."""
    if not machine.clock:
        return [{}]
    (sort,) = (v.sort for v in variables(machine.state) if v.name == machine.clock)
    start = instance.initial.get(machine.clock, 0)
    return [{machine.clock: value} for value in instance.domain(sort) if value >= start]


@dataclass(frozen=True)
class Narrowed:
    """A machine in an instance read as terms, over fields that hold no more than they can.

    `written_together` has the variables of each kind of step that was found.
    """

    unrolled: Unrolled
    written_together: frozenset[frozenset[str]]

    def clusters(self) -> list[list[Field]]:
        """The fields that can change, apart by what no step writes together, in the order of the state's variables."""
        groups: list[set[str]] = []
        for names in sorted(self.written_together, key=sorted):
            touching = [group for group in groups if group & names]
            groups = [group for group in groups if not group & names] + [set(names).union(*touching)]
        clusters: dict[int, list[Field]] = {}
        for (name, _), leaf in self.unrolled.fields.items():
            if terms.is_term(leaf):
                home = next(number for number, group in enumerate(groups) if name in group)
                clusters.setdefault(home, []).append(leaf.args[0])
        return list(clusters.values())


def narrowed(machine: Machine, instance: Instance) -> Narrowed:
    """Find what each field can hold, by reading every step at every value of the clock."""
    unrolled = Unrolled(machine, instance)
    constants: dict[Place, set[int]] = {}
    copies: dict[Place, set[Place]] = {}
    unbounded: set[Place] = set()
    together: set[frozenset[str]] = set()
    domains = {variable.name: instance.domain(variable.sort) for variable in unrolled.variables}
    for place in unrolled.fields:
        constants[place] = {unrolled.initial.entry(*place)}
        copies[place] = set()
    for fixed in clock_values(machine, instance):
        for name, value in fixed.items():
            constants[name, ()].add(value)
        for step in unrolled.steps(fixed):
            together.add(frozenset(field.variable for field in step.updates if field.variable != machine.clock))
            for field, update in step.updates.items():
                place = (field.variable, field.key)
                if field.variable == machine.clock:
                    _check_clock(machine, fixed[machine.clock], update)
                    continue
                for leaf in _leaves(update):
                    if not terms.is_term(leaf):
                        constants[place].update(value for value in (int(leaf),) if value in domains[field.variable])
                    elif leaf.op == "field":
                        copies[place].add((leaf.args[0].variable, leaf.args[0].key))
                    else:
                        unbounded.add(place)
    _propagate(constants, copies, unbounded, domains)
    unrolled.narrow({place: sorted(values) for place, values in constants.items() if place not in unbounded})
    return Narrowed(unrolled, frozenset(together | {frozenset({machine.clock})}))


def _check_clock(machine: Machine, now: int, update: Value) -> None:
    """Refuse a machine whose declared clock some step can turn back."""
    if terms.is_term(update) or update < now:
        raise SpecificationError(
            f"{machine.clock!r} is the clock of {machine.name}, but a step can turn it back, or make it wait"
        )


def _leaves(update: Value) -> Iterator[Value]:
    """What an update can evaluate to: the branches of its cases."""
    if terms.is_term(update) and update.op == "ite":
        yield from _leaves(update.args[1])
        yield from _leaves(update.args[2])
    elif terms.is_term(update) and update.boolean and update.op != "field":
        yield from (False, True)
    else:
        yield update


def _propagate(
    constants: dict[Place, set[int]],
    copies: Mapping[Place, set[Place]],
    unbounded: set[Place],
    domains: Mapping[str, Sequence[int]],
) -> None:
    """Let each field hold what the fields copied into it hold, to the fixpoint."""
    changed = True
    while changed:
        changed = False
        for place, sources in copies.items():
            for source in sources:
                if source in unbounded and place not in unbounded:
                    unbounded.add(place)
                    changed = True
                copied = {value for value in constants[source] - constants[place] if value in domains[place[0]]}
                if copied:
                    constants[place] |= copied
                    changed = True
