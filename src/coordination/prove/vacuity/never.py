"""What never happens: of that a proof says nothing, however true.

Each action is to be accepted in some run, and each check of it is to be in some run the one that fails; each premise of
a property is to matter in some run. Instances small enough to explore show most of it, and what they show can happen in
what is proved too, for they are sizes of that (see `sizes`). Only of an ending that they do not show a solver is asked
whether it is excluded for all sizes: a second line of defence then, and no dead rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coordination.explore.kernel import Tally
from coordination.explore.search import Search
from coordination.machine import terms
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Property
from coordination.machine.terms import Value
from coordination.prove.deciding.conditions import RANGES, Conditions
from coordination.prove.deciding.induction import Induction, Prover, Report
from coordination.prove.deciding.solvers import Outcome
from coordination.prove.reading import smtlib
from coordination.prove.reading.symbols import witnessed
from coordination.prove.vacuity.premises import Place, premises, with_any_conclusion

PROVED, NOT_SEEN = "proved", "not seen"
MOST_STATES = 1_000_000  # of an instance that is explored beside the scratch instance, by its pin


@dataclass(frozen=True)
class Ending:
    """How a call ends: rejected by the check that `rule` and `error` name, or accepted, where these are empty."""

    action: str
    rule: str = ""
    error: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.action, self.rule, self.error)))

    def times(self, tally: Tally) -> int:
        """How many calls ended so."""
        if self.error:
            return tally.rejected[self.action, self.rule, self.error]
        return tally.accepted[self.action]


@dataclass(frozen=True)
class Never:
    """No call ends like that: PROVED for all sizes, or NOT_SEEN in any run of the instances explored."""

    ending: Ending
    how: str


@dataclass(frozen=True)
class IdlePremise:
    """A premise of `property` that never matters: its place in the source, and its text, which may not be at hand."""

    property: str
    where: str
    text: str


@dataclass(frozen=True)
class Vacuity:
    never: tuple[Never, ...]
    premises: tuple[IdlePremise, ...]


@dataclass(frozen=True)
class _Unseen:
    """What was not seen: endings, with the fact that a call ends so; premises, by the property that says they idle.

    A premise is the name of the property that it is in, and its place there.
    """

    endings: Mapping[Ending, Value]
    premises: Mapping[Property, tuple[str, Place]]

    def after(self, machine: Machine, instance: Instance) -> _Unseen:
        """What is left of it once `instance` is explored."""
        exploration = Search(machine, instance, list(self.premises)).run()
        return _Unseen(
            {ending: fact for ending, fact in self.endings.items() if not ending.times(exploration.tally)},
            {prop: premise for prop, premise in self.premises.items() if prop.name not in exploration.found},
        )


def find_vacuous(machine: Machine, induction: Induction, prover: Prover, report: Report) -> Vacuity:
    """What never happens in `machine`, and what idles in the properties and lemmas that `induction` is about.

    Explored are the scratch instance and those of at most MOST_STATES. In a property that is violated no premise counts
    as idle. Raises SpecificationError where an instance is not sound.
    """
    conditions = induction.conditions
    endings = _endings(conditions)
    scratch, *others = _instances(machine)
    report(f"exploring {scratch.name}")
    unseen = _Unseen(endings, _premises(conditions)).after(machine, scratch)
    proved = {each for each, fact in unseen.endings.items() if _is_excluded(each, fact, induction, prover, report)}
    left = replace(unseen, endings={each: fact for each, fact in unseen.endings.items() if each not in proved})
    for instance in others:
        if left.endings or left.premises:
            report(f"exploring {instance.name}")
            left = left.after(machine, instance)
    never = [each for each in endings if each in proved or each in left.endings]
    return Vacuity(
        tuple(Never(each, PROVED if each in proved else NOT_SEEN) for each in never),
        tuple(IdlePremise(name, str(place), place.premise()) for name, place in left.premises.values()),
    )


def _instances(machine: Machine) -> list[Instance]:
    """Those that are explored: the scratch instance, then the others from the smallest on."""
    assert machine.unbounded is not None
    scratch = machine.unbounded.scratch
    small = [name for name, pin in machine.pins.items() if pin.states <= MOST_STATES and name != scratch]
    return [machine.instance(name) for name in (scratch, *sorted(small, key=lambda name: machine.pins[name].states))]


def _endings(conditions: Conditions) -> dict[Ending, Value]:
    """Every ending of every action, with the fact that a call ends so."""
    found: dict[Ending, Value] = {}
    for move in conditions.moves:
        found[Ending(move.action)] = move.accepted()
        for number, check in enumerate(move.checks):
            reached = [*move.when, *(earlier.holds for earlier in move.checks[:number])]
            fails = terms.conjunction([*reached, terms.negation(check.holds)])
            ending = Ending(move.action, check.rule, check.error)
            found[ending] = terms.disjunction((found.get(ending, False), fails))
    return found


def _premises(conditions: Conditions) -> dict[Property, tuple[str, Place]]:
    """Every premise of every property and lemma, by the property that holds if it is idle."""
    found: dict[Property, tuple[str, Place]] = {}
    for prop in conditions.properties:
        for place in premises(conditions.sizes, prop):
            idles = with_any_conclusion(prop, place, f"{prop.name}, premise {len(found)}")
            found[idles] = prop.name, place
    return found


def _is_excluded(ending: Ending, fact: Value, induction: Induction, prover: Prover, report: Report) -> bool:
    """Whether what is proved leaves no state in which a call ends so."""
    if not induction.holds(RANGES):
        return False
    conditions = induction.conditions
    proved = [prop.name for prop in conditions.properties if induction.holds(prop)]
    report(f"asking whether {ending} can happen")
    about = [f"{conditions.about}: {ending} never happens", "If this is unsatisfiable, that is so."]
    text = smtlib.problem({**conditions.known(proved), "it happens": witnessed(fact, "call")}, about)
    return prover.ask(text, prover.seconds).outcome is Outcome.UNSAT
