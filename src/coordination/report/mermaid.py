"""A trace as a Mermaid sequence diagram, which GitHub and most wikis draw from text."""

from __future__ import annotations

from collections.abc import Iterator

from coordination.machine.machine import Instance, Machine
from coordination.machine.trace import Step, Trace
from coordination.report.narrative import find_action, show_call, show_event, show_rejection

CALLEE = "callee"
_PLAIN = frozenset(" _.,=()[]-/")  # what Mermaid takes literally in any text, besides letters and digits


def to_mermaid(trace: Trace, machine: Machine) -> str:
    """Accounts call the machine in the order of the trace; rejected calls are dashed and crossed.

    Who acts is the first argument to which the instance gives a name. Steps without one, such as the passing of time,
    and what the machine announces are notes.
    """
    instance = machine.instance(trace.instance)
    acting = [_actor(machine, instance, step) for step in trace.steps]
    named = dict.fromkeys(actor for actor in acting if actor is not None)
    actors = {actor: f"actor{number}" for number, actor in enumerate(named, start=1)}
    lines = ["sequenceDiagram", *(f"    participant {alias} as {escape(name)}" for name, alias in actors.items())]
    lines.append(f"    participant {CALLEE} as {escape(f'{trace.machine} {trace.design}'.strip())}")
    for number, (actor, step) in enumerate(zip(acting, trace.steps, strict=True), start=1):
        caller = None if actor is None else actors[actor]
        lines += [f"    {line}" for line in _step(machine, instance, number, caller, step)]
    lines.append(f"    Note over {CALLEE}: {escape(trace.property or 'the end')}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """`text` with everything that Mermaid, or the HTML that it makes, might read as syntax written as a number."""
    return "".join(c if c in _PLAIN or (c.isascii() and c.isalnum()) else f"#{ord(c)};" for c in text) or " "


def _actor(machine: Machine, instance: Instance, step: Step) -> str | None:
    for sort, value in zip(find_action(machine, step.action).sorts(), step.arguments, strict=True):
        if value in instance.names.get(sort, ()):
            return instance.show(sort, value)
    return None


def _step(machine: Machine, instance: Instance, number: int, caller: str | None, step: Step) -> Iterator[str]:
    call = f"{number}. {show_call(machine, instance, step)}"
    outcome = f" rejected, {show_rejection(step)}" if step.error is not None else ""
    if caller is None:
        yield f"Note over {CALLEE}: {escape(call + outcome)}"
    else:
        arrow = "->>" if step.error is None else "--x"
        yield f"{caller}{arrow}{CALLEE}: {escape(call + outcome)}"
    for event in step.events:
        yield f"Note right of {CALLEE}: {escape(show_event(machine, instance, step, event))}"
