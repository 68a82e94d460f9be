"""The mapping between the specification and this project's contract, in both designs.

An abstract account is a key derived from its name; a quote is signed by real keys; an amount is as many units of TST;
a slot is `SLOT_DURATION` seconds. What recovers to nobody is presented in many forms, each of which must be refused
alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Chain
from coordination.chain.deployment import Parameters, find_proof, is_proof
from coordination.chain.quote import NOBODY, Address, Quote, Signature
from coordination.chain.signing import HALF_ORDER, ORDER, recover, sign, signing
from coordination.chain.storage import Words
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.rollup.answers import ELSEWHERE, Answers
from coordination.conform.rollup.calls import Calls
from coordination.conform.rollup.setup import Listed, Setup
from coordination.machine.action import Arguments
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Valuation
from coordination_spec.words import Account, Epoch, Slot
from coordination_spec.world import World

GENESIS, SLOT_DURATION = 1_726_000_000, 12

STRANGER = address_of(development_key("a stranger"))

ACTIONS = ("claim_proof_right", "submit_epoch_proof", "prune", "fund_rewards", "give_tokens")  # that are calls


class RollupAdapter:
    """Deploys the rollup with plain TST and an instance's constants; every account lets it take TST without limit."""

    actions = ACTIONS
    visible = (
        "status",
        "claim_prover",
        "claim_fee",
        "claim_proposer",
        "claim_slot",
        "balance",
        "held",
        "reward_pool",
    )

    def __init__(self, machine: Machine, instance: Instance, artifact: Artifact, chain: Chain) -> None:
        self._world: World = instance.constants
        self._instance, self._oracle = instance, Oracle(machine, instance)
        self._names = {int(account): instance.show(Account, account) for account in instance.domain(Account)}
        self._keys = {account: development_key(name) for account, name in self._names.items()}
        self._addresses = {account: address_of(key) for account, key in self._keys.items()} | {0: NOBODY}
        setup = self._setup()
        self.parameters, self.deployment = setup.parameters, setup.deploy(chain, artifact)
        self.answers = Answers(self._oracle, artifact, setup, self.deployment, self._addresses.__getitem__)
        self._calls = Calls(artifact, self.deployment, setup.names)
        self.contracts, self.speakers = self.answers.contracts, self.answers.speakers
        self.artifacts = self.answers.artifacts

    def _setup(self) -> Setup:
        initial, slots = self._oracle.initial(), range(self._world.last_slot + 1)
        return Setup(
            version=self._world.design.version,
            parameters=parameters_of(self._world),
            schedule=Listed(tuple(self._addresses[self._world.schedule[Slot(slot)]] for slot in slots)),
            holdings={self._addresses[account]: initial.entry("balance", (account,)) for account in self._names},
            reward_pool=initial["reward_pool"],
            gift=initial["held"] - initial["reward_pool"],
            names={self._addresses[account]: name for account, name in self._names.items()},
        )

    def timestamps(self, slot: int) -> Sequence[int]:
        """The first second, the last, and one between; what is before genesis is slot 0 too."""
        first = self.parameters.timestamp(slot)
        inside = (first, first + SLOT_DURATION - 1, first + SLOT_DURATION // 2)
        return inside if slot else (*inside, first - 1, 1)

    @cache  # noqa: B019 - an adapter lives as long as its run
    def messages(self, action: str, arguments: Arguments, slot: int) -> Sequence[Message]:
        caller = self._addresses[arguments[0]]
        if action == "claim_proof_right":
            _, prover, epoch, fee, recovered = arguments
            quote = Quote(self._addresses[prover], epoch, fee)
            shown = self._signatures(quote, recovered, slot)
            return [self._calls.claim_proof_right(caller, *quote, each) for each in shown]
        if action == "submit_epoch_proof":
            _, epoch, valid = arguments
            given = proofs(epoch, bool(valid))
            return [self._calls.submit_epoch_proof(who, epoch, each) for each in given for who in self._anybody(caller)]
        if action == "prune":
            return [self._calls.prune(who, arguments[1]) for who in self._anybody(caller)]
        call = {"fund_rewards": self._calls.fund_rewards, "give_tokens": self._calls.give_tokens}[action]
        return [call(caller, arguments[1])]

    def _anybody(self, caller: Address) -> list[Address]:
        """Where it must not matter who calls: whom the specification names, all the others, and a stranger."""
        return list(dict.fromkeys((caller, *(self._addresses[account] for account in self._names), STRANGER)))

    def _signatures(self, quote: Quote, recovered: int, slot: int) -> list[tuple[str, Signature]]:
        digest = self.answers.signing.take_digest(quote, slot)
        if recovered:
            return [(f"signed by {self._names[recovered]}", sign(self._keys[recovered], digest))]
        known = set(self._addresses.values()) - {NOBODY}
        return [each for each in self._nobodys(quote, slot) if recover(digest, each[1]) not in known]

    def _nobodys(self, quote: Quote, slot: int) -> Iterable[tuple[str, Signature]]:
        """Signatures of the slot's proposer, or of anybody if it has none, that should not count as its take."""
        key = self._keys[int(self._world.schedule[Slot(slot)]) or min(self._keys)]
        here, version, here_id = self.answers.signing, self.deployment.version, self.deployment.chain_id
        take = sign(key, here.take_digest(quote, slot))
        s = int.from_bytes(take.s, "big")
        assert s <= HALF_ORDER
        yield "no signature", Signature(0, bytes(32), bytes(32))
        yield "the upper half of s", Signature(55 - take.v, take.r, (ORDER - s).to_bytes(32, "big"))
        yield "v of 0 or 1", Signature(take.v - 27, take.r, take.s)
        yield "r of zero", Signature(take.v, bytes(32), take.s)
        yield "s of zero", Signature(take.v, take.r, bytes(32))
        yield "a take for the next slot", sign(key, here.take_digest(quote, slot + 1))
        for past in reversed(range(slot)):  # what a claim that lands late was sent with
            if proposer := int(self._world.schedule[Slot(past)]):
                yield f"a take for slot {past}", sign(self._keys[proposer], here.take_digest(quote, past))
        yield "a make", sign(key, here.make_digest(quote))
        yield "a take of another fee", sign(key, here.take_digest(quote._replace(basis_point_fee=1), slot))
        yield "a take of another epoch", sign(key, here.take_digest(quote._replace(epoch=quote.epoch + 1), slot))
        yield "a take of another prover", sign(key, here.take_digest(quote._replace(prover=ELSEWHERE), slot))
        for what, chain_id, rollup in (
            ("a take for another chain", here_id + 1, self.deployment.rollup),
            ("a take for another rollup", here_id, ELSEWHERE),
        ):
            yield what, sign(key, signing(version, chain_id, rollup).take_digest(quote, slot))

    def expected(self, before: Valuation, step: Step) -> Expected:
        return self.answers.expected(before, step)

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        return self.answers.storage(state)

    def views(self, state: Valuation) -> Sequence[View]:
        return [*self.answers.views(state, self._instance.domain(Epoch)), *self.answers.constants]


def parameters_of(world: World) -> Parameters:
    """A world's constants as the contract is deployed with them."""
    return Parameters(
        genesis_time=GENESIS,
        slot_duration=SLOT_DURATION,
        slots_per_epoch=world.slots_per_epoch,
        claim_slots=world.claim_slots,
        proof_slots=world.proof_slots,
        bond=world.bond,
        reward_per_epoch=world.reward_per_epoch,
    )


def proofs(epoch: int, valid: bool) -> list[tuple[str, bytes]]:
    """What proves `epoch`, or several things that do not."""
    proof = find_proof(epoch)
    if valid:
        return [("a proof", proof)]
    others = [(f"a proof of epoch {other}", find_proof(other)) for other in (epoch + 1, epoch - 1) if other >= 0]
    return [
        ("nothing", b""),
        ("a proof cut short", proof[:-1]),
        ("a proof and a byte more", proof + b"\0"),
        ("32 bytes that prove nothing", find_proof(epoch, valid=False)),
        *((what, other) for what, other in others if not is_proof(epoch, other)),
    ]
