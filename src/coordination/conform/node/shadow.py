"""What one node knows, as a state of the specification: the chain as it was told, and the signatures that it was shown.

In a node's own eyes everybody is honest: a signature exists when the node has been shown it. Of epochs that L1 has not
told, nobody may assume that they are open, so they count as over; of provers, that they cannot pay, so they count as
able to, until there is an end to patience, and a choice has to be right all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from coordination.chain.accounts import address_of_number
from coordination.chain.quote import NOBODY as ZERO
from coordination.chain.quote import Address, Quote, Status
from coordination.conform.node.letters import Letter
from coordination.conform.node.live import Live, Refusal, at, keep
from coordination.conform.node.process import Process
from coordination.conform.node.setting import (
    BOND,
    IMPROVEMENTS,
    PATIENCE,
    TAKES,
    number_of,
    specified,
    world_of,
)
from coordination.machine.machine import Machine
from coordination.node.core.core import Verdict
from coordination.node.core.memory import Memory
from coordination.node.core.view import Head
from coordination_spec import words
from coordination_spec.state import Coordination
from coordination_spec.words import NOBODY, Account, Epoch, Rank, Slot
from coordination_spec.world import World

Answer = tuple[Verdict, str | None]  # what becomes of a message, and the error for which it is rejected
NEWS: Answer = (Verdict.ACCEPT, None)
KNOWN: Answer = (Verdict.IGNORE, None)  # or of no use


class Shadow:
    """A node with the accounts `prover` and `proposer`, or one of them. Its inputs change it as they must the node."""

    def __init__(self, machine: Machine, prover: Address | None, proposer: Address | None, disk: Memory) -> None:
        """`disk` is what the node has written."""
        self.prover, self.proposer, self.disk, self.process = prover, proposer, disk, Process()
        self.live: Live[Coordination] = Live(machine, world_of(machine, honest=True), {"status": Status.PRUNED})
        self.state, self._alone = self.live.empty(), self.live.empty()
        self.steps = Counter[str]()  # taken so far, by action
        self._machine = machine

    @property
    def world(self) -> World:
        world: World = self.live.constants
        return world

    @property
    def now(self) -> Slot:
        return self.state.now

    @property
    def previous(self) -> Epoch:
        """The epoch that can be claimed now; -1 in epoch 0."""
        return Epoch(self.world.epoch(self.now) - 1)

    @property
    def owner(self) -> Account:
        """Whose memory the node's quotes are in."""
        account = self.proposer or self.prover
        assert account is not None
        return number_of(account)

    def status(self, epoch: int) -> Status:
        """How an epoch stands, as it was told; what was not told counts as over."""
        return Status(self.state.status[Epoch(epoch)])

    def is_told(self, epoch: int) -> bool:
        return (epoch,) in self.state.status.entries

    def is_settled(self, epoch: int, claim_slot: int) -> bool:
        """Whether it is known how a claim stands: by the time, or by L1."""
        is_over = epoch != self.previous or self.now >= claim_slot + self.world.proof_slots
        return is_over or self.is_told(epoch)

    def bid_for(self, epoch: int) -> Quote | None:
        """The cheapest of its own quotes, by its disk."""
        made = (quote for quote in self.disk.made if quote.epoch == epoch)
        return min(made, key=lambda quote: quote.basis_point_fee, default=None)

    def is_taken_away(self, epoch: int) -> bool:
        """Whether L1 has told that an epoch cannot be claimed any more."""
        return self.is_told(epoch) and self.status(epoch) != Status.OPEN

    def step(self, action: str, *arguments: object) -> Refusal | None:
        refusal = self.live.step(self.state, self._machine.action(action), *arguments)
        self.steps.update([action] if refusal is None else [])
        return refusal

    def would(self, action: str, *arguments: object) -> Refusal | None:
        return self.live.would(self.state, self._machine.action(action), *arguments)

    def begin(self, slot: int) -> None:
        """A process starts in `slot`, which may be an earlier one than that of the crash: clocks go back.

        What its disk says has been signed, and its last claim may be on its way still.
        """
        refusal = self.step("crash_proposer", self.owner)
        assert refusal is None
        s, claimed = self.state, self.disk.claimed
        s.now = min(s.now, Slot(slot))
        for quote in self.disk.made:
            s.made[specified(quote)] = True
        if claimed is not None:
            s.made[specified(claimed.quote)] = s.taken[Slot(claimed.slot), specified(claimed.quote)] = True
        self._read_choice()
        begun = (claimed.quote.epoch, claimed.slot) if claimed and claimed.quote.epoch in self.disk.proofs else None
        self.process = Process(claiming=claimed.slot if claimed else None, begun=begun)
        self._forget_what_was_told()

    def tick(self, slot: int) -> None:
        """It is `slot`. One that was there already is no news."""
        if slot <= self.process.slot:
            return
        self.process.slot = slot
        while self.now < slot:
            refusal = self.step("tick")
            assert refusal is None
        self._read_choice()
        self.process.asked.clear()
        self.process.relayed.clear()
        self.process.offered.clear()
        self.process.needless.clear()
        self.process.can_pay.clear()
        self.process.answers = 0
        self.process.taken = {of: quotes for of, quotes in self.process.taken.items() if of >= slot}
        self.process.passed_on = {of: quotes for of, quotes in self.process.passed_on.items() if of >= slot}
        self._forget_what_is_over()

    def see(self, head: Head) -> None:
        """What L1 says; it replaces what it said before, and what was asked of it may be asked again."""
        self._forget_what_was_told()
        self.process.proposers = head.proposers
        self.process.asked.clear()
        s = self.state
        for number, claim in head.claims.items():
            epoch = Epoch(number)
            s.status[epoch] = words.Status(claim.status)
            s.claim_prover[epoch], s.claim_proposer[epoch] = number_of(claim.prover), number_of(claim.proposer)
            s.claim_fee[epoch], s.claim_slot[epoch] = words.BasisPoints(claim.basis_point_fee), Slot(claim.slot)

    def learn_funds(self, slot: int, can_pay: Mapping[Address, bool]) -> None:
        """An answer is of use in the slot of its question; of two, for what was asked again, the first counts."""
        if slot != self.now:
            return
        news = {prover: can for prover, can in can_pay.items() if prover in self.process.asked}
        self.process.answers += 1
        self.process.asked -= news.keys()
        self.process.can_pay.update(news)

    def choose(self, quote: Quote) -> Refusal | None:
        self._judge_funds()
        return self.step("choose_quote", specified(quote))

    def would_choose(self, quote: Quote) -> Refusal | None:
        self._judge_funds()
        return self.would("choose_quote", specified(quote))

    def of_unknown_funds(self) -> list[Quote]:
        """The quotes of whose provers it is not known whether they can pay, as it is their turn to be asked about.

        That is the order of choice; under pressure it is that of arrival, so that it is everybody's sooner or later.
        """
        unknown = [quote for quote in self.quotes(self.previous) if quote.prover not in self.process.can_pay]
        return [quote for quote in self.process.arrivals if quote in unknown] if self.is_pressed else unknown

    @property
    def is_pressed(self) -> bool:
        """Ever new provers must not take up a slot: after so many answers, nobody counts but who can pay."""
        return self.process.answers >= PATIENCE

    def _judge_funds(self) -> None:
        balance = self.state.balance
        balance.entries.clear()
        for quote in self.quotes(self.previous):
            can_pay = self.process.can_pay.get(quote.prover, not self.is_pressed)
            balance[number_of(quote.prover)] = words.Amount(BOND if can_pay else 0)

    def hear_make(self, letter: Letter) -> Answer:
        """N2. What is known already is passed on once a slot; after that it is no news, however it is signed."""
        quote, relayed = letter.message.quote, self.process.relayed
        is_known = self.state.seen[self.owner, specified(quote)] > 0
        if quote in relayed:
            return KNOWN
        is_made = self._is_made(letter)
        self._record(letter)
        if is_known:  # for those who have come since; the specification has no step for it
            answer = NEWS if is_made else (Verdict.REJECT, words.INVALID_PROVER_SIGNATURE)
        else:
            answer = self.receive(quote, number_of(quote.prover) if is_made else NOBODY)
        if answer == NEWS:
            relayed.add(quote)
        return answer

    def receive(self, quote: Quote, recovered: words.Address) -> Answer:
        refusal = self.step("receive_quote", self.owner, specified(quote), recovered)
        if refusal is not None:
            assert refusal.error is not None, refusal
            return Verdict.REJECT, refusal.error
        return NEWS if self._keep(quote) else KNOWN

    def hear_take(self, letter: Letter) -> Answer:
        """A take is passed on, once, while it is of use in this slot or (clocks differ) in the next one."""
        quote, process = letter.message.quote, self.process
        self._record(letter)
        if quote.basis_point_fee > words.WHOLE:
            return Verdict.REJECT, words.INVALID_BASIS_POINT_FEE
        usable = (slot for slot in (self.now, self.now + 1) if self._can_claim(quote, slot))
        slot = next((slot for slot in usable if self._is_taken(letter, slot)), None)
        if slot is None:
            near = (self.now - 1, self.now, self.now + 1)
            is_known = all(each in process.proposers for each in near)
            is_late = any(self._is_taken(letter, each) for each in near)
            return KNOWN if is_late or not is_known else (Verdict.REJECT, words.INVALID_PROPOSER_SIGNATURE)
        self.note_take(quote, slot)
        heard = process.passed_on.setdefault(slot, set())
        if quote in heard or len(heard) >= TAKES:
            return KNOWN
        heard.add(quote)
        return NEWS

    def note_take(self, quote: Quote, slot: int) -> None:
        """N5 is about a quote that this node has made, and has not forgotten (N7): its clock may have gone back since.

        One that it makes afterwards is not what was taken.
        """
        if quote in self.disk.made:
            self.process.taken.setdefault(slot, {})[quote] = None

    def quotes(self, epoch: int) -> list[Quote]:
        """What the node keeps for an epoch, the cheapest first, the earliest of equal ones."""
        kept = [
            (key[3], rank, Quote(address_of_number(key[1]), epoch, key[3]))
            for key, rank in self.state.seen.entries.items()
            if rank and key[2] == epoch
        ]
        return [quote for _, _, quote in sorted(kept)]

    def _read_choice(self) -> None:
        """What was chosen counts in its slot, also when that comes again."""
        s, chosen = self.state, self.disk.chosen
        choice = specified(chosen.quote) if chosen is not None and chosen.slot == s.now else None
        s.choice_prover = choice.prover if choice else NOBODY
        s.choice_fee = choice.basis_point_fee if choice else words.BasisPoints(0)

    def _keep(self, quote: Quote) -> bool:
        """Whether a quote that may be kept is kept; the others are as if they had never come.

        A node keeps the cheapest quote of each prover: the dearer ones hang on the same bond, so that none of them can
        be the one to take. It follows a prover down only so many times, for its memory is bounded. And a quote that N2
        allows may be one that N7 forgets: of the previous epoch, when the phase to claim it is over.
        """
        key, s = (quote.prover, quote.epoch), self.state
        others = [other for other in self.quotes(quote.epoch) if other.prover == quote.prover and other != quote]
        improvements = self.process.improvements.get(key, 0)
        is_cheapest = all(quote.basis_point_fee < other.basis_point_fee for other in others)
        if not self.world.can_be_claimed(Epoch(quote.epoch), s.now) or not is_cheapest or improvements > IMPROVEMENTS:
            self._drop(quote)
            return False
        for other in others:
            self._drop(other)
        self.process.improvements[key] = improvements + 1
        self.process.arrivals.pop(quote, None)
        self.process.arrivals[quote] = None
        return True

    def _drop(self, quote: Quote) -> None:
        """Take a quote out of memory, and out of the order of arrival at its fee."""
        seen, (prover, epoch, fee) = self.state.seen, specified(quote)
        rank = seen.entries.pop((self.owner, prover, epoch, fee))
        for key, other in seen.entries.items():
            if key[2:] == (epoch, fee) and other > rank:
                seen.entries[key] = Rank(other - 1)

    def _record(self, letter: Letter) -> None:
        if letter.fact is not None:
            letter.fact.record(self.state)

    def _is_made(self, letter: Letter) -> bool:
        """Whether this very message verifies as a make of its quote."""
        quote, design = specified(letter.message.quote), self.world.design
        return self._shows(letter, lambda s: design.shows_make(s, self.world, quote.prover, quote))

    def _is_taken(self, letter: Letter, slot: int) -> bool:
        """Whether this very message verifies as a take of its quote by the proposer of `slot`, who must be known."""
        proposer = number_of(self.process.proposers.get(slot, ZERO))
        quote, design = specified(letter.message.quote), self.world.design
        return proposer != NOBODY and self._shows(
            letter, lambda s: design.shows_take(s, self.world, proposer, quote, Slot(slot))
        )

    def _shows(self, letter: Letter, question: Callable[[Coordination], bool]) -> bool:
        """Whether something can be shown where nothing was signed but this one letter."""
        if letter.fact is None:
            return False
        alone = self._alone
        for signed in (alone.made, alone.taken, alone.signed_elsewhere):
            signed.entries.clear()
        letter.fact.record(alone)
        return self.live.ask(alone, question)

    def _can_claim(self, quote: Quote, slot: int) -> bool:
        """Whether `slot` is the time to claim by a quote (C1, C5)."""
        w = self.world
        return w.is_in_claim_phase(Slot(slot)) and quote.epoch == w.epoch(Slot(slot)) - 1

    def _forget_what_was_told(self) -> None:
        s = self.state
        self.process.proposers = {}
        for told in (s.status, s.claim_prover, s.claim_proposer, s.claim_fee, s.claim_slot):
            told.entries.clear()

    def _forget_what_is_over(self) -> None:
        """Signatures that matter no more, or not yet (but for bids), and the empty places that `tick` leaves."""
        s, w = self.state, self.world

        def is_near(epoch: int) -> bool:
            return w.can_be_claimed(Epoch(epoch), s.now) and epoch <= w.epoch(s.now) + 1

        for signed, place in ((s.seen, 2), (s.taken, 2), (s.signed_elsewhere, 3), (s.sent, 2)):
            keep(signed, at(place, is_near))
        own = self.prover and number_of(self.prover)
        keep(s.made, lambda key: is_near(key[1]) or (key[0] == own and w.can_be_claimed(Epoch(key[1]), s.now)))
        process = self.process
        process.arrivals = {quote: None for quote in process.arrivals if is_near(quote.epoch)}
        process.improvements = {key: times for key, times in process.improvements.items() if is_near(key[1])}
