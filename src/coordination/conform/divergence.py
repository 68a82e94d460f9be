"""Where a contract does not do what the specification does, and how that is put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer, Log
from coordination.chain.quote import Address
from coordination.chain.storage import Member, Words
from coordination.conform.adapter import Expected, Message, View
from coordination.machine.trace import Step

ACCEPTED = "accepts it"  # what is said of an answer that is no error and returns nothing

Stored = Mapping[Address, Mapping[int, int]]  # by contract and slot; what is not listed is zero


@dataclass(frozen=True)
class Mismatch:
    """What the specification says, and what is found instead, in words.

    `kind` is "answer", "events" (of a call that both accept), "storage" or "view"; some drivers have their own.
    """

    kind: str
    expected: str
    found: str


@dataclass(frozen=True)
class Sent:
    """A message, when it was sent, and the step of the specification that it stands for (None for a view)."""

    timestamp: int
    message: Message
    step: Step | None


@dataclass(frozen=True)
class Divergence:
    """What the contract does with `sent` after the accepted calls of `path`, where the specification does otherwise.

    `kind` is "answer", "events", "storage" or "view".
    """

    kind: str
    path: tuple[Sent, ...]
    sent: Sent
    expected: str
    found: str


def compare_answer(
    expected: Expected, answer: Answer, speakers: frozenset[Address], artifacts: Sequence[Artifact]
) -> Mismatch | None:
    """Whether a message is refused as it must be; or accepted, with the logs that it must leave of `speakers`."""
    if expected.reverts is not None:
        refusal = Answer(False, expected.reverts)
        same = answer.output == refusal.output if expected.in_full else answer.output.startswith(refusal.output)
        if same and not answer.succeeded:
            return None
        return Mismatch("answer", show_answer(refusal, artifacts), show_answer(answer, artifacts))
    if not answer.succeeded:
        return Mismatch("answer", ACCEPTED, show_answer(answer, artifacts))
    logs = tuple(log for log in answer.logs if log.address in speakers)
    if logs == tuple(expected.logs):
        return None
    return Mismatch("events", show_logs(expected.logs, artifacts), show_logs(logs, artifacts))


def compare_storage(wanted: Mapping[Address, Words], found: Stored, names: Mapping[Address, str]) -> Mismatch | None:
    """Whether contracts store what they must; `names` is what they are called."""
    return None if wanted == found else Mismatch("storage", *_contrast(wanted, found, names))


def compare_view(view: View, answer: Answer, artifacts: Iterable[Artifact]) -> Mismatch | None:
    """Whether a question is answered as it must be."""
    if answer == Answer(True, view.returns):
        return None
    return Mismatch("view", f"returns {_show_bytes(view.returns)}", show_answer(answer, artifacts))


def show_answer(answer: Answer, artifacts: Iterable[Artifact]) -> str:
    """An answer in words; errors by name where one of `artifacts` declares them."""
    if answer.succeeded:
        return f"returns {_show_bytes(answer.output)}" if answer.output else ACCEPTED
    errors = (artifact.explain_error(answer.output) for artifact in artifacts)
    return f"reverts with {next(filter(None, errors), _show_bytes(answer.output))}"


def show_logs(logs: Sequence[Log], artifacts: Sequence[Artifact]) -> str:
    """Logs in words; events by name where one of `artifacts` declares them."""

    def explain(log: Log) -> str:
        events = (artifact.explain_event(log.topics, log.data) for artifact in artifacts)
        return next(filter(None, events), " ".join(map(_show_bytes, (*log.topics, log.data))))

    return f"emits {', '.join(map(explain, logs)) or 'nothing'}"


def _contrast(wanted: Mapping[Address, Words], found: Stored, names: Mapping[Address, str]) -> tuple[str, str]:
    """What differs between two storages, in words; by name where the specification's side knows the names."""
    sides: tuple[list[str], list[str]] = [], []
    for address, contract in names.items():
        want, have = wanted[address], found[address]
        for slot in sorted(slot for slot in want.keys() | have.keys() if want.get(slot, 0) != have.get(slot, 0)):
            unnamed = Member(f"slot {slot:#x}", slot, 0, 32)
            for member in [member for member in want.members if member.slot == slot] or [unnamed]:
                values = member.of(want.get(slot, 0)), member.of(have.get(slot, 0))
                if values[0] != values[1]:
                    for side, value in zip(sides, values, strict=True):
                        side.append(f"{contract}.{member.name} = {_show_number(value)}")
    return f"stores {', '.join(sides[0])}", f"stores {', '.join(sides[1])}"


def _show_bytes(data: bytes) -> str:
    return "0x" + data.hex() if data else "no data"


def _show_number(value: int) -> str:
    return f"{value:_}" if value < 2**64 else f"{value:#x}"
