"""The shipped instances: finite worlds, small enough to be explored whole and rich enough to go wrong.

Amounts are scaled down (a bond of 2, a reward of 5), so that every sum fits a few bits and rounding still leaves dust.
Honest accounts bid and sign no more than an instance lists; everything else that the rules allow happens in some run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from coordination.machine import Function, Instance
from coordination_spec.designs import Design
from coordination_spec.words import (
    NOBODY,
    Account,
    Address,
    Amount,
    BasisPoints,
    Duration,
    Epoch,
    Payment,
    Quote,
    Rank,
    Role,
    Slot,
)
from coordination_spec.world import World

ALICE, BOB, MALLORY, CAROL = (Account(Address(number)) for number in (1, 2, 3, 4))
NAMES = {NOBODY: "nobody", ALICE: "alice", BOB: "bob", MALLORY: "mallory", CAROL: "carol"}

FREE, CHEAP, ABSURD = BasisPoints(0), BasisPoints(2_500), BasisPoints(20_000)
FEES = (FREE, CHEAP, ABSURD)


@dataclass(frozen=True)
class Scenario:
    """One instance, in the words of the protocol: how long things take, who has what, and who may bid and sign what.

    `bids` are the quotes that honest provers may make, `elsewhere` what honest keys may sign on the other rollup.
    Mallory, who is the adversary, may quote every epoch at every fee and present whatever can be presented.
    """

    name: str
    about: str
    durations: tuple[int, int, int]  # E, C, P in slots
    first_slot: int
    last_slot: int
    epochs: int
    schedule: Mapping[int, Address]  # who proposes in the slots of claim phases; mallory does in all others
    balances: Mapping[Account, int]
    reward_pool: int
    bids: frozenset[Quote]
    forgeries: frozenset[Quote]
    elsewhere: frozenset[tuple[Account, Role, Quote]]
    payments: tuple[int, ...]
    interchangeable: tuple[Account, ...] = ()
    bond: int = 2
    reward: int = 5

    def instance(self, design: Design) -> Instance:
        supply = sum(self.balances.values()) + self.reward_pool
        slots = range(self.first_slot, self.last_slot + 1)
        slots_per_epoch, claim_slots, proof_slots = map(Duration, self.durations)
        world = World(
            design=design,
            slots_per_epoch=slots_per_epoch,
            claim_slots=claim_slots,
            proof_slots=proof_slots,
            bond=Amount(self.bond),
            reward_per_epoch=Amount(self.reward),
            supply=Amount(supply),
            schedule=Function({slot: self.schedule.get(slot, MALLORY) for slot in slots}),
            adversarial=Function({account: account == MALLORY for account in self.balances}, other=False),
            last_slot=Slot(self.last_slot),
        )
        accounts = tuple(sorted(self.balances))
        names: Mapping[int, str] = {account: NAMES[account] for account in (NOBODY, *accounts)}
        return Instance(
            name=self.name,
            about=self.about,
            constants=world,
            domains={
                Slot: range(self.last_slot + 1),
                Epoch: range(self.epochs),
                Address: (NOBODY, *accounts),
                Account: accounts,
                Amount: range(supply + 1),
                Payment: self.payments,
                BasisPoints: FEES,
                Rank: range(len(accounts) + 1),
            },
            initial={
                "now": self.first_slot,
                "balance": self.balances,
                "held": self.reward_pool,
                "reward_pool": self.reward_pool,
            },
            considered=self._considered(),
            interchangeable=(Account, self.interchangeable) if self.interchangeable else None,
            names={Address: names, Account: names},
        )

    def _considered(self) -> Mapping[str, Callable[..., bool]]:
        """Which arguments of each action are of interest: the rest repeats them under other names, or never occurs."""
        proposers = {who for who in self.schedule.values() if who not in (NOBODY, MALLORY)}

        def is_offer(quote: Quote) -> bool:
            return quote in self.bids or quote in self.forgeries

        return {
            "make_quote": lambda quote: quote in self.bids,
            "sign_elsewhere": lambda signer, role, quote: (signer, role, quote) in self.elsewhere,
            "receive_quote": lambda proposer, quote, recovered: (
                proposer in proposers and is_offer(quote) and recovered in (quote.prover, NOBODY)
            ),
            "choose_quote": is_offer,
            "publish_take": is_offer,
            "crash_proposer": lambda proposer: proposer in proposers,
            "send_claim": lambda quote: quote in self.bids,
            "claim_proof_right": lambda caller, quote, recovered: is_offer(quote) and caller in (MALLORY, quote.prover),
            "submit_epoch_proof": lambda caller, epoch, valid: caller == MALLORY,
            "prune": lambda caller, epoch: caller == MALLORY,
            "fund_rewards": lambda caller, amount: caller == MALLORY,
            "give_tokens": lambda caller, amount: caller == MALLORY,
        }


def offer(prover: Account, epoch: int, *fees: BasisPoints) -> frozenset[Quote]:
    return frozenset(Quote(prover, Epoch(epoch), fee) for fee in fees)


TINY = Scenario(
    name="tiny",
    about="one epoch to prove; bob bids, and proposes in two slots; mallory proposes in the third",
    durations=(4, 3, 1),
    first_slot=3,
    last_slot=8,
    epochs=1,
    schedule={4: BOB, 5: BOB, 6: MALLORY},
    balances={BOB: 2, MALLORY: 2},
    reward_pool=3,
    bids=offer(BOB, 0, CHEAP, ABSURD),
    forgeries=offer(MALLORY, 0, FREE, ABSURD),
    elsewhere=frozenset({(BOB, Role.TAKE, Quote(MALLORY, Epoch(0), FREE))}),
    payments=(2,),
)

CI = Scenario(
    name="ci",
    about="two epochs to prove; alice bids for both, bob bids and proposes in three slots, mallory proposes in one",
    durations=(4, 2, 2),
    first_slot=1,
    last_slot=11,
    epochs=2,
    schedule={1: BOB, 4: BOB, 5: BOB, 8: MALLORY, 9: BOB},
    balances={ALICE: 2, BOB: 2, MALLORY: 2},
    reward_pool=4,
    bids=offer(ALICE, 0, CHEAP) | offer(BOB, 0, CHEAP, ABSURD) | offer(ALICE, 1, CHEAP),
    forgeries=offer(MALLORY, 0, FREE, CHEAP, ABSURD) | offer(MALLORY, 1, FREE, ABSURD),
    elsewhere=frozenset({(BOB, Role.TAKE, Quote(MALLORY, Epoch(0), FREE))}),
    payments=(1,),
)

DEEP = Scenario(
    name="deep",
    about="two epochs to prove, a slot without a proposer, and a rich mallory, who proposes in two slots and overbids",
    durations=(4, 3, 1),
    first_slot=2,
    last_slot=11,
    epochs=2,
    schedule={2: BOB, 4: BOB, 5: BOB, 6: MALLORY, 8: NOBODY, 9: BOB, 10: MALLORY},
    balances={ALICE: 2, BOB: 2, MALLORY: 5},
    reward_pool=4,
    bids=offer(ALICE, 0, CHEAP) | offer(BOB, 0, CHEAP, ABSURD) | offer(ALICE, 1, CHEAP),
    forgeries=offer(MALLORY, 0, FREE, CHEAP, ABSURD) | offer(MALLORY, 1, FREE, CHEAP, ABSURD),
    elsewhere=frozenset({(BOB, Role.TAKE, Quote(MALLORY, Epoch(0), FREE))}),
    payments=(1,),
)

TWINS = Scenario(
    name="twins",
    about="alice and carol bid alike, and count as one up to their names; bob bids, bob and mallory propose",
    durations=(4, 3, 1),
    first_slot=3,
    last_slot=8,
    epochs=1,
    schedule={4: BOB, 5: BOB, 6: MALLORY},
    balances={ALICE: 2, BOB: 2, MALLORY: 2, CAROL: 2},
    reward_pool=3,
    bids=offer(ALICE, 0, CHEAP) | offer(CAROL, 0, CHEAP) | offer(BOB, 0, FREE, ABSURD),
    forgeries=offer(MALLORY, 0, FREE, ABSURD),
    elsewhere=frozenset({(BOB, Role.TAKE, Quote(MALLORY, Epoch(0), FREE))}),
    payments=(2,),
    interchangeable=(ALICE, CAROL),
)

SCENARIOS = (TINY, TWINS, CI, DEEP)
