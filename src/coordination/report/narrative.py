"""A trace as a person reads it in a terminal: who did what, how it was answered, what changed, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from rich.console import Console
from rich.text import Text

from coordination.machine.action import Action
from coordination.machine.language import Sort
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, SpecificationError, Variable, variables
from coordination.machine.trace import Change, Event, Step, Trace, Valuation, changes
from coordination.report.explain import AFTER, explain, show_place

LINES = 12  # changes of one step that are listed; a step that clears a whole map would bury the others
INDENT = " " * 5


def print_narrative(
    console: Console, trace: Trace, machine: Machine, *, prop: Property | None = None, money: Sequence[str] = ()
) -> None:
    """Print `trace`; lines are never broken, so that what is piped to a file or searched for stays whole."""
    console.print(narrative(trace, machine, prop=prop, money=money), soft_wrap=True, end="")


def narrative(trace: Trace, machine: Machine, *, prop: Property | None = None, money: Sequence[str] = ()) -> Text:
    """`trace` told step by step. `money` names the variables whose values add up: balances, pools, what is held.

    `prop` is what the trace is about, where that is no property of `machine`: a researcher's own, or a situation.
    """
    teller = Teller(trace, machine, money)
    prop = prop or find_property(machine, trace.property)
    text = Text()
    for line in _lines(trace, teller, prop):
        text.append_text(line).append("\n")
    return text


def find_property(machine: Machine, name: str) -> Property | None:
    """The machine's property, or route to an expected violation, of that name."""
    routes = (route for expected in machine.expected.values() for route in expected.routes)
    return next((prop for prop in (*machine.properties, *routes) if prop.name == name), None)


def show_call(machine: Machine, instance: Instance, step: Step) -> str:
    """`claim_proof_right(caller=mallory, quote=(prover=mallory, epoch=0, basis_point_fee=2_500))`."""
    action = find_action(machine, step.action)
    shown = [instance.show(sort, value) for sort, value in zip(action.sorts(), step.arguments, strict=True)]
    return f"{step.action}({_group(action.labels(), shown)})"


def show_event(machine: Machine, instance: Instance, step: Step, event: Event) -> str:
    """An event with its fields. They carry no sorts, so a field is shown as what the machine calls by that name."""
    words = _vocabulary(machine) | _words(find_action(machine, step.action))
    shown = (f"{name}={_show(instance, words.get(name), value)}" for name, value in event.fields)
    return f"{legible(event.name)}({', '.join(shown)})"


def show_rejection(step: Step) -> str:
    """The rule and its error: `C6 InvalidBasisPointFee`."""
    return legible(" ".join(part for part in (step.rule, step.error) if part))


def find_action(machine: Machine, name: str) -> Action:
    for action in machine.actions:
        if action.name == name:
            return action
    raise SpecificationError(f"{machine.name} has no action {name!r}; it has: {', '.join(_action_names(machine))}")


def legible(text: str) -> str:
    """`text` without what a terminal would obey: a trace may have been written by a stranger."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _action_names(machine: Machine) -> list[str]:
    return sorted(action.name for action in machine.actions)


def _group(labels: Sequence[str], shown: Sequence[str]) -> str:
    """Named arguments, the fields of a record in parentheses."""
    groups: dict[str, list[str]] = {}
    for label, value in zip(labels, shown, strict=True):
        name, _, part = label.partition(".")
        groups.setdefault(name, []).append(f"{part}={value}" if part else value)
    is_record = {label.partition(".")[0] for label in labels if "." in label}
    return ", ".join(f"{n}=({', '.join(v)})" if n in is_record else f"{n}={v[0]}" for n, v in groups.items())


def _words(action: Action) -> dict[str, Sort]:
    """What the arguments of an action are called, the fields of records by themselves, and of which sort they are."""
    return {label.rpartition(".")[2]: sort for label, sort in zip(action.labels(), action.sorts(), strict=True)}


def _vocabulary(machine: Machine) -> dict[str, Sort]:
    """The names of arguments that mean one sort throughout the machine."""
    found: dict[str, set[Sort]] = {}
    for action in machine.actions:
        for name, sort in _words(action).items():
            found.setdefault(name, set()).add(sort)
    return {name: next(iter(sorts)) for name, sorts in found.items() if len(sorts) == 1}


def _show(instance: Instance, sort: Sort | None, value: int) -> str:
    return instance.show(sort, value) if sort is not None and value in instance.domain(sort) else f"{value:_}"


class Teller:
    """One trace with what is needed to tell it."""

    def __init__(self, trace: Trace, machine: Machine, money: Sequence[str]) -> None:
        self.trace, self.machine = trace, machine
        self.instance = machine.instance(trace.instance)
        self.variables = {variable.name: variable for variable in variables(machine.state)}
        unknown = set(money) - self.variables.keys()
        if unknown:
            raise SpecificationError(
                f"{machine.name} has no variable {sorted(unknown)[0]!r} that could hold money; "
                f"it has: {', '.join(self.variables)}"
            )
        self.money = tuple(money)
        self._purses = self._named_purses()

    def place(self, variable: str, key: Key) -> str:
        return show_place(self.instance, self.variables[variable], key)

    def value(self, variable: str, value: int) -> str:
        return self.instance.show(self.variables[variable].sort, value)

    def balances(self, state: Valuation) -> str:
        """Who has what, and the sum: `alice 2, bob 0, rollup 5; sum 7`."""
        held = {name: state.entry(*purse) for purse, name in self._purses.items()}
        return f"{', '.join(f'{name} {amount:_}' for name, amount in held.items())}; sum {sum(held.values()):_}"

    def _named_purses(self) -> Mapping[tuple[str, Key], str]:
        """Whatever holds money at some time in this trace, by its key alone where that is a name and no other's."""
        states = self.trace.states()
        purses = [
            (name, key)
            for name in self.money
            for key in self._keys(self.variables[name])
            if not key or any(state.entry(name, key) for state in states)
        ]
        short = {(name, key): self._short(self.variables[name], key) for name, key in purses}
        taken = Counter(short.values())
        return {p: short[p] if taken[short[p]] == 1 and not short[p].isdecimal() else self.place(*p) for p in purses}

    def _short(self, variable: Variable, key: Key) -> str:
        shown = (self.instance.show(sort, part) for sort, part in zip(variable.index, key, strict=True))
        return ", ".join(shown) if key else variable.name

    def _keys(self, variable: Variable) -> Iterator[Key]:
        return product(*(self.instance.domain(sort) for sort in variable.index))


