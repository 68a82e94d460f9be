"""What no step changes: the protocol's constants, who the accounts are, and who proposes when."""

from __future__ import annotations

from dataclasses import dataclass

from coordination.machine import Function, SpecificationError, negate
from coordination_spec.designs import Design
from coordination_spec.words import Address, Amount, Duration, Epoch, Slot


@dataclass(frozen=True)
class World:
    """Durations are in slots, amounts in TST. `schedule` may be any function of the slot, also to NOBODY."""

    design: Design
    slots_per_epoch: Duration
    claim_slots: Duration
    proof_slots: Duration
    bond: Amount
    reward_per_epoch: Amount
    supply: Amount
    schedule: Function[Slot, Address]
    adversarial: Function[Address, bool]
    last_slot: Slot

    def __post_init__(self) -> None:
        """A claim's proof phase ends before the next epoch's claim phase begins; else raises SpecificationError."""
        e, c, p = self.slots_per_epoch, self.claim_slots, self.proof_slots
        if c < 1 or p < 1 or not self.phases_fit():
            raise SpecificationError(
                f"C = {c}, P = {p}, E = {e}: the claim phase and the proof phase need at least one slot each and "
                f"must fit into an epoch (C >= 1, P >= 1, C + P <= E)"
            )

    def phases_fit(self) -> bool:
        return self.claim_slots + self.proof_slots <= self.slots_per_epoch

    def epoch(self, slot: Slot) -> Epoch:
        return Epoch(slot // self.slots_per_epoch)

    def is_in_claim_phase(self, slot: Slot) -> bool:
        """Whether the right to prove the epoch before this slot's can be claimed."""
        return slot % self.slots_per_epoch < self.claim_slots

    def can_be_claimed(self, epoch: Epoch, now: Slot) -> bool:
        """Whether some slot from `now` on lies in the claim phase for `epoch`."""
        return now < (epoch + 1) * self.slots_per_epoch + self.claim_slots

    def is_honest(self, account: Address) -> bool:
        return negate(self.adversarial[account])
