"""A node in the simulated world: a real core, and around it a disk, a clock and an operator that are simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Protocol, TypeVar

from coordination.chain.quote import Address, Quote
from coordination.conform.node.duties import check_duties
from coordination.conform.node.letters import Letter
from coordination.conform.node.matching import Matcher, Wrong, demand
from coordination.conform.node.setting import ADDRESSES, KEYS, TIMING, Remembered, Role, epoch_of, slot_at, specified
from coordination.conform.node.shadow import Answer, Shadow
from coordination.machine.machine import Machine
from coordination.node.core.core import Core, Heard, Verdict
from coordination.node.core.effects import AskFunds, AskProof, Effect, Forget, Proven, Remember, Topic
from coordination.node.core.errors import Refused
from coordination.node.core.memory import Memory
from coordination.node.core.view import Head

P = TypeVar("P")
R = TypeVar("R")
HEALTHY = 1_000_000  # effects that a node carries out before it dies


class Outside(Protocol):
    """What a node's effects reach."""

    def carry_out(self, node: Node, effect: Effect) -> None:
        """Send what `node` publishes or calls, or stop that. Questions and what is remembered are the node's own."""


class Node:
    """One node. Whatever it does is judged when it does it: every input of it raises Wrong for what is not right."""

    def __init__(self, name: str, role: Role, machine: Machine, signing: Remembered, outside: Outside) -> None:
        self.name, self.role, self._signing, self._outside = name, role, signing, outside
        prover = ADDRESSES[role.prover] if role.prover else None
        proposer = ADDRESSES[role.proposer] if role.proposer else None
        self.disk = Memory()
        self.shadow = Shadow(machine, prover, proposer, self.disk)
        self.matcher = Matcher(self.shadow, signing)
        self.core: Core | None = None
        self.doomed = HEALTHY  # it dies when it has carried out so many effects
        self.questions: list[AskFunds] = []
        self.outbox: set[tuple[Any, ...]] = set()  # keys of what it has sent and not stopped: on its disk too
        self.tasks: list[int] = []  # epochs that somebody has to prove

    @property
    def slot(self) -> int:
        return self.shadow.now

    def start(self, time: int) -> None:
        """Start, with what is on the disk, when its clock shows `time` but for its skew."""
        self.shadow.begin(slot_at(time + self.role.skew))
        prover = KEYS[self.role.prover] if self.role.prover else None
        proposer = KEYS[self.role.proposer] if self.role.proposer else None
        self.core = Core(TIMING, self._signing, deepcopy(self.disk), prover=prover, proposer=proposer)
        self.tick(time)

    def die(self) -> None:
        """What is not on the disk is lost."""
        self.core, self.doomed = None, HEALTHY
        self.questions.clear()

    def tick(self, time: int) -> None:
        """Its clock shows `time`, but for its skew."""
        if self.core is None:
            return
        time += self.role.skew
        self.shadow.tick(slot_at(time))
        self._do(lambda core: core.tick(time))

    def see(self, head: Head) -> None:
        if self.core is None:
            return
        self.shadow.see(head)
        self._do(lambda core: core.see(head))

    def learn_funds(self, slot: int, can_pay: Mapping[Address, bool]) -> None:
        self.shadow.learn_funds(slot, can_pay)
        self._do(lambda core: core.learn_funds(slot, can_pay))

    def hear(self, letter: Letter) -> Heard | None:
        """A message arrives. What the node says of it has to be what the specification says; None if it is down."""
        if self.core is None:
            return None
        is_make = letter.topic is Topic.MAKE
        must = self.shadow.hear_make(letter) if is_make else self.shadow.hear_take(letter)
        heard = _ask(self.core.hear_make if is_make else self.core.hear_take, letter.message)
        says = (heard.verdict, heard.error)
        if says != must:
            raise Wrong(f"{'N2' if is_make else 'N5'}: it says {_show(says)}, and must say {_show(must)}")
        if heard.effects or not is_make or heard.verdict is not Verdict.IGNORE:  # an ignored quote leaves all as it was
            self._carry_out(heard.effects)
        return heard

    def bid(self, epoch: int, basis_point_fee: int) -> str | None:
        """Its operator asks for a bid; the error if it is refused."""
        if self.core is None or self.shadow.prover is None:
            return None
        quote = Quote(self.shadow.prover, epoch, basis_point_fee)
        refusal = self.shadow.would("make_quote", specified(quote))
        self.matcher.bid = quote
        error = self._request(lambda core: core.bid(epoch, basis_point_fee), refusal.error if refusal else None)
        is_due = error is None and self.core is not None and epoch <= epoch_of(self.slot)
        demand(not is_due or self.matcher.bid is None, "N1: it has not published what its operator bids")
        self.matcher.bid = None
        return error

    def hand_in(self, epoch: int, proof: bytes) -> str | None:
        """Its operator has a proof; the error if it is refused."""
        if self.core is None or self.shadow.prover is None:
            return None
        self.matcher.handed_in.add(Proven(epoch, proof))
        return self._request(lambda core: core.hand_in(epoch, proof), self.matcher.answer_to_proof(epoch))

    def _request(self, request: Callable[[Core], list[Effect]], must: str | None) -> str | None:
        error = None
        try:
            self._do(request)
        except Refused as refused:
            error = refused.error
        demand(error == must, f"it says {error or 'yes'} to its operator, and must say {must or 'yes'}")
        return error

    def _do(self, move: Callable[[Core], list[Effect]]) -> None:
        if self.core is not None:
            self._carry_out(_ask(move, self.core))

    def _carry_out(self, effects: list[Effect]) -> None:
        """Carry out effects in their order, unless the node dies before one of them."""
        for effect in effects:
            if self.doomed == 0:
                self.die()
                return
            self.doomed -= 1
            self.matcher.judge(effect)
            match effect:
                case Remember(fact):
                    self.disk.remember(fact)
                case Forget(epoch):
                    self.disk.forget(epoch)
                case AskFunds():
                    self.questions.append(effect)
                case AskProof(epoch):
                    self.tasks.append(epoch)
            self._outside.carry_out(self, effect)
        assert self.core is not None
        check_duties(self.matcher, self.core)


def _show(answer: Answer) -> str:
    verdict, error = answer
    return f"{verdict.value} with {error}" if error else verdict.value


def _ask(method: Callable[[P], R], argument: P) -> R:
    """What a core answers; that it raises anything but Refused is wrong."""
    try:
        return method(argument)
    except Refused:
        raise
    except Exception as error:
        raise Wrong(f"it raises {type(error).__name__}: {error}") from error
