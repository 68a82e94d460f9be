"""A counterexample to induction as a person reads it: the state, the step, what failed, and what that means."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from coordination.machine.oracle import Oracle
from coordination.machine.trace import Trace
from coordination.prove.explaining.classification import Classification, Reachable, Undecided
from coordination.prove.explaining.counterexample import Counterexample
from coordination.report.narrative import Teller, legible, narrative, tell_changes, tell_step, tell_verdict
from coordination.report.verdicts import count


def print_counterexample(console: Console, found: Counterexample, meaning: Classification) -> None:
    """Print what `told` tells; lines are never broken, so that a lemma can be pasted as it stands."""
    console.print(told(found, meaning), soft_wrap=True, end="")


def told(found: Counterexample, meaning: Classification) -> Text:
    """A counterexample and its `meaning`. Of the state before, only what differs from the initial state is told."""
    text = Text()
    for line in (*_counterexample(found), Text(), *_meaning(found, meaning)):
        text.append_text(line).append("\n")
    return text


def _counterexample(found: Counterexample) -> Iterator[Text]:
    machine, prop = found.machine, found.prop
    trace = Trace(machine.name, machine.design, found.instance.name, prop.name, found.before, (found.step,))
    teller = Teller(trace, machine, machine.money)
    name = f"{machine.name} {machine.design}".rstrip()
    yield Text(legible(f"{name}, instance {found.instance.name}"), "bold")
    yield Text(f"{found.step.action} does not keep {prop.name}", "bold").append(f": {prop.statement}", "not bold")
    yield Text()
    yield Text("a state in which everything assumed holds, by what it has in place of the initial state's", "italic")
    yield from tell_changes(teller, Oracle(machine, found.instance).initial(), found.before)
    yield from tell_step(teller, 1, found.before, found.step)
    yield Text()
    yield from tell_verdict(trace, teller, prop)


def _meaning(found: Counterexample, meaning: Classification) -> Iterator[Text]:
    breaks = f"{found.step.action} breaks {found.prop.name}"
    if isinstance(meaning, Reachable):
        steps = count(len(meaning.trace.steps) - 1, "step")
        is_reached = f"reachable: after {steps} a state agrees with this one in all that matters"
        another_is = f"not this state, but another is reachable: after {steps}, {breaks}"
        verdict = is_reached if meaning.alike else another_is
        yield Text(f"{verdict}. The rules are wrong, or the property is.", "bold red")
        yield Text()
        yield from narrative(meaning.trace, found.machine, prop=found.prop, money=found.machine.money).split("\n")
    elif isinstance(meaning, Undecided):
        visited = f"{count(meaning.states, 'state')} visited before the search gave up after {meaning.exhausted}"
        yield Text(f"unknown: {breaks} in none of {visited}", "bold yellow")
    else:
        yield Text(f"not reachable: {breaks} in none of {count(meaning.states, 'state')}.", "bold green")
        yield Text("This would exclude it, and is true in all of them:")
        yield Text()
        yield from map(Text, meaning.suggestion.source.splitlines())