def _lines(trace: Trace, teller: Teller, prop: Property | None) -> Iterator[Text]:
    yield from _header(trace, prop)
    yield Text()
    yield from _initial(teller)
    before = trace.initial
    for number, step in enumerate(trace.steps, start=1):
        yield from tell_step(teller, number, before, step)
        before = step.state
    if prop is not None:
        yield Text()
        yield from tell_verdict(trace, teller, prop)


def _header(trace: Trace, prop: Property | None) -> Iterator[Text]:
    name = f"{trace.machine} {trace.design}".rstrip()
    yield Text(legible(f"{name}, instance {trace.instance}"), "bold")
    yield Text(legible(trace.property), "bold").append(f": {prop.statement}" if prop else "", "not bold")


def _initial(teller: Teller) -> Iterator[Text]:
    """What is not zero at the start; money has a line of its own."""
    yield _numbered(0, Text("the initial state", "italic"))
    shown = []
    for name, variable in teller.variables.items():
        value = teller.trace.initial[name]
        entries: Mapping[Key, int] = value if variable.index else {(): value}
        if name not in teller.money:
            shown += [_assignment(teller, name, key, entry) for key, entry in entries.items() if entry]
    yield from _few(shown)
    yield from _balances(teller, teller.trace.initial)


def _assignment(teller: Teller, name: str, key: Key, entry: int) -> Text:
    is_fact = teller.variables[name].boolean
    return Text(teller.place(name, key) + ("" if is_fact else f" = {teller.value(name, entry)}"))


def tell_step(teller: Teller, number: int, before: Valuation, step: Step) -> Iterator[Text]:
    yield _numbered(number, Text(show_call(teller.machine, teller.instance, step), "bold"))
    if step.error is not None:
        yield Text(INDENT).append(f"rejected: {show_rejection(step)}", "red")
    for event in step.events:
        yield Text(INDENT).append(f"event {show_event(teller.machine, teller.instance, step, event)}", "cyan")
    yield from tell_changes(teller, before, step.state)


def tell_changes(teller: Teller, before: Valuation, after: Valuation) -> Iterator[Text]:
    """What differs between two states, and who has what in the second if that does."""
    changed = changes(teller.machine.state, before, after)
    yield from _few([_change(teller, change) for change in changed])
    if any(change.variable in teller.money for change in changed):
        yield from _balances(teller, after)


def _change(teller: Teller, change: Change) -> Text:
    old, new = (teller.value(change.variable, value) for value in (change.before, change.after))
    return Text(f"{teller.place(change.variable, change.key)}: ").append(old, "dim").append(" -> ").append(new, "green")


def _few(lines: Sequence[Text]) -> Iterator[Text]:
    for line in lines[:LINES]:
        yield Text(INDENT).append_text(line)
    if len(lines) > LINES:
        yield Text(f"{INDENT}and {len(lines) - LINES} more")


def _balances(teller: Teller, state: Valuation) -> Iterator[Text]:
    if teller.money:
        yield Text(INDENT).append(f"balances: {teller.balances(state)}", "yellow")


def _numbered(number: int, text: Text) -> Text:
    return Text(f"{number:>3}  ").append_text(text)


def tell_verdict(trace: Trace, teller: Teller, prop: Property) -> Iterator[Text]:
    """What the end of the trace shows of the property, and why."""
    reasons = explain_end(trace, teller.machine, prop)
    where = f"after step {len(trace.steps)}" if trace.steps else "in the initial state"
    if not reasons:
        outcome = "is not reached" if prop.kind is Kind.SITUATION else "does not fail"
        yield Text(f"{prop.name} {outcome} {where}")
        return
    outcome = "is reached" if prop.kind is Kind.SITUATION else "fails"
    if prop.kind is Kind.STEP:
        where = f"in step {len(trace.steps)} ({AFTER} marks the state after it)"
    yield Text(f"{prop.name} {outcome} {where}:", "bold green" if prop.kind is Kind.SITUATION else "bold red")
    for reason in reasons:
        yield Text(INDENT + reason)


def explain_end(trace: Trace, machine: Machine, prop: Property) -> list[str]:
    """Why the last state of `trace`, or its last step, breaks `prop`; nothing if it does not."""
    states = trace.states()[-2:] if prop.kind is Kind.STEP else trace.states()[-1:]
    if prop.kind is Kind.STEP and not trace.steps:
        return []
    return explain(machine, machine.instance(trace.instance), prop, *states)
