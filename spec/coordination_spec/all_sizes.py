"""The protocol at every size: what the proofs are about, and what they rest on.

Any number of epochs, slots and accounts up to what 256 and 160 bits can name, any amounts that fit 256 bits, any
schedule, any durations that fit together, any honest and adversarial accounts.
"""

from __future__ import annotations

from coordination.machine import Premise, Unbounded, all_of, total
from coordination_spec.designs import Design
from coordination_spec.lemmas import LEMMAS
from coordination_spec.state import Coordination
from coordination_spec.words import (
    NOBODY,
    Account,
    Address,
    Amount,
    BasisPoints,
    Duration,
    Epoch,
    Payment,
    Rank,
    Slot,
)
from coordination_spec.world import World

PREMISES = (
    Premise(
        "TST is plain: no hooks, no fee on a transfer, balances one to one; all tokens together fit 256 bits",
        frozenset({"balance", "held", "reward_pool", "gifts"}),
    ),
    Premise(
        "signatures cannot be forged, and digests do not collide: what recovers to an honest key was signed with it",
        frozenset({"made", "taken", "signed_elsewhere", "sent"}),
    ),
    Premise("time does not run backwards: slots pass one by one, each before the next", frozenset({"now"})),
)
UINT32, UINT256, ADDRESSES = 1 << 32, 1 << 256, 1 << 160


def phases_fit(w: World) -> bool:
    """C + P <= E: a claim's proof phase ends before the next epoch's claim phase begins."""
    return w.phases_fit()


def starts(s: Coordination, w: World) -> bool:
    """At the start no epoch is claimed; the rollup holds its reward pool, and the rest is spread in any way."""
    return all_of(
        s.held == s.reward_pool,
        total(Account, lambda account: s.balance[account]) + s.held == w.supply,
    )


def all_sizes(design: Design) -> Unbounded:
    return Unbounded(
        about="all epochs, slots and amounts of 256 bits, all accounts, any schedule, any E, C and P that fit",
        domains={
            Slot: range(UINT256),
            Duration: range(1, UINT256),
            Epoch: range(UINT256),
            Address: range(ADDRESSES),
            Account: range(NOBODY + 1, ADDRESSES),
            Amount: range(UINT256),
            Payment: range(UINT256),
            BasisPoints: range(UINT32),
            Rank: range(ADDRESSES + 1),
        },
        constants=World,
        given={"design": design},
        assumptions=(phases_fit,),
        varied=("now", "balance", "held", "reward_pool"),
        initial=starts,
        lemmas=LEMMAS,
        premises=PREMISES,
        scratch="tiny",
    )
