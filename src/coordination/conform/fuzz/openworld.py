"""The protocol without the bounds of an instance: one rollup on an EVM, and the oracle beside it in the same world.

Numbers reach as far as their Solidity types: an account's number is its address, an epoch has 256 bits. Everybody is an
adversary, so that whatever can be presented to the contract may be. Time is the chain's: it is set, and jumps as far as
it likes, where the specification's `tick` would pass one slot. No rule of the contract can tell the difference, because
`tick` changes, beside the clock, only what nodes remember.

One assumption: whoever calls lets the rollup take TST without limit. The specification knows no allowances.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import overload

from coordination.chain.accounts import address_of_number
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.divergence import Divergence, Mismatch, Sent, compare_answer, compare_storage, compare_view
from coordination.conform.rollup.answers import Answers
from coordination.conform.rollup.calls import Calls
from coordination.conform.rollup.setup import UNLIMITED, Setup
from coordination.machine.action import Action, Arguments
from coordination.machine.language import Sort
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.state import Function
from coordination.machine.trace import Step, Valuation
from coordination_spec import words
from coordination_spec.words import Epoch, Slot, Status
from coordination_spec.world import World

BITS: Mapping[Sort, int] = {words.Account: 160, words.Address: 160, words.BasisPoints: 32}  # of Solidity's types
LAST_MOMENT = 2**64 - 1  # the time in a block's header has 64 bits; a claim's slot, of 96, holds any slot before it


class Met(Sequence[int]):
    """The whole numbers of so many bits. All are in it; it goes through those only that were met so far, ascending.

    What no call has named is nobody's and holds nothing, so a rule that asks for some value, or for all, gets the
    answer that all values would give.
    """

    def __init__(self, bits: int) -> None:
        self._bound = 1 << bits
        self._met: list[int] = []

    def meet(self, value: int) -> None:
        if value not in self._met:
            insort(self._met, value)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and 0 <= value < self._bound

    def __len__(self) -> int:
        return len(self._met)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._met[index]


class _Schedule(Function[Slot, words.Address]):
    """Who proposes in any slot, by the contract's rule."""

    def __init__(self, proposer_of: Callable[[int], Address]) -> None:
        super().__init__({})
        self._proposer_of = proposer_of

    def __getitem__(self, slot: Slot) -> words.Address:
        return words.Address(int(self._proposer_of(slot), 16))


def open_instance(machine: Machine, setup: Setup, now: int) -> Instance:
    """`machine` in the world of `setup`, at slot `now`; it has no bounds, and nobody is honest."""
    template = next(iter(machine.instances.values()))
    given, held = setup.parameters, setup.reward_pool + setup.gift
    world: World = replace(
        template.constants,
        slots_per_epoch=given.slots_per_epoch,
        claim_slots=given.claim_slots,
        proof_slots=given.proof_slots,
        bond=given.bond,
        reward_per_epoch=given.reward_per_epoch,
        supply=sum(setup.holdings.values()) + held,
        schedule=_Schedule(cache(setup.schedule.proposer_of)),
        adversarial=Function({}, other=True),
        last_slot=LAST_MOMENT,
    )
    return Instance(
        name="open",
        about="numbers as large as the contract's, time that jumps, and nobody honest",
        constants=world,
        domains={sort: Met(BITS.get(sort, 256)) for sort in template.domains},
        initial={
            "now": now,
            "balance": {int(holder, 16): amount for holder, amount in setup.holdings.items()},
            "held": held,
            "reward_pool": setup.reward_pool,
            "gifts": setup.gift,
        },
    )


