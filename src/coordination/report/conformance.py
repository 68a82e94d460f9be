"""What was executed on a contract, and where it does otherwise than the specification: for people and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.table import Table

from coordination.conform.divergence import Divergence, Sent
from coordination.conform.exhaustive import Conformance
from coordination.conform.fuzz.stateful import Fuzzed
from coordination.conform.rollup.assumptions import ASSUMPTIONS, SCOPE
from coordination.report.narrative import show_call
from coordination.report.verdicts import count

ShowStep = Callable[[Sent], str]


def conformance_to_json(result: Conformance) -> dict[str, Any]:
    """One run as a JSON object. All but `seconds` is the same in every run."""
    return {
        "machine": result.machine.name,
        "design": result.machine.design,
        "instance": result.instance.name,
        "contract": result.contract,
        "executed": "once for states that look alike" if result.is_distinct else "from every state",
        "states": result.states,
        "places": result.places,
        "planned": result.planned,
        "transitions": result.transitions,
        "calls": result.calls,
        "distinct_calls": result.distinct_calls,
        "views": result.views,
        "accepted": dict(sorted(result.accepted.items())),
        "errors": dict(sorted(result.errors.items())),
        "never": [" ".join(guard) for guard in result.never],
        "divergences": [_divergence_to_json(each, in_words_of(result)) for each in result.divergences],
        "seconds": round(result.seconds, 3),
    }


def in_words_of(result: Conformance) -> ShowStep:
    """How to show a step of the instance that was executed."""
    return lambda sent: show_call(result.machine, result.instance, sent.step) if sent.step else "a question"


def _divergence_to_json(divergence: Divergence, show: ShowStep) -> dict[str, Any]:
    def call(sent: Sent) -> dict[str, Any]:
        return {
            "timestamp": sent.timestamp,
            "step": show(sent),
            "message": sent.message.text,
            "from": sent.message.sender,
            "to": sent.message.to,
            "data": "0x" + sent.message.data.hex(),
        }

    return {
        "kind": divergence.kind,
        "path": [call(sent) for sent in divergence.path],
        "call": call(divergence.sent),
        "expected": divergence.expected,
        "found": divergence.found,
    }


def conformance_to_table(result: Conformance) -> Table:
    """How often each call was accepted, and how often each error was named."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("answer", no_wrap=True)
    table.add_column("transitions", justify="right", no_wrap=True)
    for action, times in sorted(result.accepted.items()):
        table.add_row(f"{action} accepted", f"{times:,}")
    for error, times in sorted(result.errors.items()):
        table.add_row(error, f"{times:,}")
    return table


def conformance_summary(result: Conformance) -> str:
    """One line: how much was executed, on how many states, how fast."""
    how = "each once for all states that look alike" if result.is_distinct else "each from every state"
    done, unit = (result.calls, "calls") if result.is_distinct else (result.transitions, "transitions")
    rate = f", {done / result.seconds:,.0f} {unit}/s" if result.seconds else ""
    sent = f"{count(result.calls, 'call')} ({result.distinct_calls:,} of them different)"
    return (
        f"{count(result.transitions, 'transition')} executed, {how}: {sent} and {count(result.views, 'view')}, "
        f"at {result.places:,} places that the contract can tell apart ({count(result.states, 'state')} of the "
        f"specification); {result.seconds:.1f} s{rate}"
    )


def fuzzed_to_json(fuzzed: Fuzzed) -> dict[str, Any]:
    """Random runs as a JSON object. All but `seconds` is the same for the same seed."""
    failure = fuzzed.failure
    return {
        "seed": fuzzed.seed,
        "runs": fuzzed.examples,
        "steps": fuzzed.steps,
        "calls": fuzzed.calls,
        "accepted": dict(sorted(fuzzed.accepted.items())),
        "errors": dict(sorted(fuzzed.rejected.items())),
        "malformed": fuzzed.malformed,
        "divergences": [_divergence_to_json(failure.divergence, show_fuzzed)] if failure else [],
        "seconds": round(fuzzed.seconds, 3),
    }


def fuzzed_summary(fuzzed: Fuzzed) -> str:
    """One line: how many random calls there were, and how they were answered."""
    errors = ", ".join(f"{error} {times:,}" for error, times in sorted(fuzzed.rejected.items()))
    return (
        f"{count(fuzzed.calls, 'random call')} beyond the instance, in at most {count(fuzzed.examples, 'run')} of "
        f"{fuzzed.steps} steps, with seed {fuzzed.seed}: {fuzzed.accepted.total():,} accepted, {fuzzed.malformed:,} "
        f"malformed, {errors}; {fuzzed.seconds:.1f} s"
    )


def scope_lines() -> Iterator[str]:
    """What a run says nothing about."""
    for sentence in SCOPE:
        yield f"  {sentence}"


def assumption_lines() -> Iterator[str]:
    """What is promised of the shipped contracts with a token that is not plain, and what is not."""
    yield "The token is plain. With others, as the tests of the shipped contracts show; one that"
    for kind in ASSUMPTIONS:
        yield f"  {kind.behaviour}: {kind.promised}"
        if kind.lost:
            yield f"    not promised ({kind.lost}): {kind.not_promised}"


def divergence_lines(divergence: Divergence, show: ShowStep) -> Iterator[str]:
    """The calls that lead to a divergence, and then the specification's step beside the contract's."""
    for number, sent in enumerate(divergence.path, start=1):
        yield f"{number:>3}  at {sent.timestamp}: {show(sent)}"
        yield f"     {sent.message.text} is accepted"
    sent = divergence.sent
    yield f"{len(divergence.path) + 1:>3}  at {sent.timestamp}: {show(sent)}"
    yield f"     {sent.message.text}, sent by {sent.message.sender}"
    yield f"     the specification: {divergence.expected}"
    yield f"     the contract:      {divergence.found}"


def show_fuzzed(sent: Sent) -> str:
    """The specification's step of a random call: its arguments are as large as they like, so the message tells them."""
    return f"{sent.step.action}: {sent.step.error or 'accepted'}" if sent.step else "no step of the specification"
