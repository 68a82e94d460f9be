"""Where a contract does not do what the specification does, and how that is put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Answer, Log
from coordination.chain.quote import Address
from coordination.chain.storage import Member, Words
from coordination.conform.adapter import Message
from coordination.machine.trace import Step

ACCEPTED = "accepts it"  # what is said of an answer that is no error and returns nothing


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


def show_answer(answer: Answer, artifacts: Iterable[Artifact]) -> str:
    """An answer in words; errors by name where one of `artifacts` declares them."""
    if answer.succeeded:
        return f"returns {show_bytes(answer.output)}" if answer.output else ACCEPTED
    errors = (artifact.explain_error(answer.output) for artifact in artifacts)
    return f"reverts with {next(filter(None, errors), show_bytes(answer.output))}"


def show_logs(logs: Sequence[Log], artifacts: Sequence[Artifact]) -> str:
    """Logs in words; events by name where one of `artifacts` declares them."""

    def explain(log: Log) -> str:
        events = (artifact.explain_event(log.topics, log.data) for artifact in artifacts)
        return next(filter(None, events), " ".join(map(show_bytes, (*log.topics, log.data))))

    return f"emits {', '.join(map(explain, logs)) or 'nothing'}"


def contrast(
    wanted: Mapping[Address, Words], found: Mapping[Address, Mapping[int, int]], names: Mapping[Address, str]
) -> tuple[str, str]:
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


def show_bytes(data: bytes) -> str:
    return "0x" + data.hex() if data else "no data"


def _show_number(value: int) -> str:
    return f"{value:_}" if value < 2**64 else f"{value:#x}"
