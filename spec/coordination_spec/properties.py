"""The safety properties: what is true of every reachable state, or of every step."""

from __future__ import annotations

from collections.abc import Callable

from coordination.machine import (
    all_of,
    any_of,
    attempt,
    exists,
    forall,
    implies,
    invariant,
    ite,
    least,
    negate,
    step_property,
    total,
)
from coordination_spec.rollup import submit_epoch_proof
from coordination_spec.state import Coordination
from coordination_spec.words import (
    NOBODY,
    WHOLE,
    Account,
    Amount,
    BasisPoints,
    Epoch,
    Quote,
    Slot,
    Status,
)
from coordination_spec.world import World


def is_running(s: Coordination, w: World, epoch: Epoch) -> bool:
    """The epoch's claim is running: from its slot to the end of its proof phase."""
    return all_of(s.status[epoch] == Status.CLAIMED, s.now < s.claim_slot[epoch] + w.proof_slots)


def has_claim(s: Coordination, epoch: Epoch) -> bool:
    """A claim of the epoch is stored, running or ended."""
    return s.claim_prover[epoch] != NOBODY


def is_same_claim(before: Coordination, after: Coordination, epoch: Epoch) -> bool:
    return all_of(
        before.claim_prover[epoch] == after.claim_prover[epoch],
        before.claim_fee[epoch] == after.claim_fee[epoch],
        before.claim_proposer[epoch] == after.claim_proposer[epoch],
        before.claim_slot[epoch] == after.claim_slot[epoch],
    )


def becomes(before: Coordination, after: Coordination, epoch: Epoch, status: Status) -> bool:
    return all_of(before.status[epoch] != status, after.status[epoch] == status)


def compute_bonds(s: Coordination, w: World) -> Amount:
    """The bonds of all epochs that are claimed, running or overdue."""
    return Amount(total(Epoch, lambda epoch: ite(s.status[epoch] == Status.CLAIMED, w.bond, Amount(0))))


def gains(before: Coordination, after: Coordination, account: Account) -> Amount:
    return Amount(after.balance[account] - before.balance[account])


def accepts_proof(s: Coordination, w: World, epoch: Epoch, valid: bool) -> bool:
    """The contract would take a proof of the epoch now, from whomever."""
    accepted, _ = attempt(submit_epoch_proof, s, w, NOBODY, epoch, valid)
    return accepted


@step_property(source="seed, bullet 2", rules=("C2",))
def one_claim_per_epoch(before: Coordination, after: Coordination, w: World) -> bool:
    """An epoch is claimed at most once, ever; a stored claim never changes."""

    def is_kept(epoch: Epoch) -> bool:
        claimed_before = before.status[epoch] != Status.OPEN
        return all_of(
            implies(becomes(before, after, epoch, Status.CLAIMED), negate(claimed_before)),
            implies(claimed_before, after.status[epoch] != Status.OPEN),
            implies(claimed_before, is_same_claim(before, after, epoch)),
        )

    return forall(Epoch, is_kept)


def is_in_proof_phase(s: Coordination, w: World, epoch: Epoch) -> bool:
    """A claim of the epoch is stored, and its proof phase is not over, whether or not the proof is in."""
    return all_of(has_claim(s, epoch), s.now < s.claim_slot[epoch] + w.proof_slots)


@invariant(source="seed, motivation 2; timeliness design", rules=("C1", "C5"))
def one_live_claim(s: Coordination, w: World) -> bool:
    """At most one claim is running at any time."""
    return forall(
        (Epoch, Epoch),
        lambda one, other: implies(all_of(is_in_proof_phase(s, w, one), is_in_proof_phase(s, w, other)), one == other),
    )


@invariant(source="seed, bullet 6; decided", rules=("C2", "F1", "X1"))
def bond_conservation(s: Coordination, w: World) -> bool:
    """The rollup holds the reward pool, the bonds of all claimed epochs, and gifts; no token appears or vanishes."""
    owned = total(Account, lambda account: s.balance[account])
    return all_of(
        s.held == s.reward_pool + compute_bonds(s, w) + s.gifts,
        owned + s.held == w.supply,
    )


