"""What the rollup must answer, log, store and tell, by a state and a step of the specification.

Amounts are as many units of TST, slots and epochs are themselves, and `address` says where an account lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from eth_abi.abi import encode

from coordination.chain.abi import SOLIDITY_ERRORS
from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.chain import Log
from coordination.chain.deployment import Deployment
from coordination.chain.quote import Address, Quote
from coordination.chain.signing import signing
from coordination.chain.storage import StorageLayout, Words
from coordination.conform.adapter import Expected, Message, View
from coordination.conform.rollup.setup import SPONSOR, UNLIMITED, Setup
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Event, Step, Valuation
from coordination_spec.words import PANIC, Epoch, Slot
from coordination_spec.world import World

ELSEWHERE = address_of(development_key("another rollup"))  # an address that nothing was deployed at
_PANIC = next(error for error in SOLIDITY_ERRORS if error.name == PANIC)
_OVERFLOW = 0x11  # the panic of checked arithmetic
_ADDRESSES = frozenset({"prover", "proposer", "caller"})  # the fields of events that are accounts


class Answers:
    """The specification's side of one deployed rollup, in bytes."""

    def __init__(
        self, oracle: Oracle, rollup: Artifact, setup: Setup, there: Deployment, address: Callable[[int], Address]
    ) -> None:
        self.oracle, self._rollup, self._token = oracle, rollup, shipped("TestToken")
        self._world: World = oracle.instance.constants
        self.setup, self.there, self._address = setup, there, address
        self.signing = signing(there.version, there.chain_id, there.rollup)
        self.contracts = {there.rollup: rollup.name, there.token: "TST"}
        self.speakers = frozenset({there.rollup})
        self.artifacts = (rollup, self._token)
        self.holders = {*setup.holdings, SPONSOR}  # who lets the rollup take TST without limit
        self._layouts = StorageLayout(rollup), StorageLayout(self._token)

    def expected(self, before: Valuation, step: Step) -> Expected:
        """How the messages of `step`, taken in `before`, must be answered; revert data in full."""
        if step.error is not None:
            return Expected(self._revert(before, step), in_full=True)
        return Expected(None, tuple(self._log(event) for event in step.events))

    def _revert(self, before: Valuation, step: Step) -> bytes:
        """The error of the specification's name, with what its parameters are called by."""
        assert step.error is not None
        if step.error == PANIC:
            return _PANIC.encode(_OVERFLOW)
        labels = self.oracle.machine.action(step.action).labels()
        given = dict(zip(labels, step.arguments, strict=True))
        caller = self._address(given["caller"])
        if step.rule == "TST":
            balance = before.entry("balance", (given["caller"],))
            return self._token.error(step.error, caller, balance, given["amount"])
        facts: dict[str, Any] = {
            "slot": before["now"],
            "caller": caller,
            "proposer": self._address(self._world.schedule[Slot(before["now"])]),
            "prover": self._address(given.get("quote.prover", 0)),
            "epoch": given.get("epoch", given.get("quote.epoch")),
            "basisPointFee": given.get("quote.basis_point_fee"),
            "bond": self._world.bond,
        }
        return self._rollup.error(step.error, *(facts[name] for name in self._rollup.parameters("error", step.error)))

    def _log(self, event: Event) -> Log:
        fields = dict(event.fields)
        addresses = {name: self._address(value) for name, value in fields.items() if name in _ADDRESSES}
        values = {_camel_case(name): value for name, value in (fields | addresses).items()}
        names = self._rollup.parameters("event", event.name)
        topics, data = self._rollup.event(event.name, *(values[name] for name in names))
        return Log(self.there.rollup, topics, data)

    def storage(self, state: Valuation) -> Mapping[Address, Words]:
        """All that the contracts store in `state`."""
        rollup, token = self._layouts
        claims = {epoch: self._claim(state, epoch) for epoch in self.oracle.instance.domain(Epoch)}
        balances = {self._address(account): amount for (account,), amount in state["balance"].items()}
        return {
            self.there.rollup: rollup.words({"rewardPool": state["reward_pool"], "_claims": claims}),
            self.there.token: token.words(
                {
                    "_balances": dict.fromkeys(self.holders, 0) | balances | {self.there.rollup: state["held"]},
                    "_allowances": {holder: {self.there.rollup: UNLIMITED} for holder in self.holders},
                    "_totalSupply": self._world.supply,
                    "_name": "Test Token",
                    "_symbol": "TST",
                }
            ),
        }

    def _claim(self, state: Valuation, epoch: int) -> dict[str, Any]:
        return {
            "prover": self._address(state.entry("claim_prover", (epoch,))),
            "basisPointFee": state.entry("claim_fee", (epoch,)),
            "status": state.entry("status", (epoch,)),
            "proposer": self._address(state.entry("claim_proposer", (epoch,))),
            "slot": state.entry("claim_slot", (epoch,)),
        }

    def views(self, state: Valuation, epochs: Iterable[int]) -> Sequence[View]:
        """What the rollup must tell of `state`, and of `epochs` in it."""
        world, now = self._world, Slot(state["now"])
        views = [
            self._view("currentSlot", [], "uint256", now),
            self._view("currentEpoch", [], "uint256", world.epoch(now)),
            self._view("isInClaimPhase", [], "bool", world.is_in_claim_phase(now)),
            self._view("currentProposer", [], "address", self._address(world.schedule[now])),
            self._view("rewardPool", [], "uint256", state["reward_pool"]),
        ]
        prune = self.oracle.machine.action("prune")
        for epoch in epochs:
            step = self.oracle.run(state, prune, (1, epoch))
            assert step is not None, "anybody may prune"
            views.append(self._view("isPrunable", [epoch], "bool", step.error is None))
            claim = tuple(self._claim(state, epoch).values())
            views.append(self._view("claimOf", [epoch], "(address,uint32,uint8,address,uint96)", claim))
        return views

    @cached_property
    def constants(self) -> Sequence[View]:
        """What no state changes: the parameters, what stands around the contract, and the digests."""
        quote = Quote(SPONSOR, 7, 2_500)
        there, given = self.there, self.there.parameters
        return [
            self._view("version", [], "string", there.version),
            self._view("makeDigest", quote, "bytes32", self.signing.make_digest(quote)),
            self._view("takeDigest", [*quote, 3], "bytes32", self.signing.take_digest(quote, 3)),
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
        data = self._rollup.call(name, *arguments)
        return View(Message(ELSEWHERE, self.there.rollup, data, text), encode([kind], [value]))


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
