"""Who there is in the simulated world, who proposes when, and how long things take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from unittest.mock import patch

from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import NOBODY, Address, Quote
from coordination.chain.signing import recover, signing
from coordination.machine.machine import Machine
from coordination.machine.state import Function
from coordination.node.core import core, proposer
from coordination.node.core.timing import Timing
from coordination_spec import words
from coordination_spec.words import Account, Epoch, Slot
from coordination_spec.world import World

TIMING = Timing(genesis_time=1_000, slot_duration=12, slots_per_epoch=8, claim_slots=4, proof_slots=4)
BOND, REWARD, REWARD_POOL = 1_000, 777, 100_000
FORTUNE = 1_000 * BOND
CHAIN_ID = 31_337
HERE, ELSEWHERE = (Address(f"0x{digit * 40}") for digit in "12")  # type: ignore[arg-type]  # rollups; digits only


@dataclass(frozen=True)
class Role:
    """The accounts of a node, and how many seconds its clock is ahead."""

    prover: str | None
    proposer: str | None
    skew: int


NODES: Mapping[str, Role] = {
    "anna": Role(prover="anna", proposer="anna", skew=0),
    "bert": Role(prover="bert", proposer=None, skew=2),
    "cleo": Role(prover=None, proposer="cleo", skew=-3),
    "dora": Role(prover="dora", proposer="doras-validator", skew=5),
}
POOR = ("penny", "polly")  # too poor for a bond
ADVERSARIES = ("mallory", "monty", *POOR)  # mallory proposes too; monty has one bond
HOLDINGS: Mapping[str, int] = {
    **dict.fromkeys(("anna", "bert", "cleo", "dora", "doras-validator", "mallory"), FORTUNE),
    "monty": BOND,
    **dict.fromkeys(POOR, 0),
}
# Its length has no divisor in common with an epoch's, so that every slot of an epoch is everybody's at some time.
RING = (*("anna",) * 3, "mallory", "cleo", "cleo", "", *("doras-validator",) * 3, "mallory")

KEYS: Mapping[str, PrivateKey] = {name: development_key(name) for name in HOLDINGS}
ADDRESSES: Mapping[str, Address] = {name: address_of(key) for name, key in KEYS.items()}
NAMES: Mapping[Address, str] = {address: name for name, address in ADDRESSES.items()} | {NOBODY: "nobody"}
LAST_SLOT = 2**64

# What a node promises beside the protocol: so many cheaper quotes of a prover are kept after its first, and so many
# takes of a slot's proposer are passed on.
IMPROVEMENTS, TAKES = 16, 16
# In slots in which little happens, proposers ask about few provers at once, and lose their patience soon.
AT_ONCE, PATIENCE = 2, 2


@cache
def number_of(address: Address) -> Account:
    """An account as the specification has it."""
    return Account(words.Address(int(address, 16)))


def specified(quote: Quote) -> words.Quote:
    """A quote as the specification has it."""
    return words.Quote(number_of(quote.prover), Epoch(quote.epoch), words.BasisPoints(quote.basis_point_fee))


def slot_at(time: int) -> int:
    """By the protocol's words; the node has its own."""
    return max(0, (time - TIMING.genesis_time) // TIMING.slot_duration)


def epoch_of(slot: int) -> int:
    return slot // TIMING.slots_per_epoch


def proposer_of(slot: int) -> Address:
    return ADDRESSES.get(RING[slot % len(RING)], NOBODY)


class _Schedule(Function[Slot, words.Address]):
    """Who proposes in any slot."""

    def __init__(self) -> None:
        super().__init__({})

    def __getitem__(self, slot: Slot) -> words.Address:
        return number_of(proposer_of(slot))


def world_of(machine: Machine, *, honest: bool) -> World:
    """The constants of this setting; `honest` if nobody at all is an adversary."""
    adversarial = {} if honest else {number_of(ADDRESSES[name]): True for name in ADVERSARIES}
    template: World = next(iter(machine.instances.values())).constants
    return replace(
        template,
        slots_per_epoch=words.Duration(TIMING.slots_per_epoch),
        claim_slots=words.Duration(TIMING.claim_slots),
        proof_slots=words.Duration(TIMING.proof_slots),
        bond=words.Amount(BOND),
        reward_per_epoch=words.Amount(REWARD),
        supply=words.Amount(sum(HOLDINGS.values()) + REWARD_POOL),
        schedule=_Schedule(),
        adversarial=Function(adversarial, other=False),
        last_slot=Slot(LAST_SLOT),
    )


class Remembered:
    """A design's digests for one rollup, each computed once: they are pure, and slow beside a simulated node."""

    def __init__(self, version: str, rollup: Address) -> None:
        real = signing(version, CHAIN_ID, rollup)
        self.version = version
        self.make_digest: Callable[[Quote], bytes] = lru_cache(10_000)(real.make_digest)
        self.take_digest: Callable[[Quote, int], bytes] = lru_cache(10_000)(real.take_digest)


recover_once = lru_cache(10_000)(recover)


@contextmanager
def simulated(at_once: int = AT_ONCE) -> Iterator[None]:
    """Recover each signature once, in all nodes together: that too is pure, and most messages are repeated.

    And let proposers ask about so many at once, and wait as this world has it.
    """
    asking = patch.multiple(proposer, AT_ONCE=at_once, PATIENCE=PATIENCE)
    with patch.object(core, "recover", recover_once), asking:
        yield