@step_property(source="seed; timeliness design; decided", rules=("C2", "F1", "F2", "F3", "X1"))
def bond_exit(before: Coordination, after: Coordination, w: World) -> bool:
    """A bond leaves once: back to its prover with a proof in time, or into the pool after the deadline; never both."""

    def leaves_rightly(epoch: Epoch) -> bool:
        was_claimed = before.status[epoch] == Status.CLAIMED
        deadline = before.claim_slot[epoch] + w.proof_slots
        returned = all_of(
            before.now < deadline,
            gains(before, after, Account(before.claim_prover[epoch])) >= w.bond,
            after.reward_pool <= before.reward_pool,
        )
        slashed = all_of(
            before.now >= deadline,
            after.reward_pool == before.reward_pool + w.bond,
            forall(Account, lambda account: gains(before, after, account) == 0),
        )
        return all_of(
            implies(all_of(was_claimed, after.status[epoch] == Status.PROVEN), returned),
            implies(all_of(was_claimed, after.status[epoch] == Status.PRUNED), slashed),
            implies(negate(was_claimed), negate(becomes(before, after, epoch, Status.PROVEN))),
            negate(accepts_proof(before, w, epoch, False)),
        )

    bonds_before = before.held - before.reward_pool - before.gifts
    bonds_after = after.held - after.reward_pool - after.gifts
    return all_of(
        forall(Epoch, leaves_rightly),
        bonds_after - bonds_before == compute_bonds(after, w) - compute_bonds(before, w),
    )


@invariant(source="seed, bullet 3", rules=("C3",))
def signature_binding(s: Coordination, w: World) -> bool:
    """A stored claim implies that its slot's proposer signed a take of this prover, epoch and fee for this rollup."""

    def is_by_the_proposer(epoch: Epoch, slot: Slot) -> bool:
        stored = all_of(has_claim(s, epoch), s.claim_slot[epoch] == slot)
        return implies(stored, s.claim_proposer[epoch] == w.schedule[slot])

    def is_bound(epoch: Epoch, proposer: Account, prover: Account, fee: BasisPoints) -> bool:
        stored = all_of(
            s.claim_proposer[epoch] == proposer,
            s.claim_prover[epoch] == prover,
            s.claim_fee[epoch] == fee,
        )
        quote = Quote(prover, epoch, fee)
        took = exists(Slot, lambda slot: all_of(w.schedule[slot] == proposer, s.taken[slot, quote]))
        return implies(stored, any_of(w.adversarial[proposer], took))

    return all_of(
        forall(Epoch, lambda epoch: implies(has_claim(s, epoch), s.claim_proposer[epoch] != NOBODY)),
        forall((Epoch, Slot), is_by_the_proposer),
        forall((Epoch, Account, Account, BasisPoints), is_bound),
    )


@step_property(source="seed, bullets 4 and 6", rules=("C4",))
def caller_binding(before: Coordination, after: Coordination, w: World) -> bool:
    """A stored claim's prover is the account that sent the claim and paid the bond."""

    def is_paid_by_its_prover(epoch: Epoch, account: Account) -> bool:
        paid = ite(after.claim_prover[epoch] == account, w.bond, Amount(0))
        return implies(
            becomes(before, after, epoch, Status.CLAIMED),
            all_of(
                has_claim(after, epoch),
                after.claim_prover[epoch] == after.claim_sender[epoch],
                gains(before, after, account) == 0 - paid,
            ),
        )

    return forall((Epoch, Account), is_paid_by_its_prover)


@step_property(source="seed, bullets 1 and 5; timeliness design", rules=("C1", "C5"))
def claim_timing(before: Coordination, after: Coordination, w: World) -> bool:
    """A claim is made only in the claim phase of the epoch after the one that it is for."""
    return forall(
        Epoch,
        lambda epoch: implies(
            becomes(before, after, epoch, Status.CLAIMED),
            all_of(
                w.is_in_claim_phase(before.now),
                epoch + 1 == w.epoch(before.now),
                after.claim_slot[epoch] == before.now,
            ),
        ),
    )


@step_property(source="timeliness design", rules=("F2",))
def proof_timing(before: Coordination, after: Coordination, w: World) -> bool:
    """An epoch becomes PROVEN only within its claim's proof phase."""
    return forall(
        Epoch, lambda epoch: implies(becomes(before, after, epoch, Status.PROVEN), is_running(before, w, epoch))
    )


