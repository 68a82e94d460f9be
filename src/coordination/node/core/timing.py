"""Slots, epochs and phases: when is what."""

from __future__ import annotations

from dataclasses import dataclass

from coordination.chain.deployment import Parameters


@dataclass(frozen=True)
class Timing:
    """Times are in seconds, durations in slots: E slots an epoch, C of them to claim the one before, P to prove."""

    genesis_time: int
    slot_duration: int
    slots_per_epoch: int
    claim_slots: int
    proof_slots: int

    @classmethod
    def of(cls, deployed: Parameters) -> Timing:
        return cls(
            deployed.genesis_time,
            deployed.slot_duration,
            deployed.slots_per_epoch,
            deployed.claim_slots,
            deployed.proof_slots,
        )

    def slot_at(self, time: float) -> int:
        """Before genesis it is slot 0."""
        return max(0, int((time - self.genesis_time) // self.slot_duration))

    def start_of(self, slot: int) -> int:
        return self.genesis_time + slot * self.slot_duration

    def epoch(self, slot: int) -> int:
        return slot // self.slots_per_epoch

    def is_in_claim_phase(self, slot: int) -> bool:
        """Whether the right to prove the epoch before this slot's can be claimed; of epoch 0, none is before it."""
        return slot >= self.slots_per_epoch and slot % self.slots_per_epoch < self.claim_slots

    def is_claimed_in(self, epoch: int, slot: int) -> bool:
        """Whether `slot` lies in the claim phase for `epoch`."""
        return self.is_in_claim_phase(slot) and self.epoch(slot) == epoch + 1

    def can_be_claimed(self, epoch: int, slot: int) -> bool:
        """Whether some slot from `slot` on lies in the claim phase for `epoch`."""
        return epoch >= 0 and slot < (epoch + 1) * self.slots_per_epoch + self.claim_slots

    def is_in_proof_phase(self, claim_slot: int, slot: int) -> bool:
        """Whether a proof of what was claimed in `claim_slot` still lands in time (F2)."""
        return slot < claim_slot + self.proof_slots
