"""Arguments of calls as words, such as "the previous epoch, and 2^64 more", read against the world when a call is made.

So a list of calls of which some are left out still makes sense, which is how a failure gets short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from eth_utils.crypto import keccak

from coordination.chain.accounts import address_of_number, development_key
from coordination.chain.deployment import find_proof, is_proof
from coordination.chain.quote import NOBODY, Quote, Signature
from coordination.chain.signing import ORDER, recover, sign, signing
from coordination.conform.fuzz.openworld import LAST_MOMENT, OpenWorld
from coordination.conform.rollup.answers import ELSEWHERE
from coordination_spec.words import Slot, Status


@dataclass(frozen=True)
class Draft:
    """A call while it is made: the arguments that are known already, by the labels of the specification's action."""

    world: OpenWorld
    given: dict[str, int]

    @property
    def quote(self) -> Quote:
        prover, epoch, fee = (self.given[f"quote.{field}"] for field in ("prover", "epoch", "basis_point_fee"))
        return Quote(address_of_number(prover), epoch, fee)


class Recipe(Protocol):
    def read(self, draft: Draft) -> tuple[int, Any]:
        """The argument as the specification has it, and what the message carries for it."""


Landmark = Callable[[Draft], int]


@dataclass(frozen=True)
class Number:
    """A landmark, so much more, and 2^`power` more if `power` is not 0; wraps at its number of bits."""

    bits: int
    landmark: Landmark
    more: int
    power: int

    def read(self, draft: Draft) -> tuple[int, Any]:
        value = (self.landmark(draft) + self.more + (1 << self.power if self.power else 0)) % (1 << self.bits)
        return value, value


@dataclass(frozen=True)
class AccountNumber(Number):
    """The number of an account, which a message carries as an address."""

    def read(self, draft: Draft) -> tuple[int, Any]:
        number, _ = super().read(draft)
        if not number and "caller" not in draft.given:  # it would be the caller, and nobody calls nothing
            number = account(0)(draft)
        return number, address_of_number(number)


def exactly(value: int) -> Landmark:
    return lambda draft: value


def scattered(nonce: int, bits: int) -> int:
    """Some number of so many bits."""
    return int.from_bytes(keccak(nonce.to_bytes(32, "big")), "big") >> (256 - bits)


def the_caller(draft: Draft) -> int:
    return draft.given.get("caller", account(0)(draft))


def account(position: int) -> Landmark:
    """One of the accounts that have a key."""

    def number(draft: Draft) -> int:
        accounts = list(draft.world.setup.names)
        return int(accounts[position % len(accounts)], 16)

    return number


def previous_epoch(draft: Draft) -> int:
    return draft.world.previous_epoch


def the_epoch_before(draft: Draft) -> int:
    """The epoch before the previous one; without one, epoch 0."""
    return max(draft.world.previous_epoch - 1, 0)


def current_epoch(draft: Draft) -> int:
    return draft.world.world.epoch(Slot(draft.world.slot))


def claimed_epoch(draft: Draft) -> int:
    """The latest epoch that is claimed; without one, the previous epoch."""
    statuses = draft.world.state["status"].items()
    return max((epoch for (epoch,), status in statuses if status == Status.CLAIMED), default=previous_epoch(draft))


def the_bond(draft: Draft) -> int:
    return draft.world.world.bond


def the_reward(draft: Draft) -> int:
    return draft.world.world.reward_per_epoch


def what_the_caller_owns(draft: Draft) -> int:
    return draft.world.state.entry("balance", (draft.given["caller"],))


@dataclass(frozen=True)
class Moment:
    """So many slots and seconds, and 2^`power` seconds if `power` is not 0, after the start of a landmark, a slot."""

    landmark: Callable[[OpenWorld], int]
    slots: int
    seconds: int
    power: int

    def read(self, world: OpenWorld) -> int:
        """Seconds; the present moment if that one is over, or later than time goes."""
        start = world.setup.parameters.timestamp(self.landmark(world) + self.slots)
        moment = start + self.seconds + (1 << self.power if self.power else 0)
        return moment if world.timestamp <= moment <= LAST_MOMENT else world.timestamp


def this_slot(world: OpenWorld) -> int:
    return world.slot


