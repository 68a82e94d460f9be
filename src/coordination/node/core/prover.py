"""What a prover decides: its bids, its claims and its proofs (N1, N5, N6)."""

from __future__ import annotations

from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of
from coordination.chain.quote import Quote, Signature, SignedQuote, Status
from coordination.chain.signing import Signing, sign
from coordination.node.core.effects import (
    AskProof,
    Claimed,
    Effect,
    Made,
    Proven,
    Publish,
    Remember,
    SendClaim,
    SendProof,
    StopClaim,
    StopProof,
    Topic,
)
from coordination.node.core.errors import (
    EPOCH_NO_LONGER_CLAIMABLE,
    INVALID_BASIS_POINT_FEE,
    PROOF_PHASE_ENDED,
    Refused,
)
from coordination.node.core.memory import Memory
from coordination.node.core.view import View

WHOLE = 10_000  # basis points: the whole of a reward


class Prover:
    """Bids when asked to, claims once a slot what was taken of it, and proves what it has claimed."""

    def __init__(self, key: PrivateKey, signing: Signing, memory: Memory) -> None:
        self.address = address_of(key)
        self._key, self._signing, self._memory = key, signing, memory
        self._takes: dict[int, dict[Quote, Signature]] = {}  # by slot: what its proposer took of this prover's
        self._claiming: int | None = memory.claimed.slot if memory.claimed else None  # not stopped yet
        self._claim_sent = -1  # the slot of the last claim that left this process
        self._proving = _begun(memory)  # epoch and slot of the claim that is being proven
        self._asked: tuple[int, int] | None = None
        self._sent: SendProof | None = None

    def begin_slot(self, slot: int) -> None:
        self._takes = {of: takes for of, takes in self._takes.items() if of >= slot}

    def bid(self, epoch: int, basis_point_fee: int, view: View) -> list[Effect]:
        """N1: sign a quote and publish it; one for a later epoch is published when that begins.

        Raises Refused for a fee above the whole, and for an epoch whose claim phase is over.
        """
        if not 0 <= basis_point_fee <= WHOLE:
            raise Refused(INVALID_BASIS_POINT_FEE, f"a fee is 0 to {WHOLE} basis points, not {basis_point_fee}")
        if not view.timing.can_be_claimed(epoch, view.slot):
            raise Refused(
                EPOCH_NO_LONGER_CLAIMABLE, f"it is slot {view.slot}, and the claim phase for epoch {epoch} is over"
            )
        quote = Quote(self.address, epoch, basis_point_fee)
        remembered: list[Effect] = [] if quote in self._memory.made else [Remember(Made(quote))]
        return [*remembered, *([self._publish(quote)] if epoch <= view.epoch else [])]

    def bid_again(self, view: View) -> list[Effect]:
        """Publish the cheapest quote for each epoch that can be bid for: who was not there has not heard it."""
        best: dict[int, Quote] = {}
        for quote in sorted(self._memory.made, key=lambda quote: quote.basis_point_fee):
            if view.first_claimable <= quote.epoch <= view.epoch:
                best.setdefault(quote.epoch, quote)
        if view.claim is not None and view.claim.status != Status.OPEN:
            best.pop(view.previous, None)
        return [self._publish(best[epoch]) for epoch in sorted(best)]

    def note_take(self, slot: int, taken: SignedQuote) -> None:
        """The proposer of `slot` took a quote; it matters if this prover made it."""
        if taken.quote in self._memory.made:
            self._takes.setdefault(slot, {}).setdefault(taken.quote, taken.signature)

    def hand_in(self, epoch: int, proof: bytes, view: View) -> list[Effect]:
        """Somebody has computed a proof. Raises Refused if it can no longer be of use."""
        claim = view.head.claims.get(epoch)
        latest = claim.slot if claim and claim.status == Status.CLAIMED else view.slot
        is_late = not view.timing.is_in_proof_phase(latest, view.slot)
        if epoch < max(0, view.previous) or is_late:
            raise Refused(PROOF_PHASE_ENDED, f"it is slot {view.slot}, and the proof phase of epoch {epoch} is over")
        return [Remember(Proven(epoch, proof))]

    def consider(self, view: View) -> list[Effect]:
        """Claim, prove, or stop either."""
        return [*self._stop_claim(view), *self._claim(view), *self._prove(view)]

    def _claim(self, view: View) -> list[Effect]:
        """N5: once a slot; what was noted before a crash is sent again, and is the same transaction."""
        if not view.is_claimable or self._claim_sent == view.slot:
            return []
        claimed, remembered = self._memory.claimed, list[Effect]()
        if claimed is None or claimed.slot < view.slot:
            takes = self._takes.get(view.slot)
            if not takes:
                return []
            quote, signature = next(iter(takes.items()))
            claimed = Claimed(view.slot, quote, signature)
            remembered = [Remember(claimed)]
        elif claimed.slot > view.slot:
            return []
        self._claim_sent = self._claiming = view.slot
        return [*remembered, SendClaim(*claimed)]

    def _stop_claim(self, view: View) -> list[Effect]:
        """Stop what was sent for an earlier slot, or is too late in this one. A clock that goes back ends no slot."""
        is_of_use = view.is_claimable or view.claim is None
        if self._claiming is None or self._claiming > view.slot or (self._claiming == view.slot and is_of_use):
            return []
        stopped, self._claiming = self._claiming, None
        self._claim_sent = -1  # a reorganisation may take away what made it too late: then the same claim is sent again
        return [StopClaim(stopped)]

    def _prove(self, view: View) -> list[Effect]:
        """N6: prove what was claimed, while its proof phase lasts."""
        effects: list[Effect] = []
        due = self._due(view)
        if self._proving is not None and self._proving != due and self._is_told(view, *self._proving):
            effects.append(StopProof(*self._proving))
            self._sent = self._proving = None  # a claim that a reorganisation took away may come back
        if due is None:
            return effects
        self._proving = due
        epoch, claim_slot = due
        if epoch in self._memory.proofs:
            sending = SendProof(epoch, claim_slot, self._memory.proofs[epoch])
            if sending != self._sent:
                effects.append(sending)
                self._sent = sending
        elif self._asked != due:
            effects.append(AskProof(epoch, claim_slot + view.timing.proof_slots))
            self._asked = due
        return effects

    def _is_told(self, view: View, epoch: int, claim_slot: int) -> bool:
        """Whether it is known how this claim stands: by the time, or by L1."""
        is_over = epoch != view.previous or not view.timing.is_in_proof_phase(claim_slot, view.slot)
        return is_over or view.claim is not None

    def _due(self, view: View) -> tuple[int, int] | None:
        """The epoch that this prover has claimed and can still prove, and the slot of the claim."""
        claim = view.claim
        if claim is None or claim.status != Status.CLAIMED or claim.prover != self.address:
            return None
        return (view.previous, claim.slot) if view.timing.is_in_proof_phase(claim.slot, view.slot) else None

    def _publish(self, quote: Quote) -> Publish:
        return Publish(Topic.MAKE, SignedQuote(quote, sign(self._key, self._signing.make_digest(quote))))


def _begun(memory: Memory) -> tuple[int, int] | None:
    """What may have been sent before a crash, so that it is stopped when it is over."""
    claimed = memory.claimed
    return (claimed.quote.epoch, claimed.slot) if claimed and claimed.quote.epoch in memory.proofs else None