class OpenWorld:
    """A rollup on an EVM, and what the specification knows of it. Each call is made of both, and compared at once.

    `state` is the specification's. What a method returns is the first thing in which the two differ, or None.
    """

    def __init__(self, machine: Machine, artifact: Artifact, setup: Setup, timestamp: int) -> None:
        """Raises RuntimeError with what the contract's constructor reverted with."""
        self.setup, self.timestamp = setup, timestamp
        self._evm, self._path = Evm(), list[Sent]()
        self._evm.at(timestamp)
        self.there = setup.deploy(self._evm, artifact)
        self._oracle = Oracle(machine, open_instance(machine, setup, self.slot))
        self.world: World = self._oracle.instance.constants
        self.state = self._oracle.initial()
        self.answers = Answers(self._oracle, artifact, setup, self.there, address_of_number)
        self.calls = Calls(artifact, self.there, setup.names)

    @property
    def slot(self) -> int:
        return self.setup.slot_at(self.timestamp)

    @property
    def previous_epoch(self) -> int:
        """The epoch that can be claimed now; in epoch 0, which has none before it, epoch 0."""
        return max(self.world.epoch(Slot(self.slot)) - 1, 0)

    def check_deployment(self) -> Divergence | None:
        """Whether deployment has left what it must, and what no state changes is told."""
        if mismatch := self._compare_storage():
            deployed = Message(NOBODY, self.there.rollup, b"", "deployment")
            return self._divergence(Sent(self.timestamp, deployed, None), replace(mismatch, kind="deployment"))
        return self.ask(self.answers.constants)

    def pass_time(self, timestamp: int) -> None:
        """It is `timestamp` from now on, in seconds."""
        self.timestamp = timestamp
        self._evm.at(timestamp)
        self.state = Valuation({**dict(self.state.items()), self._oracle.machine.clock: self.slot})

    def make(self, action: Action, arguments: Arguments, message: Message) -> tuple[Step, Divergence | None]:
        """A call of the specification, and the message that stands for it."""
        given = list(zip(action.sorts(), arguments, strict=True))
        self._meet(given)
        self._admit(message.sender)
        before, step = self.state, self._oracle.run(self.state, action, arguments)
        assert step is not None, f"{action.name} is not allowed to everybody"
        self.state = step.state
        sent = Sent(self.timestamp, message, step)
        mismatch = self._send(message, self.answers.expected(before, step))
        if mismatch is not None:
            return step, self._divergence(sent, mismatch)
        if step.error is None:
            self._path.append(sent)
        return step, self.ask(self.answers.views(self.state, self._of_interest(given)))

    def make_malformed(self, message: Message) -> Divergence | None:
        """A message that is no call of anything: it must be refused without data, and change nothing."""
        mismatch = self._send(message, Expected(b"", in_full=True))
        return self._divergence(Sent(self.timestamp, message, None), mismatch) if mismatch else None

    def ask(self, views: Iterable[View]) -> Divergence | None:
        """Whether the contract tells what it must."""
        for view in views:
            answer = self._evm.call(view.message.sender, view.message.to, view.message.data)
            if mismatch := compare_view(view, answer, self.answers.artifacts):
                return self._divergence(Sent(self.timestamp, view.message, None), mismatch)
        return None

    def _meet(self, given: Iterable[tuple[Sort, int]]) -> None:
        for sort, value in given:
            domain = self._oracle.instance.domains.get(sort)
            if isinstance(domain, Met):
                domain.meet(value)

    def _of_interest(self, given: Iterable[tuple[Sort, int]]) -> list[int]:
        """The epochs that a call names, and those whose time is running."""
        claimed = (epoch for (epoch,), status in self.state["status"].items() if status == Status.CLAIMED)
        return sorted({*claimed, *(value for sort, value in given if sort is Epoch)})

    def _admit(self, caller: Address) -> None:
        """Let the rollup take TST of a new caller's."""
        if caller not in self.answers.holders:
            approval = shipped("TestToken").call("approve", self.there.rollup, UNLIMITED)
            self._evm.call(caller, self.there.token, approval)
            self.answers.holders.add(caller)

    def _send(self, message: Message, expected: Expected) -> Mismatch | None:
        """Send it, and compare the answer, the logs and all that is stored then with what they must be."""
        answer = self._evm.call(message.sender, message.to, message.data)
        mismatch = compare_answer(expected, answer, self.answers.speakers, self.answers.artifacts)
        return mismatch or self._compare_storage()

    def _compare_storage(self) -> Mismatch | None:
        found = {address: self._evm.whole_storage(address) for address in self.answers.contracts}
        return compare_storage(self.answers.storage(self.state), found, self.answers.contracts)

    def _divergence(self, sent: Sent, mismatch: Mismatch) -> Divergence:
        return Divergence(mismatch.kind, tuple(self._path), sent, mismatch.expected, mismatch.found)