def next_claim_phase(world: OpenWorld) -> int:
    return (world.slot // world.world.slots_per_epoch + 1) * world.world.slots_per_epoch


def end_of_claim_phase(world: OpenWorld) -> int:
    return world.slot // world.world.slots_per_epoch * world.world.slots_per_epoch + world.world.claim_slots


def end_of_proof_phase(world: OpenWorld) -> int:
    """Of the latest claim; without one, of a claim made now."""
    claims = world.state["claim_slot"].values()
    return max(claims, default=world.slot) + world.world.proof_slots


@dataclass(frozen=True)
class ShownTake:
    """A signature of the slot's proposer, or of another account with a key, over a quote or something close to it.

    `role` is "take" or "make", `changed` a field of the quote that was another when it was signed; `slots` and `chains`
    say how far off its slot and its chain are, `elsewhere` that it is for another rollup. `spoiled` names how it was
    changed after that.
    """

    signer: int | None
    role: str
    changed: str
    slots: int
    chains: int
    elsewhere: bool
    spoiled: str

    def read(self, draft: Draft) -> tuple[int, Any]:
        here, quote, slot = draft.world.answers.signing, draft.quote, draft.world.slot
        signature = SPOILED[self.spoiled](sign(development_key(self._signer(draft)), self._digest(draft)))
        signer = recover(here.take_digest(quote, slot), signature)
        return int(signer or NOBODY, 16), (self._how(draft), signature)

    def _signer(self, draft: Draft) -> str:
        """The name of an account: the proposer, where it has a key."""
        setup = draft.world.setup
        names = list(setup.names.values())
        if self.signer is not None:
            return names[self.signer % len(names)]
        return setup.names.get(setup.schedule.proposer_of(draft.world.slot), names[0])

    def _digest(self, draft: Draft) -> bytes:
        there, quote = draft.world.there, draft.quote
        if self.changed:
            other = ELSEWHERE if self.changed == "prover" else (getattr(quote, self.changed) + 1) % (1 << 32)
            quote = Quote(**{**quote._asdict(), self.changed: other})
        rollup = ELSEWHERE if self.elsewhere else there.rollup
        meant = signing(there.version, there.chain_id + self.chains, rollup)
        return meant.make_digest(quote) if self.role == "make" else meant.take_digest(quote, self._slot(draft))

    def _slot(self, draft: Draft) -> int:
        return max(draft.world.slot + self.slots, 0)

    def _how(self, draft: Draft) -> str:
        words = [f"{self.role} by {self._signer(draft)} for slot {self._slot(draft)}"]
        words += [f"of another {self.changed}"] if self.changed else []
        words += ["for another chain"] if self.chains else []
        words += ["for another rollup"] if self.elsewhere else []
        return ", ".join([*words, self.spoiled] if self.spoiled else words)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


SPOILED: Mapping[str, Callable[[Signature], Signature]] = {
    "": lambda given: given,
    "the upper half of s": lambda given: Signature(55 - given.v, given.r, _word(ORDER - int.from_bytes(given.s))),
    "the other v": lambda given: given._replace(v=55 - given.v),
    "v of 0 or 1": lambda given: given._replace(v=given.v - 27),
    "v of 2": lambda given: given._replace(v=2),
    "v of 29": lambda given: given._replace(v=29),
    "v of 255": lambda given: given._replace(v=255),
    "r of zero": lambda given: given._replace(r=_word(0)),
    "r of the order": lambda given: given._replace(r=_word(ORDER)),
    "s of zero": lambda given: given._replace(s=_word(0)),
    "s of the order": lambda given: given._replace(s=_word(ORDER)),
    "s of all ones": lambda given: given._replace(s=b"\xff" * 32),
    "s and 1": lambda given: given._replace(s=_word(int.from_bytes(given.s) + 1)),
    "r and s at random": lambda given: given._replace(r=keccak(given.r), s=keccak(given.s)),
}


@dataclass(frozen=True)
class ShownProof:
    """A proof of the epoch, or of one so many further; `spoiled` names how it was changed after that."""

    epochs: int
    spoiled: str

    def read(self, draft: Draft) -> tuple[int, Any]:
        epoch = draft.given["epoch"]
        proof = SPOILED_PROOFS[self.spoiled](_find_proof((epoch + self.epochs) % (1 << 256)))
        how = "a proof of another epoch" if self.epochs else "a proof"
        return int(is_proof(epoch, proof)), (f"{how}, {self.spoiled}" if self.spoiled else how, proof)


_find_proof = cache(find_proof)

SPOILED_PROOFS: Mapping[str, Callable[[bytes], bytes]] = {
    "": lambda proof: proof,
    "a byte short": lambda proof: proof[:-1],
    "a byte too long": lambda proof: proof + b"\0",
    "twice": lambda proof: proof * 2,
    "nothing of it": lambda proof: b"",
    "hashed": keccak,
}
