"""What calls are made with: one strategy for each sort that the specification's actions have among their parameters.

None chooses among more than a hundred: into larger ranges Hypothesis mixes the numbers that it finds in the modules
that happen to be loaded, and a seed would not say all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from coordination.chain.accounts import address_of, development_key
from coordination.chain.deployment import Parameters
from coordination.chain.quote import NOBODY
from coordination.conform.fuzz.openworld import LAST_MOMENT
from coordination.conform.fuzz.recipes import (
    SPOILED,
    SPOILED_PROOFS,
    AccountNumber,
    Landmark,
    Moment,
    Number,
    ShownProof,
    ShownTake,
    account,
    claimed_epoch,
    current_epoch,
    end_of_claim_phase,
    end_of_proof_phase,
    exactly,
    next_claim_phase,
    previous_epoch,
    scattered,
    the_bond,
    the_caller,
    the_epoch_before,
    the_reward,
    this_slot,
    what_the_caller_owns,
)
from coordination.conform.rollup.adapter import GENESIS, SLOT_DURATION
from coordination.conform.rollup.answers import ELSEWHERE
from coordination.conform.rollup.setup import Drawn, Setup
from coordination.machine.language import Sort
from coordination_spec.words import WHOLE, Account, Address, BasisPoints, Epoch, Payment

T = TypeVar("T")

NAMES = ("alice", "bob", "mallory", "carol")
ACCOUNTS = {address_of(development_key(name)): name for name in NAMES}
MOST = 2**256 - 1


def mostly(usual: T, others: SearchStrategy[T], one_in: int = 8) -> SearchStrategy[T]:
    """`usual`, or one time in so many something else."""
    chance = st.integers(1, one_in)

    @st.composite
    def either(draw: DrawFn) -> T:
        return usual if draw(chance) < one_in else draw(others)

    return either()


def scattered_numbers(*bits: int) -> SearchStrategy[int]:
    return st.builds(scattered, st.integers(0, 99), st.sampled_from(bits))


def around(bits: int, *landmarks: Landmark, kind: type[Number] = Number) -> SearchStrategy[Number]:
    """The first landmark, mostly; else the others, numbers close to them, a power of two away, or anywhere."""
    sizes = (bits,) if kind is AccountNumber else range(8, bits + 1, 8)
    anywhere = st.builds(exactly, scattered_numbers(*sizes))
    other = st.builds(
        kind,
        st.just(bits),
        st.one_of(st.sampled_from(landmarks), st.sampled_from(landmarks), anywhere),
        mostly(0, st.sampled_from((-1, 1)), 3),
        mostly(0, st.sampled_from(range(8, bits, 8)), 3),
    )
    return mostly(kind(bits, landmarks[0], 0, 0), other, 5)


RECIPES: Mapping[Sort, SearchStrategy[Any]] = {
    Account: around(160, the_caller, *map(account, range(len(NAMES))), exactly(0), kind=AccountNumber),
    Epoch: around(256, previous_epoch, the_epoch_before, claimed_epoch, current_epoch, exactly(0), exactly(MOST)),
    BasisPoints: around(
        32, exactly(WHOLE), exactly(WHOLE + 1), exactly(0), exactly(2_500), exactly(3_333), exactly(2**32 - 1)
    ),
    Payment: around(256, exactly(1), what_the_caller_owns, the_bond, the_reward, exactly(0), exactly(MOST)),
    Address: mostly(
        ShownTake(None, "take", "", 0, 0, False, ""),
        st.builds(
            ShownTake,
            signer=mostly(None, st.integers(0, len(NAMES) - 1)),
            role=mostly("take", st.just("make")),
            changed=mostly("", st.sampled_from(("prover", "epoch", "basis_point_fee"))),
            slots=mostly(0, st.sampled_from((-1, 1))),
            chains=mostly(0, st.just(1)),
            elsewhere=mostly(False, st.just(True)),
            spoiled=mostly("", st.sampled_from(list(SPOILED)), 2),
        ),
        5,
    ),
    bool: mostly(
        ShownProof(0, ""),
        st.builds(ShownProof, epochs=st.integers(-1, 1), spoiled=st.sampled_from(list(SPOILED_PROOFS))),
        4,
    ),
}

MOMENTS: SearchStrategy[Moment] = mostly(
    Moment(next_claim_phase, 0, 0, 0),
    st.builds(
        Moment,
        landmark=st.sampled_from((this_slot, next_claim_phase, end_of_claim_phase, end_of_proof_phase)),
        slots=mostly(0, st.integers(-1, 3), 3),
        seconds=mostly(0, st.sampled_from((-1, 1, SLOT_DURATION - 1)), 3),
        power=mostly(0, st.sampled_from(range(8, 64, 8)), 6),
    ),
    2,
)

SHAPES: SearchStrategy[int] = mostly(0, st.one_of(st.integers(-64, 64), st.just(-MOST)), 12)


def sizes(least: int) -> SearchStrategy[int]:
    """Durations in slots: small ones, mostly, but so large ones that a sum of three still has 256 bits."""
    large = st.builds(pow, st.just(2), st.sampled_from((8, 16, 32, 48, 64, 128, 254)))
    return mostly(least, mostly(least + 3, mostly(least + 1, large, 4), 3), 2)


def amounts() -> SearchStrategy[int]:
    """Of TST: small ones, round ones, and any up to the largest."""
    large = st.builds(lambda bits, less: 2**bits - less, st.sampled_from((64, 128, 248, 256)), st.integers(1, 3))
    return st.integers(0, 20) | st.sampled_from((1_000, 10**18)) | large | scattered_numbers(8, 64, 256)


PARAMETERS: SearchStrategy[Parameters] = st.builds(
    lambda claim_slots, proof_slots, rest, **others: Parameters(
        slots_per_epoch=claim_slots + proof_slots + rest, claim_slots=claim_slots, proof_slots=proof_slots, **others
    ),
    claim_slots=sizes(1),
    proof_slots=sizes(1),
    rest=sizes(0),
    genesis_time=mostly(GENESIS, st.sampled_from((0, 1, 2**32, 2**63, LAST_MOMENT, MOST)), 12),
    slot_duration=mostly(SLOT_DURATION, st.sampled_from((1, 2, 3_600, 2**32, LAST_MOMENT, MOST)), 4),
    bond=amounts(),
    reward_per_epoch=amounts(),
)

SCHEDULES: SearchStrategy[Drawn] = st.builds(
    lambda seed, validators: Drawn(bytes([seed]) * 32, tuple(validators)),
    st.integers(0, 99),
    mostly(tuple(ACCOUNTS)[:2], st.lists(st.sampled_from((*ACCOUNTS, NOBODY, ELSEWHERE)), max_size=4).map(tuple), 6),
)

FORTUNES = st.tuples(st.integers(0, 4), st.integers(-1, 1))  # so many bonds or rewards, and so much more


@st.composite
def setups(draw: DrawFn, version: str) -> Setup:
    """A rollup of any legal parameters, accounts that own a few bonds, and rewards for a few epochs."""
    parameters, left = draw(PARAMETERS), MOST

    def some(unit: int) -> int:
        """A few times `unit`, as far as there is TST left: its sum has 256 bits."""
        nonlocal left
        times, more = draw(FORTUNES)
        amount = min(max(times * unit + more, 0), left)
        left -= amount
        return amount

    return Setup(
        version=version,
        parameters=parameters,
        schedule=draw(SCHEDULES),
        holdings={account: some(parameters.bond) for account in ACCOUNTS},
        reward_pool=some(parameters.reward_per_epoch),
        gift=some(1),
        names=ACCOUNTS,
    )
