"""A core on a stage: time and L1 as the test says, messages by name, and a disk that holds what was carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TypeVar

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import NOBODY, Address, Claim, Quote, SignedQuote, Status
from coordination.chain.signing import Signing, sign, signing
from coordination.node.core.core import Core
from coordination.node.core.effects import AskFunds, Effect, Forget, Publish, Remember, Topic
from coordination.node.core.memory import Memory
from coordination.node.core.timing import Timing
from coordination.node.core.view import Head

E, C, P = 8, 3, 4
GENESIS, DURATION = 1_000, 12
TIMING = Timing(GENESIS, DURATION, E, C, P)

KEYS = {name: development_key(name) for name in ("alice", "bob", "carol", "dave", "mallory")}
ADDRESS = {name: address_of(key) for name, key in KEYS.items()}
ALICE, BOB, CAROL, DAVE, MALLORY = ADDRESS.values()
ROLLUP, CHAIN = address_of(development_key("a rollup")), 31_337
DESIGNS = {version: signing(version, CHAIN, ROLLUP) for version in ("0.1.0", "0.2.0")}

OPEN = Claim(NOBODY, 0, Status.OPEN, NOBODY, 0)

Kind = TypeVar("Kind")


def claimed(by: Address, slot: int, status: Status = Status.CLAIMED) -> Claim:
    return Claim(by, 1_000, status, BOB, slot)


def head(slot: int, proposer: Address = BOB, *, before: Address | None = None, after: Address | None = None) -> Head:
    """What L1 says in `slot`: who proposes then, before and after (the same unless told); all epochs are open."""
    others = {slot - 1: before or proposer, slot + 1: after or proposer, slot + 2: after or proposer}
    epoch = slot // E
    proposers = {of: address for of, address in {**others, slot: proposer}.items() if of >= 0}
    return Head(proposers, {of: OPEN for of in (epoch - 1, epoch) if of >= 0})


def with_claim(known: Head, epoch: int, claim: Claim) -> Head:
    return known._replace(claims={**known.claims, epoch: claim})


def kinds(effects: Sequence[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def only(kind: type[Kind], effects: Sequence[Effect]) -> list[Kind]:
    return [effect for effect in effects if isinstance(effect, kind)]


def published(topic: Topic, effects: Sequence[Effect]) -> list[SignedQuote]:
    return [effect.message for effect in only(Publish, effects) if effect.topic is topic]


class Stage:
    """One node with alice's, bob's or no keys. What it asks for is carried out at once, as far as its disk goes."""

    def __init__(self, version: str = "0.2.0", prover: str | None = None, proposer: str | None = None) -> None:
        self.signing: Signing = DESIGNS[version]
        self._roles = {"prover": KEYS.get(prover or ""), "proposer": KEYS.get(proposer or "")}
        self.disk = Memory()
        self.slot = -1
        self.restart()

    def restart(self) -> None:
        """All is lost but what is on disk."""
        self.core = Core(TIMING, self.signing, deepcopy(self.disk), **self._roles)

    def tick(self, slot: int) -> list[Effect]:
        self.slot = slot
        return self.done(self.core.tick(TIMING.start_of(slot)))

    def at(self, slot: int, known: Head | None = None) -> list[Effect]:
        """It is `slot`, and L1 says `known`, or else that bob proposes and nothing is claimed."""
        return self.tick(slot) + self.see(known or head(slot))

    def see(self, known: Head) -> list[Effect]:
        return self.done(self.core.see(known))

    def bid(self, epoch: int, fee: int) -> list[Effect]:
        return self.done(self.core.bid(epoch, fee))

    def hand_in(self, epoch: int, proof: bytes = b"a proof") -> list[Effect]:
        return self.done(self.core.hand_in(epoch, proof))

    def hear_make(self, by: str, epoch: int, fee: int) -> list[Effect]:
        """A quote that is made as it should be; it is accepted."""
        heard = self.core.hear_make(self.made(by, epoch, fee))
        assert heard.verdict.value == "accept"
        return self.done(heard.effects)

    def hear_take(self, quote: Quote, by: str = "bob", slot: int | None = None) -> list[Effect]:
        """A take by `by`, for this slot unless told, whatever is thought of it."""
        return self.done(self.core.hear_take(self.taken(quote, by, slot)).effects)

    def fund(self, effects: Sequence[Effect], poor: Sequence[Address] = ()) -> list[Effect]:
        """Answer the last question about funds among `effects`: all can pay but the poor."""
        asked = only(AskFunds, effects)[-1]
        return self.learn(asked.slot, {prover: prover not in poor for prover in asked.provers})

    def learn(self, slot: int, can_pay: Mapping[Address, bool]) -> list[Effect]:
        return self.done(self.core.learn_funds(slot, can_pay))

    def made(self, by: str, epoch: int, fee: int) -> SignedQuote:
        quote = Quote(ADDRESS[by], epoch, fee)
        return SignedQuote(quote, sign(KEYS[by], self.signing.make_digest(quote)))

    def taken(self, quote: Quote, by: str = "bob", slot: int | None = None) -> SignedQuote:
        digest = self.signing.take_digest(quote, self.slot if slot is None else slot)
        return SignedQuote(quote, sign(KEYS[by], digest))

    def done(self, effects: Sequence[Effect]) -> list[Effect]:
        for effect in effects:
            write(self.disk, effect)
        return list(effects)


def write(disk: Memory, effect: Effect) -> None:
    """What an effect changes on disk."""
    match effect:
        case Remember(fact):
            disk.remember(fact)
        case Forget(epoch):
            disk.forget(epoch)
