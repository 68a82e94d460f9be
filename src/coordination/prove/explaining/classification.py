"""What a counterexample to induction means, as exploration tells: the rules are wrong, or a lemma is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordination.explore.retrace import ReadingsDisagree
from coordination.machine import terms
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Trace
from coordination.prove.explaining.counterexample import Counterexample, breaks, is_broken_by
from coordination.prove.explaining.explored import Explored
from coordination.prove.explaining.suggestion import Suggestion, suggest


@dataclass(frozen=True)
class Reachable:
    """The rules are wrong: `trace` ends with a step of the action that breaks the property.

    `alike`: the state before that step agrees with the counterexample's in all that is relevant. Where none that does
    is reached, it is another state in which the action breaks the property. In either case no run to one is shorter.
    """

    trace: Trace
    alike: bool


@dataclass(frozen=True)
class Unreachable:
    """In none of the instance's `states` does the action break the property; a lemma is missing."""

    states: int
    suggestion: Suggestion


@dataclass(frozen=True)
class Undecided:
    """In none of the `states` that were found does the action break the property, but then the budget ran out."""

    states: int
    exhausted: str  # the budget


Classification = Reachable | Unreachable | Undecided


def classify(found: Counterexample, explored: Explored) -> Classification:
    """What `explored`, which is of the counterexample's machine and instance, says of it.

    Raises ReadingsDisagree where the oracle does not confirm that.
    """
    unrolled = explored.unrolled
    steps = [step for step in unrolled.steps({}) if step.action == found.step.action]
    anywhere = terms.disjunction(breaks(unrolled, found.prop, step) for step in steps)
    same = [terms.eq(unrolled.fields[place], found.before.entry(*place)) for place in found.relevant]
    for fact, alike in ((terms.conjunction((anywhere, *same)), True), (anywhere, False)):
        state = explored.first(fact)
        if state is not None:
            return Reachable(_with_step(found, explored.run_to(state)), alike)
    if explored.exhausted:
        return Undecided(explored.states, explored.exhausted)
    return Unreachable(explored.states, suggest(found, explored))


def _with_step(found: Counterexample, trace: Trace) -> Trace:
    oracle, last = Oracle(found.machine, found.instance), trace.states()[-1]
    for step in oracle.steps(last):
        if step.action == found.step.action and step.error is None and is_broken_by(oracle, found.prop, last, step):
            return replace(trace, property=found.prop.name, steps=(*trace.steps, step))
    raise ReadingsDisagree(f"{found.step.action} does not break {found.prop.name} in a state where it should")