@step_property(source="seed, last paragraph of the interface; rounding decided", rules=("C6", "EVM"))
def payout_exact(before: Coordination, after: Coordination, w: World) -> bool:
    """Prover's and proposer's shares add up to the reward, neither is negative, and they follow the stored fee."""
    reward = least(w.reward_per_epoch, before.reward_pool)

    def is_paid_exactly(epoch: Epoch, prover: Account, proposer: Account) -> bool:
        to_both = gains(before, after, prover)
        share = to_both - w.bond
        proven = all_of(
            becomes(before, after, epoch, Status.PROVEN),
            before.claim_prover[epoch] == prover,
            before.claim_proposer[epoch] == proposer,
        )
        apart = all_of(
            follows_fee(share, reward, before.claim_fee[epoch]),
            share >= 0,
            gains(before, after, proposer) == reward - share,
            reward - share >= 0,
        )
        return implies(
            proven,
            all_of(
                before.claim_fee[epoch] <= WHOLE,
                before.reward_pool - after.reward_pool == reward,
                ite(prover == proposer, to_both == w.bond + reward, apart),
                forall(
                    Account,
                    lambda other: any_of(other == prover, other == proposer, gains(before, after, other) == 0),
                ),
            ),
        )

    return forall((Epoch, Account, Account), is_paid_exactly)


def follows_fee(share: int, reward: int, fee: BasisPoints) -> bool:
    """`share` is `fee` of `reward`, rounded down: said without the division that the contract makes."""
    return all_of(share * WHOLE <= reward * fee, reward * fee < (share + 1) * WHOLE)


@step_property(source="decided", rules=("C2", "X1"))
def finality(before: Coordination, after: Coordination, w: World) -> bool:
    """PROVEN and PRUNED never change."""
    return forall(
        Epoch,
        lambda epoch: all_of(
            implies(before.status[epoch] == Status.PROVEN, after.status[epoch] == Status.PROVEN),
            implies(before.status[epoch] == Status.PRUNED, after.status[epoch] == Status.PRUNED),
        ),
    )


@invariant(source="seed; decided", rules=("C6", "X1"))
def honest_prover_safe(s: Coordination, w: World) -> bool:
    """Whoever holds a claim and has a valid proof in time can hand it in, and gets the bond and the fee."""
    reward = least(w.reward_per_epoch, s.reward_pool)

    def is_paid(epoch: Epoch, prover: Account) -> bool:
        accepted, after = attempt(submit_epoch_proof, s, w, prover, epoch, True)
        share = gains(s, after, prover) - w.bond
        in_time = s.now < s.claim_slot[epoch] + w.proof_slots
        unpaid = s.status[epoch] != Status.PROVEN
        return implies(
            all_of(s.claim_prover[epoch] == prover, in_time, unpaid),
            all_of(accepted, reward * s.claim_fee[epoch] < (share + 1) * WHOLE),
        )

    return forall((Epoch, Account), is_paid)


@invariant(source="decided", rules=("N4",))
def no_equivocation(s: Coordination, w: World) -> bool:
    """An honest proposer never signs two takes for one epoch in one slot, crashes included."""

    def is_single(slot: Slot, epoch: Epoch) -> bool:
        return at_most_one_quote(epoch, lambda quote: s.taken[slot, quote])

    return forall((Slot, Epoch), is_single)


@invariant(source="decided", rules=("N4",))
def single_usable_take(s: Coordination, w: World) -> bool:
    """At most one quote carries a take by the current slot's honest proposer that the contract would accept."""
    proposer = Account(w.schedule[s.now])

    def is_usable(quote: Quote) -> bool:
        return all_of(
            w.design.shows_take(s, w, proposer, quote, s.now),
            s.status[quote.epoch] == Status.OPEN,
            quote.epoch + 1 == w.epoch(s.now),
            quote.basis_point_fee <= WHOLE,
        )

    speaks = all_of(proposer != NOBODY, w.is_honest(proposer), w.is_in_claim_phase(s.now))
    return implies(speaks, forall(Epoch, lambda epoch: at_most_one_quote(epoch, is_usable)))


def at_most_one_quote(epoch: Epoch, is_chosen: Callable[[Quote], bool]) -> bool:
    """No two different quotes for the epoch are chosen."""
    return forall(
        (Account, BasisPoints, Account, BasisPoints),
        lambda prover, fee, other_prover, other_fee: implies(
            all_of(is_chosen(Quote(prover, epoch, fee)), is_chosen(Quote(other_prover, epoch, other_fee))),
            all_of(prover == other_prover, fee == other_fee),
        ),
    )


SAFETY = (
    one_claim_per_epoch,
    one_live_claim,
    bond_conservation,
    bond_exit,
    signature_binding,
    caller_binding,
    claim_timing,
    proof_timing,
    payout_exact,
    finality,
    honest_prover_safe,
    no_equivocation,
    single_usable_take,
)
