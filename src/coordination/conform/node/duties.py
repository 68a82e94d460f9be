"""What a node owes: the steps that the specification has for it, by what it knows, and that it has not taken.

Without them a node that does nothing would be right.
"""

from __future__ import annotations

from collections.abc import Iterator

from coordination.chain.quote import Quote, Status
from coordination.conform.node.letters import show_quote
from coordination.conform.node.matching import Matcher, Wrong, demand
from coordination.conform.node.setting import proposer_of, specified
from coordination.conform.node.shadow import Shadow
from coordination.node.core.core import Core
from coordination_spec.words import NOBODY, Epoch


def check_duties(matcher: Matcher, core: Core) -> None:
    """Whether nothing is left to do. Raises Wrong."""
    shadow = matcher.shadow
    _check_memory(shadow, core)
    if shadow.prover is not None:
        _owes_bids(shadow)
        _owes_a_claim(shadow)
        _owes_a_proof(matcher)
    if shadow.proposer is not None and shadow.proposer == proposer_of(shadow.now):
        _owes_a_take(shadow)


def _check_memory(shadow: Shadow, core: Core) -> None:
    """N2, N7: it keeps the quotes that it must, in their order, and nothing of what is over."""
    epoch = shadow.world.epoch(shadow.now)
    kept = [quote for each in (epoch - 1, epoch) for quote in core.pool.quotes(each)]
    must = [quote for each in (epoch - 1, epoch) for quote in shadow.quotes(each)]
    if kept != must:
        raise Wrong(f"N2: it keeps {_show(kept)}, and must keep {_show(must)}")
    demand(len(core.pool) == len(must), "N7: it keeps quotes for other epochs than the current and the previous one")
    for quote in shadow.disk.made:
        if not shadow.world.can_be_claimed(Epoch(quote.epoch), shadow.now):
            raise Wrong(f"N7: it has not forgotten {show_quote(quote)}")
    is_of_use = all(of >= epoch - 2 for of in shadow.disk.proofs)
    demand(is_of_use, "N7: it has not forgotten the proof of an epoch that is over")


def _owes_bids(shadow: Shadow) -> None:
    """N1: the cheapest quote for each epoch that it has bid for is published, in each slot once the epoch has begun.

    Nobody waits for one when the epoch was claimed by then; if a reorganisation undoes that, the next slot is soon.
    """
    for epoch in (shadow.previous, shadow.previous + 1):
        best, process = shadow.bid_for(epoch), shadow.process
        if shadow.is_taken_away(epoch):
            process.needless.add(epoch)
        elif best is not None and epoch not in process.needless and shadow.state.made[specified(best)]:
            demand(best in process.offered, f"N1: it has not published {show_quote(best)} in slot {shadow.now}")


def _owes_a_take(shadow: Shadow) -> None:
    """N3, N4: a quote that can be taken is taken, or its prover's funds are asked for; what is chosen is published.

    It can know that the slot is its own only if L1 has told it. And if it has chosen in a later slot, then its clock
    has gone back, and it cannot know what it has done in this one.
    """
    chosen = shadow.disk.chosen
    if shadow.now not in shadow.process.proposers or (chosen is not None and chosen.slot > shadow.now):
        return
    is_open = shadow.world.is_in_claim_phase(shadow.now) and shadow.status(shadow.previous) == Status.OPEN
    if is_open and shadow.state.choice_prover == NOBODY:
        for quote in shadow.quotes(shadow.previous):
            can_pay = shadow.process.can_pay.get(quote.prover)
            demand(not can_pay or shadow.would_choose(quote) is not None, f"N3: it has not taken {show_quote(quote)}")
        unknown = shadow.of_unknown_funds()
        if unknown and not shadow.process.asked:
            raise Wrong(f"N3: it does not ask whether the prover can pay of {show_quote(unknown[0])}")
    if chosen is not None and chosen.slot == shadow.now and shadow.process.took != shadow.now:
        demand(not is_open, f"N4: it has not published its take of {show_quote(chosen.quote)}")


def _owes_a_claim(shadow: Shadow) -> None:
    """N5: it claims by what was taken of it, or what it has noted before a crash; and stops when it is of no use."""
    for quote in _taken(shadow):
        is_possible = shadow.would("send_claim", specified(quote)) is None
        demand(not is_possible, f"N5: it has not claimed by {show_quote(quote)}")
    claiming = shadow.process.claiming
    if claiming is not None:
        is_over = shadow.is_taken_away(shadow.previous)
        is_of_use = claiming > shadow.now or (claiming == shadow.now and not is_over)
        demand(is_of_use, f"N5: it has not stopped its claim of slot {claiming}")


def _taken(shadow: Shadow) -> Iterator[Quote]:
    """What it can claim by; nothing, if it has claimed in a later slot, so that its clock has gone back."""
    claimed = shadow.disk.claimed
    if claimed is not None and claimed.slot == shadow.now:
        yield claimed.quote
    elif claimed is None or claimed.slot < shadow.now:
        yield from shadow.process.taken.get(shadow.now, ())


def _owes_a_proof(matcher: Matcher) -> None:
    """N6: the proof of what it has claimed is handed in, or asked for, in time; and not afterwards."""
    due, process, proofs = matcher.due(), matcher.shadow.process, matcher.shadow.disk.proofs
    last = matcher.proofs.get(matcher.shadow.previous)
    demand(last in (None, proofs.get(matcher.shadow.previous)), "N6: it has forgotten a proof that may be of use")
    sent = process.proof
    if due is not None and due[0] in proofs:
        is_sent = sent is not None and (sent.epoch, sent.claim_slot) == due and sent.proof == proofs[due[0]]
        demand(is_sent, f"N6: it does not hand in its proof of epoch {due[0]}")
    elif due is not None:
        demand(process.proof_asked == due, f"N6: it has not asked for a proof of epoch {due[0]}")
    if process.begun is not None and process.begun != due:
        is_settled = matcher.shadow.is_settled(*process.begun)
        demand(not is_settled, f"N6: it has not stopped the proof of epoch {process.begun[0]} of its life before")
    if sent is not None:
        is_due = (sent.epoch, sent.claim_slot) == due
        demand(is_due, f"N6: it has not stopped to hand in its proof of epoch {sent.epoch}")


def _show(quotes: list[Quote]) -> str:
    return ", ".join(map(show_quote, quotes)) or "nothing"
