"""Faults that a node could have: each is one change to its source, and must be caught.

A check of conformance that lets a faulty node pass says nothing. These are the faults that it is known to see.
"""

from __future__ import annotations
import __future__

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import dedent
from typing import Any
from unittest.mock import patch

from coordination.node.core.core import Core
from coordination.node.core.memory import Memory
from coordination.node.core.pool import Pool
from coordination.node.core.proposer import Proposer
from coordination.node.core.prover import Prover
from coordination.node.core.timing import Timing
from coordination.node.core.view import View

HARDENED = ("0.2.0",)
BOTH = ("0.1.0", *HARDENED)
ANNOTATIONS = __future__.annotations.compiler_flag


class NoLongerThere(Exception):
    """The node's source is not any more what a fault would change."""


@dataclass(frozen=True)
class Fault:
    """`was` in the source of `method` becomes `becomes`: the node then breaks `rule`, in these designs."""

    rule: str
    about: str
    method: Callable[..., Any] | property
    was: str
    becomes: str
    designs: tuple[str, ...] = BOTH

    @property
    def where(self) -> str:
        return str(self._function.__qualname__)

    @property
    def _function(self) -> Any:
        return self.method.fget if isinstance(self.method, property) else self.method

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Every node has this fault inside of the block. Raises NoLongerThere."""
        function = self._function
        owner, name = self.where.split(".")
        source = dedent(inspect.getsource(function))
        if source.count(self.was) != 1:
            raise NoLongerThere(f"{self.where} does not say {self.was!r} exactly once")
        made: dict[str, Any] = {}
        changed = source.replace(self.was, self.becomes)
        exec(compile(changed, f"<{self.about}>", "exec", ANNOTATIONS, dont_inherit=True), function.__globals__, made)
        with patch.object(function.__globals__[owner], name, made[name]):
            yield


OFFERS = (
    Fault("N1", "publishes a bid for a later epoch at once", Prover.bid, "if epoch <= view.epoch", "if True"),
    Fault("N1", "bids above the whole", Prover.bid, "not 0 <= basis_point_fee <= WHOLE", "basis_point_fee < 0"),
    Fault("N1", "bids when it is too late", Prover.bid, "not view.timing.can_be_claimed(epoch, view.slot)", "False"),
    Fault("N1", "publishes a bid before it is written down", Prover.bid, "[Remember(Made(quote))]", "[]"),
    Fault(
        "N1", "never publishes a bid for a later epoch", Prover.bid_again, "self._publish(best[epoch]) for", "None for"
    ),
    Fault(
        "N1",
        "publishes its bids in every other slot only",
        Core.tick,
        "effects += self.prover.bid_again(self.view)",
        "effects += self.prover.bid_again(self.view) if slot % 2 else []",
    ),
    Fault(
        "N1",
        "publishes its bids whenever it looks at L1",
        Core.see,
        "self._done([])",
        "self._done(self.prover.bid_again(self.view) if self.prover else [])",
    ),
    Fault(
        "N1",
        "publishes bids for what is claimed",
        Prover.bid_again,
        "view.claim is not None and view.claim.status != Status.OPEN",
        "False",
    ),
    Fault(
        "N1",
        "publishes its dearer bids too",
        Prover.bid_again,
        "best.setdefault(quote.epoch, quote)",
        "best.setdefault((quote.epoch, quote.basis_point_fee), quote)",
    ),
)
MAKES = (
    Fault(
        "N2",
        "does not check who made a quote",
        Core.hear_make,
        "recover(self._signing.make_digest(quote), message.signature) != quote.prover",
        "False",
    ),
    Fault(
        "N2",
        "takes the signature of a take for that of a make",
        Core.hear_make,
        "make_digest(quote)",
        "take_digest(quote, view.slot)",
        HARDENED,
    ),
    Fault("N2", "keeps quotes above the whole", Core.hear_make, "quote.basis_point_fee > WHOLE", "False"),
    Fault("N2", "refuses a fee of the whole", Core.hear_make, "basis_point_fee > WHOLE", "basis_point_fee >= WHOLE"),
    Fault(
        "N2", "keeps quotes for any epoch", Core.hear_make, "quote.epoch not in (view.epoch, view.previous)", "False"
    ),
    Fault("N2", "keeps quotes for the next epoch", Core.hear_make, "(view.epoch,", "(view.epoch + 1, view.epoch,"),
    Fault(
        "N2", "refuses quotes for the current epoch", Core.hear_make, "(view.epoch, view.previous)", "(view.previous,)"
    ),
    Fault("N2", "passes on again what it has passed on", Core.hear_make, "if quote in self._makes", "if False"),
    Fault(
        "N2",
        "passes on what it knows only when it is new",
        Core.hear_make,
        "if quote in self._makes",
        "if self.pool.has(quote)",
    ),
    Fault("N2", "keeps nothing that it hears", Core.hear_make, "not self._keep(quote)", "True"),
)
CHOICES = (
    Fault(
        "N4",
        "chooses anew when its clock goes back",
        Proposer.consider,
        "chosen.slot < view.slot:",
        "chosen.slot != view.slot:",
    ),
    Fault("N3", "takes in the slots of others", Proposer.consider, "view.proposer != self.address or", ""),
    Fault("N3", "takes when the epoch is claimed", View.is_claimable, "is_open and", "self.claim is not None and"),
    Fault(
        "N3",
        "prefers the latest quote",
        Pool.add,
        "(quote.basis_point_fee, self._arrivals,",
        "(quote.basis_point_fee, -self._arrivals,",
    ),
    Fault(
        "N3", "prefers by address", Pool.add, "(quote.basis_point_fee, self._arrivals,", "(quote.basis_point_fee, 0,"
    ),
    Fault("N3", "takes the dearest", Pool.best_first, "in book.order", "in reversed(book.order)"),
    Fault(
        "N3", "keeps the dearest", Pool.add, "known[0] <= quote.basis_point_fee", "known[0] >= quote.basis_point_fee"
    ),
    Fault("N3", "does not ask who can pay", Proposer._choose, "best.prover not in self._solvent", "False"),
    Fault(
        "N3",
        "takes quotes of those who cannot pay",
        Proposer.learn_funds,
        "{prover: can for",
        "{prover: True for",
    ),
    Fault("N3", "believes the later of two answers", Proposer.learn_funds, "if prover in self._asked", ""),
    Fault("N3", "asks about everybody at once", Proposer._ask, "islice(unknown, AT_ONCE)", "unknown"),
    Fault(
        "N3",
        "asks for the cheapest first when it is pressed",
        Proposer._ask,
        "self._pool.earliest_first if",
        "self._pool.best_first if",
    ),
    Fault("N4", "publishes its take again and again", Proposer.consider, "self._published < view.slot", "True"),
    Fault("N3", "asks again and again", Proposer._ask, "if self._asked:", "if False:"),
    Fault(
        "N3", "asks no more when it is pressed", Proposer._ask, "if self._asked:", "if self._asked or self._is_pressed:"
    ),
    Fault("N3", "is never pressed", Proposer._candidates, "if self._is_pressed", "if False"),
    Fault("N3", "is pressed at once", Proposer._candidates, "if self._is_pressed", "if True"),
    Fault(
        "N3", "believes what it knew of funds in the slot before", Proposer.begin_slot, "self._solvent.clear()", "pass"
    ),
    Fault("N3", "takes an answer about an older slot", Core.learn_funds, "and slot == self.view.slot", ""),
    Fault(
        "N4",
        "takes only once an epoch",
        Proposer.consider,
        "chosen.slot < view.slot:",
        "view.timing.epoch(chosen.slot) < view.epoch:",
    ),
    Fault(
        "N4",
        "publishes a choice, and then writes it down",
        Proposer._choose,
        "[Remember(chosen), *self._publish(chosen)]",
        "[*self._publish(chosen), Remember(chosen)]",
    ),
    Fault(
        "N4",
        "never writes a choice down",
        Proposer._choose,
        "[Remember(chosen), *self._publish(chosen)]",
        "self._publish(chosen)",
    ),
    Fault(
        "N4",
        "forgets its choice when it starts again",
        Proposer.consider,
        "chosen = self._memory.chosen",
        "chosen = self._memory.chosen if self._published == view.slot else None",
    ),
    Fault(
        "N4",
        "does not publish what it chose before a crash",
        Proposer.consider,
        "return self._publish(chosen)",
        "return []",
    ),
)
CLAIMS = (
    Fault(
        "N5",
        "does not check who took a quote",
        Core._is_by_proposer_of,
        "recover(self._signing.take_digest(message.quote, slot), message.signature) == proposer",
        "True",
    ),
    Fault(
        "N5",
        "passes on a take for the slot before",
        Core.hear_take,
        "(view.slot, view.slot + 1)",
        "(view.slot, view.slot + 1, view.slot - 1)",
    ),
    Fault(
        "N5",
        "passes on a take of the wrong epoch",
        Core.hear_take,
        "is_claimed_in(quote.epoch, slot)",
        "is_in_claim_phase(slot)",
    ),
    Fault(
        "N5",
        "blames a peer for what it does not know itself",
        Core._hear_useless_take,
        "are_known and not any",
        "not any",
    ),
    Fault("N5", "blames a peer for a slot's delay", Core._hear_useless_take, "(self.view.slot - 1, ", "("),
    Fault("N5", "claims by quotes that it has not made", Prover.note_take, "taken.quote in self._memory.made", "True"),
    Fault("N5", "claims twice in a slot", Prover._claim, "or self._claim_sent == view.slot", ""),
    Fault(
        "N5",
        "claims when the epoch is claimed",
        Prover._claim,
        "not view.is_claimable",
        "not view.timing.is_in_claim_phase(view.slot)",
    ),
    Fault(
        "N5",
        "claims before it is written down",
        Prover._claim,
        "[*remembered, SendClaim(*claimed)]",
        "[SendClaim(*claimed), *remembered]",
    ),
    Fault("N5", "does not claim", Prover._claim, "[*remembered, SendClaim(*claimed)]", "remembered"),
    Fault(
        "N5",
        "forgets its claim when it starts again",
        Prover._claim,
        "claimed, remembered = self._memory.claimed,",
        "claimed, remembered = None,",
    ),
    Fault("N5", "sends no claim again after a reorganisation", Prover._stop_claim, "self._claim_sent = -1", "pass"),
    Fault("N5", "passes on any number of takes", Core.hear_take, "or len(heard) >= TAKES", ""),
    Fault("N5", "never stops a claim", Prover._stop_claim, "[StopClaim(stopped)]", "[]"),
    Fault("N5", "stops a claim at once", Prover._stop_claim, "and is_of_use", "and False"),
    Fault("N5", "stops a claim when its clock goes back", Prover._stop_claim, "self._claiming > view.slot or ", ""),
)
PROOFS = (
    Fault("N6", "hands in proofs for others", Prover._due, "or claim.prover != self.address", ""),
    Fault("N6", "keeps its proofs to itself", Prover._prove, "effects.append(sending)", "pass"),
    Fault(
        "N6",
        "hands no proof in again after a reorganisation",
        Prover._prove,
        "self._sent = self._proving = None",
        "self._proving = None",
    ),
    Fault("N6", "never stops to hand in a proof", Prover._prove, "effects.append(StopProof(*self._proving))", "pass"),
    Fault(
        "N6", "hands in proofs when it is too late", Timing.is_in_proof_phase, "slot < claim_slot", "slot <= claim_slot"
    ),
    Fault("N6", "forgets a proof with the quotes", Memory.forget, "of >= epoch - 1", "of >= epoch"),
    Fault("N6", "takes no second proof for the first", Prover._prove, "sending != self._sent", "self._sent is None"),
    Fault("N6", "takes proofs that are too late", Prover.hand_in, "or is_late", ""),
    Fault(
        "N6",
        "stops the proof of another claim",
        Prover._prove,
        "Proof(*self._proving)",
        "Proof(self._proving[0], self._proving[1] + 1)",
    ),
    Fault("N6", "stops no proof of its life before", Prover.__init__, "_begun(memory)", "None"),
    Fault("N6", "stops a proof before L1 has told", Prover._is_told, "return is_over or", "return True or"),
    Fault("N6", "asks for a proof again and again", Prover._prove, "elif self._asked != due", "elif True"),
    Fault("N6", "asks for no proof", Prover._prove, "effects.append(AskProof(", "repr(("),
)
TIME = (
    Fault("N3", "has slots that begin early", Timing.slot_at, "(time - self", "(time + 3 - self"),
    Fault(
        "N3",
        "has a claim phase that is a slot too long",
        Timing.is_in_claim_phase,
        "< self.claim_slots",
        "<= self.claim_slots",
    ),
    Fault(
        "N4",
        "lives through a slot twice when its clock goes back",
        Core.tick,
        "slot <= self.view.slot",
        "slot == self.view.slot",
    ),
    Fault("N7", "forgets a slot too late", Timing.can_be_claimed, "slot <", "slot <="),
    Fault("N7", "keeps quotes for ever", Core.tick, "self.pool.forget_before(self.view.first_claimable)", "pass"),
    Fault("N7", "keeps everything on its disk", Core.tick, "effects.append(Forget(self.view.first_claimable))", "pass"),
    Fault("N7", "follows a prover down without end", Pool.add, "or book.counts[quote.prover] > IMPROVEMENTS", ""),
    Fault("N5", "does nothing", Core._done, "for role in (self.proposer, self.prover)", "for role in ()"),
)
FAULTS = tuple(sorted((*OFFERS, *MAKES, *CHOICES, *CLAIMS, *PROOFS, *TIME), key=lambda fault: fault.rule))
