"""The mapping between the specification and this project's contract, in both designs.

An abstract account is a key derived from its name; a quote is signed by real keys; an amount is as many units of TST; a
slot is `SLOT_DURATION` seconds. What recovers to nobody is presented in many forms, each of which must be refused alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from eth_abi import encode

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import Parameters, deploy_development, find_proof
from coordination.chain.chain import Chain, Log
from coordination.chain.quote import NOBODY, Address, Quote, Signature, Status
from coordination.chain.signing import HALF_ORDER, recover, sign, signing
from coordination.chain.storage import StorageLayout, Words
from coordination.conform.adapter import Expected, Message, View
from coordination.machine.action import Arguments
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Event, Step, Valuation
from coordination_spec.words import Account, Epoch, Slot
from coordination_spec.world import World

GENESIS, SLOT_DURATION = 1_726_000_000, 12
UNLIMITED = 2**256 - 1
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
ELSEWHERE = address_of(development_key("another rollup"))
SPONSOR = "sponsor"  # who pays the initial rewards in


class RollupAdapter:
    """Deploys the rollup with plain TST and an instance's constants; every account approves the rollup without limit."""

    actions = ("claim_proof_right", "submit_epoch_proof", "prune", "fund_rewards", "give_tokens")
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
        self._instance, self._artifact, self._token = instance, artifact, shipped("TestToken")
        self._oracle = Oracle(machine, instance)
        self._names = {int(account): instance.show(Account, account) for account in instance.domain(Account)}
        self._keys = {account: development_key(name) for account, name in self._names.items()}
        self._addresses = {account: address_of(key) for account, key in self._keys.items()} | {0: NOBODY}
        self.parameters = parameters_of(self._world)
        self.deployment = self._deploy(chain)
        self._signing = signing(self._world.design.version, chain.chain_id, self.deployment.rollup)
        self.contracts = {self.deployment.rollup: artifact.name, self.deployment.token: "TST"}
        self.speakers = frozenset({self.deployment.rollup})
        self.artifacts = (artifact, self._token)
        self._layouts = StorageLayout(artifact), StorageLayout(self._token)

    def _deploy(self, chain: Chain) -> Any:
        initial = self._oracle.initial()
        sponsor = address_of(development_key(SPONSOR))
        holdings = {self._addresses[account]: initial.entry("balance", (account,)) for account in self._names}
        holdings[sponsor] = initial["held"]
        proposers = [self._addresses[self._world.schedule[slot]] for slot in range(self._world.last_slot + 1)]
        deployment = deploy_development(
            chain.deploy,
            version=self._world.design.version,
            chain_id=chain.chain_id,
            parameters=self.parameters,
            token=self._token.creation(list(holdings), list(holdings.values())),
            schedule=shipped("FixedSchedule").creation(proposers),
            rollup=self._artifact,
        )
        for holder in holdings:
            chain.call(holder, deployment.token, self._token.call("approve", deployment.rollup, UNLIMITED))
        chain.call(sponsor, deployment.rollup, self._artifact.call("fundRewards", initial["reward_pool"]))
        gift = initial["held"] - initial["reward_pool"]
        chain.call(sponsor, deployment.token, self._token.call("transfer", deployment.rollup, gift))
        return deployment

    def timestamps(self, slot: int) -> Sequence[int]:
        """The first second, the last, and one between; what is before genesis is slot 0 too."""
        first = self.parameters.timestamp(slot)
        inside = (first, first + SLOT_DURATION - 1, first + SLOT_DURATION // 2)
        return inside if slot else (*inside, first - 1, 1)

    @cache  # noqa: B019 - an adapter lives as long as its run
    def messages(self, action: str, arguments: Arguments, slot: int) -> Sequence[Message]:
        caller = self._addresses[arguments[0]]
        if action == "give_tokens":
            to = self.deployment.rollup
            data = self._token.call("transfer", to, arguments[1])
            return [Message(caller, self.deployment.token, data, f"TST.transfer(rollup, {arguments[1]})")]
        return [
            Message(caller, self.deployment.rollup, self._artifact.call(name, *values), text)
            for name, values, text in self._calls(action, arguments, slot)
        ]

    def _calls(self, action: str, arguments: Arguments, slot: int) -> Iterable[tuple[str, tuple[Any, ...], str]]:
        if action == "claim_proof_right":
            _, prover, epoch, fee, recovered = arguments
            quote = Quote(self._addresses[prover], epoch, fee)
            for what, signature in self._signatures(quote, recovered, slot):
                yield "claimProofRight", (quote.signed(signature),), f"claimProofRight({self._show(quote)}, {what})"
        elif action == "submit_epoch_proof":
            _, epoch, valid = arguments
            for what, proof in proofs(epoch, bool(valid)):
                yield "submitEpochProof", (epoch, proof), f"submitEpochProof({epoch}, {what})"
        else:
            name = {"prune": "prune", "fund_rewards": "fundRewards"}[action]
            yield name, (arguments[1],), f"{name}({arguments[1]})"

    def _show(self, quote: Quote) -> str:
        names = {address: self._names.get(account, "nobody") for account, address in self._addresses.items()}
        return f"prover {names[quote.prover]}, epoch {quote.epoch}, fee {quote.basis_point_fee}"

    def _signatures(self, quote: Quote, recovered: int, slot: int) -> list[tuple[str, Signature]]:
        if recovered:
            digest = self._signing.take_digest(quote, slot)
            return [(f"signed by {self._names[recovered]}", sign(self._keys[recovered], digest))]
        known = set(self._addresses.values()) - {NOBODY}
        digest = self._signing.take_digest(quote, slot)
        return [each for each in self._nobodys(quote, slot) if recover(digest, each[1]) not in known]

    def _nobodys(self, quote: Quote, slot: int) -> Iterable[tuple[str, Signature]]:
        """Signatures of the slot's proposer, or of anybody if it has none, that should not count as its take."""
        key = self._keys[int(self._world.schedule[Slot(slot)]) or min(self._keys)]
        here, version, here_id = self._signing, self._world.design.version, self.deployment.chain_id
        take = sign(key, here.take_digest(quote, slot))
        s = int.from_bytes(take.s, "big")
        assert s <= HALF_ORDER
        yield "no signature", Signature(0, bytes(32), bytes(32))
        yield "the upper half of s", Signature(55 - take.v, take.r, (ORDER - s).to_bytes(32, "big"))
        yield "v of 0 or 1", Signature(take.v - 27, take.r, take.s)
        yield "r of zero", Signature(take.v, bytes(32), take.s)
        yield "s of zero", Signature(take.v, take.r, bytes(32))
        yield "a make", sign(key, here.make_digest(quote))
        yield "a take for the next slot", sign(key, here.take_digest(quote, slot + 1))
        yield "a take of another fee", sign(key, here.take_digest(quote._replace(basis_point_fee=1), slot))
        yield "a take of another epoch", sign(key, here.take_digest(quote._replace(epoch=quote.epoch + 1), slot))
        yield "a take of another prover", sign(key, here.take_digest(quote._replace(prover=ELSEWHERE), slot))
        for what, chain_id, rollup in (
            ("a take for another chain", here_id + 1, self.deployment.rollup),
            ("a take for another rollup", here_id, ELSEWHERE),
        ):
            yield what, sign(key, signing(version, chain_id, rollup).take_digest(quote, slot))

    def expected(self, before: Valuation, step: Step) -> Expected:
        if step.error is not None:
            return Expected(self._revert(before, step))
        return Expected(None, tuple(self._log(event) for event in step.events))

    def _revert(self, before: Valuation, step: Step) -> bytes:
        """The revert data: the error of the specification's name, with what its parameters are called by."""
        assert step.error is not None
        labels = self._oracle.machine.action(step.action).labels()
        given = dict(zip(labels, step.arguments, strict=True))
        caller = self._addresses[given["caller"]]
        if step.rule == "TST":
            balance = before.entry("balance", (given["caller"],))
            return self._token.error(step.error, caller, balance, given["amount"])
        facts: dict[str, Any] = {
            "slot": before["now"],
            "caller": caller,
            "proposer": self._addresses[self._world.schedule[before["now"]]],
            "prover": self._addresses[given.get("quote.prover", 0)],
            "epoch": given.get("epoch", given.get("quote.epoch")),
            "basisPointFee": given.get("quote.basis_point_fee"),
            "bond": self._world.bond,
        }
        return self._artifact.error(
            step.error, *(facts[name] for name in self._artifact.parameters("error", step.error))
        )

    def _log(self, event: Event) -> Log:
        fields = dict(event.fields)
        addresses = {name: self._addresses[value] for name, value in fields.items() if name in _ADDRESSES}
        values = {_camel_case(name): value for name, value in (fields | addresses).items()}
        names = self._artifact.parameters("event", event.name)
        topics, data = self._artifact.event(event.name, *(values[name] for name in names))
        return Log(self.deployment.rollup, topics, data)

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        rollup, token = self._layouts
        claims = {epoch: self._claim(state, epoch) for epoch in self._instance.domain(Epoch)}
        balances = {self._addresses[account]: state.entry("balance", (account,)) for account in self._names}
        holders = [*balances, address_of(development_key(SPONSOR))]
        return {
            self.deployment.rollup: rollup.words({"rewardPool": state["reward_pool"], "_claims": claims}),
            self.deployment.token: token.words(
                {
                    "_balances": balances | {self.deployment.rollup: state["held"]},
                    "_allowances": {holder: {self.deployment.rollup: UNLIMITED} for holder in holders},
                    "_totalSupply": self._world.supply,
                    "_name": "Test Token",
                    "_symbol": "TST",
                }
            ),
        }

    def _claim(self, state: Valuation, epoch: int) -> dict[str, Any]:
        return {
            "prover": self._addresses[state.entry("claim_prover", (epoch,))],
            "basisPointFee": state.entry("claim_fee", (epoch,)),
            "status": state.entry("status", (epoch,)),
            "proposer": self._addresses[state.entry("claim_proposer", (epoch,))],
            "slot": state.entry("claim_slot", (epoch,)),
        }

    def views(self, state: Valuation) -> Sequence[View]:
        world, now = self._world, Slot(state["now"])
        views = [
            self._view("currentSlot", [], "uint256", now),
            self._view("currentEpoch", [], "uint256", world.epoch(now)),
            self._view("isInClaimPhase", [], "bool", world.is_in_claim_phase(now)),
            self._view("currentProposer", [], "address", self._addresses[world.schedule[now]]),
            self._view("rewardPool", [], "uint256", state["reward_pool"]),
        ]
        prune = self._oracle.machine.action("prune")
        for epoch in self._instance.domain(Epoch):
            step = self._oracle.run(state, prune, (min(self._names), epoch))
            assert step is not None
            views.append(self._view("isPrunable", [epoch], "bool", step.error is None))
            claim = tuple(self._claim(state, epoch).values())
            views.append(self._view("claimOf", [epoch], "(address,uint32,uint8,address,uint96)", claim))
        return [*views, *self._constants]

    @cached_property
    def _constants(self) -> list[View]:
        """What no state changes: the parameters, what stands around the contract, and the digests."""
        quote = Quote(self._addresses[min(self._names)], 7, 2_500)
        there, given = self.deployment, self.parameters
        return [
            self._view("version", [], "string", self._world.design.version),
            self._view("makeDigest", quote, "bytes32", self._signing.make_digest(quote)),
            self._view("takeDigest", [*quote, 3], "bytes32", self._signing.take_digest(quote, 3)),
            self._view("token", [], "address", there.token),
            self._view("schedule", [], "address", there.schedule),
            self._view("verifier", [], "address", there.verifier),
            self._view("genesisTime", [], "uint256", given.genesis_time),
            self._view("slotDuration", [], "uint256", given.slot_duration),
            self._view("slotsPerEpoch", [], "uint256", given.slots_per_epoch),
            self._view("claimSlots", [], "uint256", given.claim_slots),
            self._view("proofSlots", [], "uint256", given.proof_slots),
            self._view("bond", [], "uint256", given.bond),
            self._view("rewardPerEpoch", [], "uint256", given.reward_per_epoch),
        ]

    def _view(self, name: str, arguments: Sequence[Any], kind: str, value: Any) -> View:
        text = f"{name}({', '.join(map(str, arguments))})"
        data = self._artifact.call(name, *arguments)
        return View(Message(ELSEWHERE, self.deployment.rollup, data, text), encode([kind], [value]))


_ADDRESSES = frozenset({"prover", "proposer", "caller"})  # the fields of events that are accounts


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


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
    return [
        ("nothing", b""),
        ("a proof cut short", proof[:-1]),
        ("a proof and a byte more", proof + b"\0"),
        ("32 bytes that prove nothing", find_proof(epoch, valid=False)),
    ]
