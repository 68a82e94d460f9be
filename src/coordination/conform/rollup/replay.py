"""Replay: a trace of the specification, step by step, as signed transactions on a development chain.

A step on the chain becomes a transaction, and its receipt must show what the specification says, failure included. A
step off the chain becomes what it leaves behind: time that has passed, or a signature. After each, the whole storage of
the contracts and every view are compared with the specification's state.

What is presented to the contract is not made up for the occasion: where an honest account's signature is needed, it has
to be, byte for byte, one that this account gave in an earlier step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from eth_abi.abi import decode
from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import ROLLUPS, Deployment
from coordination.chain.quote import Address, Quote, Signature
from coordination.chain.rpc import Mined, RpcChain
from coordination.chain.signing import sign, signing
from coordination.conform.adapter import Message, View
from coordination.conform.divergence import Mismatch, compare_answer, compare_storage, compare_view
from coordination.conform.rollup.adapter import GENESIS, SLOT_DURATION, RollupAdapter
from coordination.conform.rollup.answers import ELSEWHERE
from coordination.machine.machine import Instance, Machine
from coordination.machine.trace import Step, Trace, Valuation
from coordination_spec.words import NOBODY, Account, Role, Slot
from coordination_spec.words import Address as AccountOrNobody
from coordination_spec.world import World


@dataclass(frozen=True)
class Transaction:
    """What a step on the chain became.

    `signature` says in which earlier step, and as what, an honest account gave the one that is presented. It is empty
    where none of these is: the sender signed for itself, or presents what is nobody's, or nothing.
    """

    message: Message
    mined: Mined
    signature: str


@dataclass(frozen=True)
class Replayed:
    """A step, as it went; step 0 is the deployment. `transaction` is None for a step off the chain.

    `timestamp` is that of the block; `words` and `views` are how many of each were compared after it. A mismatch may
    also be of kind "signature": the call presents one that its signer has not given in an earlier step.
    """

    number: int
    step: Step | None
    timestamp: int
    transaction: Transaction | None
    words: int
    views: int
    mismatches: tuple[Mismatch, ...]


def accounts(instance: Instance) -> Mapping[Address, PrivateKey]:
    """The keys of all who send something when `instance` is replayed: the chain is to be made with them."""
    names = (instance.show(Account, account) for account in instance.domain(Account))
    return {address_of(key): key for key in map(development_key, (*names, "sponsor", "a stranger"))}


def replay(trace: Trace, machine: Machine, chain: RpcChain, artifact: Artifact | None = None) -> Iterator[Replayed]:
    """Deploy the rollup on `chain`, take the steps of `trace` there, and tell of each as soon as it is done.

    The oracle must have confirmed `trace`. `artifact` is the shipped contract of its design unless another is given.
    Raises RpcError where the chain fails, or has a clock that is past the rollup's genesis.
    """
    run = _Replay(machine, machine.instance(trace.instance), chain, artifact)
    yield run.compare(0, None, trace.initial)
    before = trace.initial
    for number, step in enumerate(trace.steps, start=1):
        yield run.take(number, before, step)
        before = step.state


class _Replay:
    def __init__(self, machine: Machine, instance: Instance, chain: RpcChain, artifact: Artifact | None) -> None:
        version = instance.constants.design.version
        chain.at(GENESIS - SLOT_DURATION)
        self._chain = chain
        self._adapter = RollupAdapter(machine, instance, artifact or shipped(ROLLUPS[version]), chain)
        self._signatures = _Signatures(instance, self._adapter.deployment)

    def take(self, number: int, before: Valuation, step: Step) -> Replayed:
        if step.action not in self._adapter.actions:
            self._signatures.note(number, before, step)
            return self.compare(number, step, step.state)
        slot = Slot(before["now"])
        messages = self._adapter.messages(step.action, step.arguments, slot)
        origins = {message: self._signatures.origin(message, step, slot) for message in messages}
        message = next(filter(origins.get, messages), messages[0])
        mined = self._chain.send(message.sender, message.to, message.data)
        expected = self._adapter.expected(before, step)
        mismatches = [compare_answer(expected, mined.answer, self._adapter.speakers, self._adapter.artifacts)]
        if not origins[message] and self._signatures.is_needed(step):
            mismatches.append(Mismatch("signature", "presents what its signer gave in an earlier step", message.text))
        return self.compare(number, step, step.state, Transaction(message, mined, origins[message]), mismatches)

    def compare(
        self,
        number: int,
        step: Step | None,
        state: Valuation,
        transaction: Transaction | None = None,
        mismatches: Sequence[Mismatch | None] = (),
    ) -> Replayed:
        """Let the time of `state` come, and hold all that the chain has against it."""
        timestamp = self._adapter.timestamps(state["now"])[0]
        self._chain.at(timestamp)
        storage, views = self._adapter.storage(state), self._adapter.views(state)
        stored = {address: self._chain.whole_storage(address) for address in self._adapter.contracts}
        found = [*mismatches, compare_storage(storage, stored, self._adapter.contracts), *map(self._ask, views)]
        words = len({(at, slot) for at in storage for slot in (*storage[at], *stored[at])})
        return Replayed(number, step, timestamp, transaction, words, len(views), tuple(filter(None, found)))

    def _ask(self, view: View) -> Mismatch | None:
        answer = self._chain.view(view.message.sender, view.message.to, view.message.data)
        mismatch = compare_view(view, answer, self._adapter.artifacts)
        return mismatch and replace(mismatch, expected=f"{view.message.text} {mismatch.expected}")


@dataclass(frozen=True)
class _Given:
    """A signature that an honest account gave in step `number`: `slot` is None if it was on another rollup."""

    number: int
    signer: int
    role: Role
    quote: tuple[int, ...]
    slot: Slot | None


class _Signatures:
    """What honest accounts have signed so far. Everything is signed again when asked for: the bytes are the same."""

    def __init__(self, instance: Instance, there: Deployment) -> None:
        self._world: World = instance.constants
        self._names = {int(account): instance.show(Account, account) for account in instance.domain(Account)}
        self._keys = {account: development_key(name) for account, name in self._names.items()}
        self._here = signing(there.version, there.chain_id, there.rollup)
        self._elsewhere = signing(there.version, there.chain_id, ELSEWHERE)
        self._given: list[_Given] = []

    def note(self, number: int, before: Valuation, step: Step) -> None:
        now = Slot(before["now"])
        if step.error is not None:
            return
        if step.action == "make_quote":
            self._given.append(_Given(number, step.arguments[0], Role.MAKE, step.arguments, now))
        elif step.action == "publish_take":
            self._given.append(_Given(number, self._world.schedule[now], Role.TAKE, step.arguments, now))
        elif step.action == "sign_elsewhere":
            signer, role, *quote = step.arguments
            self._given.append(_Given(number, signer, Role(role), tuple(quote), None))

    def is_needed(self, step: Step) -> bool:
        """Whether the call of `step` works by a signature that its sender cannot make."""
        recovered = AccountOrNobody(step.arguments[-1] if step.action == "claim_proof_right" else NOBODY)
        return recovered != NOBODY and self._world.is_honest(recovered)

    def origin(self, message: Message, step: Step, slot: Slot) -> str:
        """Who gave the signature that `message` presents in `slot`, when, and as what; empty if nobody has."""
        if step.action != "claim_proof_right":
            return ""
        presented = _presented(message)
        return next((self._told(given) for given in self._given if self._signed(given, slot) == presented), "")

    def _signed(self, given: _Given, slot: Slot) -> Signature:
        """The other rollup has slots of its own; a take there is for the one of the same number as `slot` here."""
        prover, epoch, fee = given.quote
        quote = Quote(address_of(self._keys[prover]), epoch, fee)
        rollup = self._elsewhere if given.slot is None else self._here
        is_make, for_slot = given.role is Role.MAKE, slot if given.slot is None else given.slot
        digest = rollup.make_digest(quote) if is_make else rollup.take_digest(quote, for_slot)
        return sign(self._keys[given.signer], digest)

    def _told(self, given: _Given) -> str:
        where = f"for another rollup, {ELSEWHERE}" if given.slot is None else f"in slot {given.slot}"
        return f"{self._names[given.signer]}'s {given.role.name.lower()} of step {given.number}, {where}"


def _presented(message: Message) -> Signature:
    """The signature in a call of `claimProofRight`."""
    ((_, _, _, signature),) = decode(["(address,uint256,uint32,(uint8,bytes32,bytes32))"], message.data[4:])
    return Signature(*signature)
