"""A divergence as something to run: a deployment, calls, and what the specification says of each, in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from coordination.chain.accounts import development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import ROLLUPS, Deployment
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address, Quote, Signature
from coordination.chain.signing import recover, sign, signing
from coordination.chain.storage import Words
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.divergence import Divergence, Sent
from coordination.conform.rollup.answers import Answers
from coordination.conform.rollup.setup import Setup
from coordination.machine.trace import Valuation
from coordination_spec.words import Epoch


@dataclass(frozen=True)
class Call:
    """A message, when it is sent, and how it must be answered; revert data in full."""

    timestamp: int
    message: Message
    expected: Expected


@dataclass(frozen=True)
class Word:
    """What must be stored in a slot, and what is kept there."""

    contract: Address
    slot: int
    value: int
    name: str


@dataclass(frozen=True)
class Scenario:
    """Calls on a rollup that is deployed as `setup` says; on an in-process EVM everything comes to be at `there`.

    After them, `stored` must be in storage, and `view` must return what it says when it is asked at `timestamp`.
    `title` says what is special about it, in one line.
    """

    title: str
    setup: Setup
    calls: tuple[Call, ...] = ()
    timestamp: int = 1
    stored: tuple[Word, ...] = ()
    view: View | None = None

    @cached_property
    def there(self) -> Deployment:
        return self.setup.deploy(Evm(), shipped(ROLLUPS[self.setup.version]))

    def taker(self, quote: Quote, signature: Signature, timestamp: int) -> str | None:
        """The development account that took `quote` for the slot of a moment with just this signature."""
        there = self.there
        digest = signing(there.version, there.chain_id, there.rollup).take_digest(quote, self.setup.slot_at(timestamp))
        name = self.setup.names.get(recover(digest, signature) or NOBODY)
        return name if name and sign(development_key(name), digest) == signature else None


def scenario_of(divergence: Divergence, answers: Answers, rollup: Artifact) -> Scenario:
    """What shows a divergence of `rollup` from `answers`. Its senders are holders of TST, if only of none."""
    kind, path, sent = divergence.kind, divergence.path, divergence.sent
    calls = path if kind in ("view", "deployment") else (*path, sent)
    holdings = {**{each.message.sender: 0 for each in calls}, **answers.setup.holdings}
    scenario = Scenario(
        title=f"{sent.message.text}: the specification {divergence.expected}, the contract {divergence.found}",
        setup=replace(answers.setup, holdings=holdings),
        calls=tuple(_call(each, answers) for each in calls),
        timestamp=sent.timestamp,
    )
    last = calls[-1].step if calls else None
    state = last.state if last else answers.oracle.initial()
    if kind == "view":
        return replace(scenario, view=_view(state, sent, answers))
    if kind in ("storage", "deployment"):
        return replace(scenario, stored=tuple(_differing(scenario, answers.storage(state), rollup)))
    return scenario


def _call(sent: Sent, answers: Answers) -> Call:
    """What stands for no step must be refused without data. A refused step leads back to the state before it."""
    expected = Expected(b"", in_full=True) if sent.step is None else answers.expected(sent.step.state, sent.step)
    return Call(sent.timestamp, sent.message, expected)


def _view(state: Valuation, sent: Sent, answers: Answers) -> View:
    clock, slot = answers.oracle.machine.clock, answers.setup.slot_at(sent.timestamp)
    now = Valuation({**dict(state.items()), clock: slot})
    views = (*answers.views(now, answers.oracle.instance.domain(Epoch)), *answers.constants)
    return next(view for view in views if view.message == sent.message)


def _differing(scenario: Scenario, wanted: Mapping[Address, Words], rollup: Artifact) -> Iterator[Word]:
    """What must be stored after the calls, and is not on `rollup`."""
    evm = Evm()
    scenario.setup.deploy(evm, rollup)
    for call in scenario.calls:
        evm.at(call.timestamp)
        evm.call(call.message.sender, call.message.to, call.message.data)
    for contract, words in wanted.items():
        found = evm.whole_storage(contract)
        for slot in sorted(slot for slot in {*words, *found} if words.get(slot, 0) != found.get(slot, 0)):
            names = [member.name for member in words.members if member.slot == slot]
            yield Word(contract, slot, words.get(slot, 0), ", ".join(names) or "nothing that is known")
