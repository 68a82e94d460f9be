"""A deployed rollup over web3: what it tells, what can be sent to it, and what it answers, in types.

    rollup = Rollup(web3, address)
    rollup.claim_of(7).status                          # Status.OPEN
    transaction = rollup.claim_proof_right(quote, signature)
    web3.eth.send_transaction({**transaction, "from": prover})

Both designs are called alike: `version()` says which one it is, and so what has to be signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.types import LogReceipt, TxParams

from coordination.chain.abi import SOLIDITY_ERRORS, Entry
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import Parameters
from coordination.chain.quote import Address, Claim, Quote, Signature, Status

_CONTRACT = shipped("HardenedProverCoordination")  # has all that the other design has
_DECLARED = (Entry.of(each) for each in (*_CONTRACT.abi, *shipped("TestToken").abi) if each["type"] == "error")
_ERRORS = {error.selector: error for error in (*SOLIDITY_ERRORS, *_DECLARED)}


class ProofRightClaimed(NamedTuple):
    epoch: int
    prover: Address
    proposer: Address
    basis_point_fee: int


class EpochProven(NamedTuple):
    epoch: int
    prover_share: int
    proposer_share: int


class EpochPruned(NamedTuple):
    epoch: int
    slashed: int


class RewardsFunded(NamedTuple):
    caller: Address
    amount: int


Event = ProofRightClaimed | EpochProven | EpochPruned | RewardsFunded
_EVENTS = {kind.__name__: kind for kind in (ProofRightClaimed, EpochProven, EpochPruned, RewardsFunded)}


@dataclass(frozen=True)
class Rejection:
    """A custom error: its name, which the specification and the node share, and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]


def decode_error(data: bytes) -> Rejection | None:
    """What revert data says: an error of the rollup, of its token, or Solidity's own; None if it is none of these."""
    error = _ERRORS.get(data[:4])
    if error is None:
        return None
    try:
        values = zip(error.types, decode(error.types, data[4:]), strict=True)
    except DecodingError:
        return None
    typed = (to_checksum_address(value) if kind == "address" else value for kind, value in values)
    return Rejection(error.name, dict(zip(error.parameters, typed, strict=True)))


class Rollup:
    """The rollup at `address`. Views tell of the last block; they raise web3's exceptions.

    What is to be sent comes as a transaction with recipient and data; sender, gas and fees are the sender's to add.
    """

    def __init__(self, web3: Web3, address: Address) -> None:
        self.address = address
        self._contract = web3.eth.contract(address, abi=_CONTRACT.abi)
        events = (self._contract.events[name]() for name in _EVENTS)
        self._events = {HexBytes(event.topic): event for event in events}

    def version(self) -> str:
        """The design, which says what a signature signs."""
        return str(self._view("version"))

    def parameters(self) -> Parameters:
        """What the rollup was deployed with, forever."""
        return Parameters(
            genesis_time=self._view("genesisTime"),
            slot_duration=self._view("slotDuration"),
            slots_per_epoch=self._view("slotsPerEpoch"),
            claim_slots=self._view("claimSlots"),
            proof_slots=self._view("proofSlots"),
            bond=self._view("bond"),
            reward_per_epoch=self._view("rewardPerEpoch"),
        )

    def token(self) -> Address:
        """TST, which bonds and rewards are paid in."""
        return Address(self._view("token"))

    def schedule(self) -> Address:
        """The contract that says who proposes."""
        return Address(self._view("schedule"))

    def verifier(self) -> Address:
        """The contract that says what a proof is."""
        return Address(self._view("verifier"))

    def current_slot(self) -> int:
        """0 before genesis."""
        return int(self._view("currentSlot"))

    def current_epoch(self) -> int:
        return int(self._view("currentEpoch"))

    def is_in_claim_phase(self) -> bool:
        """Whether the right to prove the previous epoch can be claimed."""
        return bool(self._view("isInClaimPhase"))

    def current_proposer(self) -> Address:
        """NOBODY in a slot without a proposer."""
        return Address(self._view("currentProposer"))

    def claim_of(self, epoch: int) -> Claim:
        prover, fee, status, proposer, slot = self._view("claimOf", epoch)
        return Claim(Address(prover), fee, Status(status), Address(proposer), slot)

    def is_prunable(self, epoch: int) -> bool:
        """Whether `prune(epoch)` would be accepted."""
        return bool(self._view("isPrunable", epoch))

    def reward_pool(self) -> int:
        """TST that rewards are paid from; bonds are not in it."""
        return int(self._view("rewardPool"))

    def make_digest(self, quote: Quote) -> bytes:
        """What a prover signs to offer `quote`."""
        return bytes(self._view("makeDigest", *quote))

    def take_digest(self, quote: Quote, slot: int) -> bytes:
        """What the proposer of `slot` signs to take `quote`."""
        return bytes(self._view("takeDigest", *quote, slot))

    def claim_proof_right(self, quote: Quote, signature: Signature) -> TxParams:
        """To be sent by the quote's prover, with the signature of this slot's proposer."""
        return self._transaction("claimProofRight", quote.signed(signature))

    def submit_epoch_proof(self, epoch: int, proof: bytes) -> TxParams:
        return self._transaction("submitEpochProof", epoch, proof)

    def prune(self, epoch: int) -> TxParams:
        return self._transaction("prune", epoch)

    def fund_rewards(self, amount: int) -> TxParams:
        """Moves `amount` of the sender's TST, which it has approved before."""
        return self._transaction("fundRewards", amount)

    def events(self, logs: Iterable[LogReceipt]) -> Iterator[Event]:
        """What this rollup announced in `logs`: those of a receipt, or of `eth_getLogs`."""
        for log in logs:
            event = self._events.get(log["topics"][0]) if log["topics"] else None
            if event is not None and log["address"] == self.address:
                arguments = event.process_log(log)["args"]
                yield _EVENTS[event.event_name](*(arguments[each["name"]] for each in event.abi["inputs"]))

    def _view(self, name: str, *arguments: Any) -> Any:
        return self._contract.functions[name](*arguments).call()

    def _transaction(self, name: str, *arguments: Any) -> TxParams:
        return {"to": self.address, "data": _CONTRACT.call(name, *arguments)}
