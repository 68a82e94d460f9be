"""The mapping between the specification, design 0.2.0, and `EpochAuction.sol`. `docs/adapters.md` goes through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from eth_abi.abi import encode
from eth_account import Account as Signer

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.chain import Chain, Log
from coordination.chain.deployment import DIFFICULTY
from coordination.chain.quote import NOBODY, Address
from coordination.chain.signing import ORDER
from coordination.chain.storage import StorageLayout, Words
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.rollup.adapter import proofs
from coordination.machine.action import Arguments
from coordination.machine.machine import Instance, Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Event, Step, Valuation
from coordination_spec.words import Account, Epoch, Slot
from coordination_spec.world import World

GENESIS, SLOT_TIME = 1_726_000_000, 12  # in seconds
UNLIMITED = 2**256 - 1
SPONSOR = address_of(development_key("sponsor"))  # pays the first rewards in
STRANGER = address_of(development_key("stranger"))  # nobody of the instance

Offer = tuple[Address, int, int]  # who proves which epoch for how many basis points
OFFER = (("prover", "address"), ("epoch", "uint256"), ("fee", "uint32"))
SIGNED = {"Bid": OFFER, "Award": (*OFFER, ("slot", "uint256"))}

REASONS = {
    "C1": "not in the claim phase",
    "C2": "not open",
    "C3": "not awarded",
    "C4": "not the prover",
    "C5": "not the previous epoch",
    "C6": "fee too high",
    "F1": "not claimed",
    "F2": "too late",
    "F3": "not a proof",
    "X1": "not over",
}


class EpochAuctionAdapter:
    """Deploys the auction with an instance's constants, plain TST, and the development schedule and verifier."""

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
        self._artifact, self._erc20 = artifact, shipped("TestToken")
        self._world: World = instance.constants
        self._oracle, self._prune = Oracle(machine, instance), machine.action("prune")
        self._epochs = instance.domain(Epoch)
        self._names = {account: instance.show(Account, account) for account in instance.domain(Account)}
        self._keys = {account: development_key(name) for account, name in self._names.items()}
        self._addresses = {0: NOBODY} | {account: address_of(key) for account, key in self._keys.items()}
        self._chain_id = chain.chain_id
        self._deploy(chain, self._oracle.initial())
        self.contracts = {self._auction: "EpochAuction", self._token: "TST"}
        self.speakers = frozenset({self._auction})
        self.artifacts = (artifact, self._erc20)

    def _deploy(self, chain: Chain, initial: Valuation) -> None:
        world = self._world
        owned = {self._addresses[account]: initial.entry("balance", (account,)) for account in self._names}
        owned[SPONSOR] = initial["reward_pool"]
        proposers = [self._addresses[world.schedule[Slot(slot)]] for slot in range(world.last_slot + 1)]
        durations = SLOT_TIME, world.slots_per_epoch, world.claim_slots, world.proof_slots
        terms = (GENESIS, *durations, world.bond, world.reward_per_epoch)
        self._token = chain.deploy(self._erc20.creation(list(owned), list(owned.values())))
        schedule = chain.deploy(shipped("FixedSchedule").creation(proposers))
        verifier = chain.deploy(shipped("WorkVerifier").creation(DIFFICULTY))
        self._auction = chain.deploy(self._artifact.creation(self._token, schedule, verifier, terms))
        for holder in owned:
            chain.call(holder, self._token, self._erc20.call("approve", self._auction, UNLIMITED))
        chain.call(SPONSOR, self._auction, self._artifact.call("topUp", initial["reward_pool"]))

    def timestamps(self, slot: int) -> Sequence[int]:
        """The first second and the last; what is before genesis is slot 0 too."""
        first = GENESIS + slot * SLOT_TIME
        last = first + SLOT_TIME - 1
        return (first, last) if slot else (first, last, 1)

    @cache  # noqa: B019 - an adapter lives as long as its run
    def messages(self, action: str, arguments: Arguments, slot: int) -> Sequence[Message]:
        caller = self._addresses[arguments[0]]
        if action == "claim_proof_right":
            _, prover, epoch, fee, recovered = arguments
            offer = self._addresses[prover], epoch, fee
            text = f"claim({self._names[prover]}, {epoch}, {fee}, "
            return [
                self._message(caller, f"{text}{how})", "claim", *offer, signature)
                for how, signature in self._signatures(offer, recovered, slot)
            ]
        if action == "submit_epoch_proof":
            _, epoch, valid = arguments
            shown = proofs(epoch, bool(valid))
            return [self._message(caller, f"settle({epoch}, {how})", "settle", epoch, proof) for how, proof in shown]
        if action == "prune":
            return [self._message(caller, f"expire({arguments[1]})", "expire", arguments[1])]
        if action == "fund_rewards":
            return [self._message(caller, f"topUp({arguments[1]})", "topUp", arguments[1])]
        data = self._erc20.call("transfer", self._auction, arguments[1])
        return [Message(caller, self._token, data, f"TST.transfer(auction, {arguments[1]})")]

    def _message(self, caller: Address, text: str, function: str, *values: int | str | bytes) -> Message:
        return Message(caller, self._auction, self._artifact.call(function, *values), text)

    def _signatures(self, offer: Offer, recovered: int, slot: int) -> Sequence[tuple[str, bytes]]:
        """An award by an account; or what the key of the slot's sequencer can make that is none."""
        if recovered:
            return [(f"awarded by {self._names[recovered]}", self._sign(recovered, "Award", *offer, slot))]
        sequencer = self._world.schedule[Slot(slot)] or min(self._names)
        prover, epoch, fee = offer
        award = self._sign(sequencer, "Award", *offer, slot)
        s, v = int.from_bytes(award[32:64], "big"), award[64]
        return [
            ("no signature", b""),
            ("an award cut short", award[:64]),
            ("an award and a byte more", award + b"\0"),
            ("an award with v of 0 or 1", award[:64] + bytes([v - 27])),
            ("an award with the upper half of s", award[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])),
            ("a bid", self._sign(sequencer, "Bid", *offer)),
            ("an award of another prover", self._sign(sequencer, "Award", STRANGER, epoch, fee, slot)),
            ("an award of another epoch", self._sign(sequencer, "Award", prover, epoch + 1, fee, slot)),
            ("an award of another fee", self._sign(sequencer, "Award", prover, epoch, fee + 1, slot)),
            ("an award for another slot", self._sign(sequencer, "Award", *offer, slot + 1)),
            ("an award by another auction", self._sign(sequencer, "Award", *offer, slot, auction=STRANGER)),
        ]

    def _sign(self, account: int, kind: str, *values: object, auction: Address | None = None) -> bytes:
        """r, s and v of an account's signature over EIP-712 typed data, in this auction's domain or in another's."""
        domain = {
            "name": "EpochAuction",
            "version": "1",
            "chainId": self._chain_id,
            "verifyingContract": auction or self._auction,
        }
        fields = [{"name": name, "type": sort} for name, sort in SIGNED[kind]]
        message = {name: value for (name, _), value in zip(SIGNED[kind], values, strict=True)}
        key = self._keys[account].to_bytes()
        return bytes(Signer.sign_typed_data(key, domain, {kind: fields}, message).signature)

    def expected(self, before: Valuation, step: Step) -> Expected:
        """Each rule has its reason; only that an account owns too little is said by the token."""
        if step.error is None:
            return Expected(None, tuple(self._log(event, step.state) for event in step.events))
        if step.rule in ("C7", "TST"):
            caller = step.arguments[0]
            needed = self._world.bond if step.rule == "C7" else step.arguments[1]
            owned = before.entry("balance", (caller,))
            return Expected(self._erc20.error("ERC20InsufficientBalance", self._addresses[caller], owned, needed))
        reason = f"EpochAuction: {REASONS[str(step.rule)]}"
        return Expected(bytes.fromhex("08c379a0") + encode(["string"], [reason]))  # Error(string)

    def _log(self, event: Event, after: Valuation) -> Log:
        fields = dict(event.fields)
        if event.name == "RewardsFunded":
            return self._emitted("ToppedUp", after["reward_pool"])
        epoch = fields["epoch"]
        if event.name == "EpochPruned":
            return self._emitted("Expired", epoch)
        if event.name == "EpochProven":
            return self._emitted("Settled", epoch, self._world.bond + fields["prover_share"], fields["proposer_share"])
        prover, sequencer = self._addresses[fields["prover"]], self._addresses[fields["proposer"]]
        return self._emitted(
            "Claimed", epoch, prover, sequencer, fields["basis_point_fee"], self._deadline(after, epoch)
        )

    def _emitted(self, event: str, *values: int | str) -> Log:
        return Log(self._auction, *self._artifact.event(event, *values))

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        owned = {self._addresses[account]: state.entry("balance", (account,)) for account in self._names}
        stages = (state.entry("status", (epoch,)) << 2 * epoch for epoch in self._epochs)
        auction = {
            "pool": state["reward_pool"],
            "proverOf": {epoch: self._addresses[state.entry("claim_prover", (epoch,))] for epoch in self._epochs},
            "sequencerOf": {epoch: self._addresses[state.entry("claim_proposer", (epoch,))] for epoch in self._epochs},
            "feeOf": {epoch: state.entry("claim_fee", (epoch,)) for epoch in self._epochs},
            "deadlineOf": {epoch: self._deadline(state, epoch) for epoch in self._epochs},
            "_stages": {0: sum(stages)},  # no instance has more than 128 epochs
        }
        token = {
            "_balances": {**owned, self._auction: state["held"]},
            "_allowances": {holder: {self._auction: UNLIMITED} for holder in (*owned, SPONSOR)},
            "_totalSupply": self._world.supply,
            "_name": "Test Token",
            "_symbol": "TST",
        }
        return {
            self._auction: StorageLayout(self._artifact).words(auction),
            self._token: StorageLayout(self._erc20).words(token),
        }

    def _deadline(self, state: Valuation, epoch: int) -> int:
        """The first moment at which a claimed epoch can no longer be proven; 0 if it was never claimed."""
        slot = state.entry("claim_slot", (epoch,))
        return GENESIS + (slot + self._world.proof_slots) * SLOT_TIME if slot else 0

    def views(self, state: Valuation) -> Sequence[View]:
        views = [self._view("currentSlot", state["now"]), self._view("pool", state["reward_pool"])]
        for epoch in self._epochs:
            pruned = self._oracle.run(state, self._prune, (min(self._names), epoch))
            assert pruned is not None, "anybody may prune"
            views.append(self._view("canExpire", pruned.error is None, epoch))
            views.append(self._view("stageOf", state.entry("status", (epoch,)), epoch))
            views.append(self._view("deadlineOf", self._deadline(state, epoch), epoch))
        return views

    def _view(self, function: str, returns: int, *values: int) -> View:
        """A question whose answer is a number in one word."""
        text = f"{function}({', '.join(map(str, values))})"
        return View(self._message(STRANGER, text, function, *values), encode(["uint256"], [int(returns)]))
