"""What a contract has to say for itself to be held to a specification: the mapping between the two.

Everything is said from the specification's side: given a state, what the contract's storage must hold; given a call of
the specification, which messages stand for it and how each must be answered. Whatever an adapter leaves unsaid is not
compared, so it says all that it can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Chain, Log
from coordination.chain.quote import Address
from coordination.chain.storage import Words
from coordination.machine.action import Arguments
from coordination.machine.machine import Instance, Machine
from coordination.machine.trace import Step, Valuation


@dataclass(frozen=True, slots=True)
class Message:
    """One call of a contract. `text` is how it would be written down."""

    sender: Address
    to: Address
    data: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """How a message must be answered.

    `reverts` is what the revert data must begin with, or (`in_full`) all of it; None if the call must succeed. Then it
    must leave these `logs` and no others, of the contracts that are compared for theirs.
    """

    reverts: bytes | None
    logs: tuple[Log, ...] = ()
    in_full: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A question that changes nothing, and what it must return."""

    message: Message
    returns: bytes


class Adapter(Protocol):
    """The mapping of one contract. `Adapter(machine, instance, artifact, chain)` deploys the contract on `chain`.

    `actions` names the specification's actions that are calls on the chain, `visible` the variables that the chain
    stores. Besides them it sees the time. The answer to a call may depend on nothing else: where a rule reads another
    variable, conformance says so and stops.
    """

    @property
    def actions(self) -> Sequence[str]: ...

    @property
    def visible(self) -> Sequence[str]: ...

    @property
    def contracts(self) -> Mapping[Address, str]:
        """Whose storage is compared, with a name for each."""

    @property
    def speakers(self) -> frozenset[Address]:
        """Whose logs are compared."""

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """By which errors and events are told by name."""

    def timestamps(self, slot: int) -> Sequence[int]:
        """Moments that lie in `slot`, of which any must do: the first, the last, ..."""

    def messages(self, action: str, arguments: Arguments, slot: int) -> Sequence[Message]:
        """The messages that stand for a call of the specification; each must be answered as the specification says."""

    def expected(self, before: Valuation, step: Step) -> Expected:
        """How the messages of `step`, taken in `before`, must be answered."""

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        """All that the contracts store in `state`."""

    def views(self, state: Valuation) -> Sequence[View]:
        """What the contracts must tell of `state`."""


MakeAdapter = Callable[[Machine, Instance, Artifact, Chain], Adapter]
