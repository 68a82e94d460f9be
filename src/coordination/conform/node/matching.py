"""Each effect of a node as a step of the specification, which must be allowed then, by what the node knows."""

from __future__ import annotations

from coordination.chain.quote import Address, Quote, Signature, SignedQuote
from coordination.chain.signing import Signing
from coordination.conform.node.live import Refusal, at, keep
from coordination.conform.node.setting import AT_ONCE, NAMES, number_of, proposer_of, recover_once, specified
from coordination.conform.node.shadow import Shadow
from coordination.node.core.effects import (
    AskFunds,
    AskProof,
    Chosen,
    Claimed,
    Effect,
    Forget,
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
from coordination_spec import words
from coordination_spec.words import Epoch


class Wrong(Exception):
    """A node does what it must not, or fails to do what it must: why, in one line."""


def demand(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Wrong(otherwise)


def allow(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Wrong(str(refusal))


class Matcher:
    """Judges the effects of one node, in their order, each before it is carried out.

    `bid` is what its operator asks it to bid just now; `handed_in` are the proofs that it was given, and `proofs` those
    that it has written down, the last of each epoch.
    """

    def __init__(self, shadow: Shadow, signing: Signing) -> None:
        self.shadow, self._signing = shadow, signing
        self.bid: Quote | None = None
        self.handed_in: set[Proven] = set()
        self.proofs: dict[int, bytes] = {}

    def judge(self, effect: Effect) -> None:
        """Take the step that `effect` stands for. Raises Wrong."""
        match effect:
            case Remember(fact):
                self._remember(fact)
            case Forget(epoch):
                can_be_claimed = epoch > 0 and self.shadow.world.can_be_claimed(Epoch(epoch - 1), self.shadow.now)
                demand(not can_be_claimed, f"N7: epoch {epoch - 1} can still be claimed")
            case Publish(Topic.MAKE, message):
                self._offer(message)
            case Publish(Topic.TAKE, message):
                self._take(message)
            case SendClaim():
                self._send_claim(effect)
            case StopClaim(slot):
                self._stop_claim(slot)
            case SendProof() | StopProof() | AskProof():
                self._about_a_proof(effect)
            case AskFunds():
                self._ask_funds(effect)

    def _remember(self, fact: Made | Chosen | Claimed | Proven) -> None:
        shadow = self.shadow
        match fact:
            case Made(quote):
                demand(quote == self.bid, "N1: its operator has not asked for this bid")
                allow(shadow.step("make_quote", specified(quote)))
            case Chosen(slot, quote):
                self._is_now("N3", slot)
                self._is_our_slot()
                chosen, can_pay = shadow.disk.chosen, shadow.process.can_pay.get(quote.prover)
                demand(chosen is None or chosen.slot <= slot, "N4: by its disk it may have chosen in this slot already")
                demand(can_pay is True, "N3: it was not told in this slot that the prover can pay")
                allow(shadow.choose(quote))
            case Claimed(slot, quote, signature):
                self._is_now("N5", slot)
                self._is_ours(quote, signature)
                allow(shadow.would("send_claim", specified(quote)))
            case Proven():
                demand(fact in self.handed_in, "N6: nobody has handed in this proof")
                self.handed_in.discard(fact)
                self.proofs[fact.epoch] = fact.proof

    def _is_now(self, rule: str, slot: int) -> None:
        demand(slot == self.shadow.now, f"{rule}: it names slot {slot}, and it is slot {self.shadow.now}")

    def _is_our_slot(self) -> None:
        proposer = proposer_of(self.shadow.now)
        demand(proposer == self.shadow.proposer, f"N3: {NAMES[proposer]} takes quotes in slot {self.shadow.now}")

    def _offer(self, message: SignedQuote) -> None:
        shadow, quote = self.shadow, message.quote
        demand(quote in shadow.disk.made, "N1: the quote is published before it is on disk")
        self._is_signed_by(shadow.prover, self._signing.make_digest(quote), message.signature)
        epoch = shadow.world.epoch(shadow.now)
        demand(epoch - 1 <= quote.epoch <= epoch, f"N2: nobody keeps a quote for epoch {quote.epoch} in epoch {epoch}")
        demand(shadow.state.made[specified(quote)], "N7: the quote is for an epoch that can no longer be claimed")
        if quote == self.bid:
            self.bid = None
        else:
            demand(quote not in shadow.process.offered, "N1: it is published twice in a slot")
            demand(quote == shadow.bid_for(quote.epoch), "N1: a cheaper quote of its own is to be published")
            demand(not shadow.is_taken_away(quote.epoch), "N1: the epoch is not open any more")
        shadow.process.offered.add(quote)
        if not shadow.state.seen[shadow.owner, specified(quote)]:
            shadow.receive(quote, number_of(quote.prover))

    def _ask_funds(self, question: AskFunds) -> None:
        shadow, process = self.shadow, self.shadow.process
        self._is_now("N3", question.slot)
        demand(not process.asked, "N3: it asks for funds, and has no answer yet to what it asked")
        unknown = [quote.prover for quote in shadow.of_unknown_funds()]
        demand({*question.provers} <= {*unknown}, "N3: it asks for the funds of those who are known, or offer nothing")
        demand(
            unknown[0] in question.provers,
            f"N3: it does not ask for the funds of {NAMES[unknown[0]]}, whose turn it is",
        )
        demand(len(question.provers) <= AT_ONCE, f"N3: it asks for the funds of more than {AT_ONCE} provers at once")
        process.asked.update(question.provers)

    def _take(self, message: SignedQuote) -> None:
        shadow, quote = self.shadow, message.quote
        self._is_our_slot()
        self._is_signed_by(shadow.proposer, self._signing.take_digest(quote, shadow.now), message.signature)
        demand(shadow.process.took != shadow.now, "N4: it has published its take already")
        allow(shadow.step("publish_take", specified(quote)))
        shadow.process.took = shadow.now
        shadow.note_take(quote, shadow.now)

    def _is_signed_by(self, signer: Address | None, digest: bytes, signature: Signature) -> None:
        found = recover_once(digest, signature)
        demand(found is not None and found == signer, "what it publishes does not verify as its own")

    def _is_ours(self, quote: Quote, signature: Signature) -> None:
        """Whether the contract would take a claim by this for one of ours, by a take of this slot's proposer."""
        demand(quote.prover == self.shadow.prover, "N5: the quote is another prover's")
        signer = recover_once(self._signing.take_digest(quote, self.shadow.now), signature)
        demand(signer == proposer_of(self.shadow.now), "N5: the contract refuses this signature (C3)")

    def _send_claim(self, claim: SendClaim) -> None:
        """One that was sent before a crash is the same one, and not sent anew."""
        shadow = self.shadow
        demand(shadow.disk.claimed == Claimed(*claim), "N5: the claim is sent before it is on disk")
        self._is_now("N5", claim.slot)
        demand(shadow.process.claimed != shadow.now, "N5: it is sent a second time, and was neither stopped nor lost")
        self._is_ours(claim.quote, claim.signature)
        shadow.state.sent.entries.pop((claim.slot, *specified(claim.quote)), None)
        allow(shadow.step("send_claim", specified(claim.quote)))
        shadow.process.claimed = shadow.process.claiming = shadow.now

    def _stop_claim(self, slot: int) -> None:
        shadow = self.shadow
        demand(shadow.process.claiming == slot, f"N5: no claim was sent in slot {slot}, or it was stopped")
        is_over = slot < shadow.now or (slot == shadow.now and shadow.is_taken_away(shadow.previous))
        demand(is_over, "N5: the slot is not over, and the epoch is not claimed")
        shadow.process.claiming, shadow.process.claimed = None, -1
        keep(shadow.state.sent, at(0, lambda of: of != slot))  # if that was too soon, it is sent again

    def _about_a_proof(self, effect: SendProof | StopProof | AskProof) -> None:
        process, due = self.shadow.process, self.due()
        match effect:
            case SendProof(epoch, claim_slot, proof):
                demand(self.shadow.disk.proofs.get(epoch) == proof, "N6: the proof is not on disk")
                demand(due == (epoch, claim_slot), f"N6: {self.why_not_due(epoch)}")
                process.proof = effect
            case StopProof(epoch, claim_slot):
                demand(due != (epoch, claim_slot), "N6: the proof of our claim can still land in time")
                sent = process.proof and (process.proof.epoch, process.proof.claim_slot)
                is_known = (epoch, claim_slot) in (sent, process.begun, process.proof_asked)
                demand(is_known, "N6: it has neither sent nor asked for a proof of such a claim")
                demand(self.shadow.is_settled(epoch, claim_slot), "N6: nobody has told how this claim stands")
                process.proof = process.begun = None
            case AskProof(epoch, deadline):
                if due is None or due[0] != epoch:
                    raise Wrong(f"N6: {self.why_not_due(epoch)}")
                demand(process.proof_asked != due, f"N6: it has asked for a proof of epoch {epoch} already")
                in_time = deadline == due[1] + self.shadow.world.proof_slots
                demand(in_time, "N6: the deadline is not the end of the proof phase (F2)")
                process.proof_asked = due

    def due(self) -> tuple[int, int] | None:
        """The epoch that this node has claimed, and could prove now by what it was told; and the slot of the claim."""
        shadow, epoch = self.shadow, self.shadow.previous
        ours = shadow.prover is not None and shadow.state.claim_prover[epoch] == number_of(shadow.prover)
        if not ours or shadow.would("submit_epoch_proof", shadow.owner, epoch, True):
            return None
        return epoch, shadow.state.claim_slot[epoch]

    def why_not_due(self, epoch: int) -> str:
        refusal = self.shadow.would("submit_epoch_proof", self.shadow.owner, Epoch(epoch), True)
        return str(refusal) if refusal else "the claim is another prover's"

    def answer_to_proof(self, epoch: int) -> str | None:
        """What a node has to say to a proof of `epoch`: the error, if it is too late by all that it was told."""
        shadow = self.shadow
        if epoch < shadow.previous:
            return words.PROOF_PHASE_ENDED  # whoever has claimed it, and when
        refusal = shadow.would("submit_epoch_proof", shadow.owner, Epoch(epoch), True)
        return words.PROOF_PHASE_ENDED if refusal and refusal.error == words.PROOF_PHASE_ENDED else None
