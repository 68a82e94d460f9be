"""The rollup on an EVM in this process, with a few accounts who know how to talk to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import collapse_if_tuple

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.chain import Answer
from coordination.chain.deployment import ROLLUPS, Parameters, deploy_development, find_proof
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY, Address, Quote, Signature
from coordination.chain.signing import sign, signing

KEYS = {name: development_key(name) for name in ("alice", "bob", "mallory")}
ALICE, BOB, MALLORY = (address_of(key) for key in KEYS.values())
PROPOSERS = (BOB,) * 30 + (NOBODY,)  # slot by slot; nobody proposes in slot 30, nor in any slot after it

FORTUNE = 10_000
UNLIMITED = 2**256 - 1
PARAMETERS = Parameters(
    genesis_time=1_000,
    slot_duration=12,
    slots_per_epoch=4,
    claim_slots=2,
    proof_slots=2,
    bond=1_000,
    reward_per_epoch=301,
)


class Stage:
    """Alice proves, bob proposes in the first slots, mallory does what she likes; all have approved the rollup."""

    def __init__(
        self,
        version: str,
        token: Artifact | None = None,
        parameters: Parameters = PARAMETERS,
        fortune: Mapping[Address, int] | None = None,
    ) -> None:
        self.version, self.parameters = version, parameters
        self.evm, self.contract, self.token = Evm(), shipped(ROLLUPS[version]), token or shipped("TestToken")
        owned = fortune or dict.fromkeys((ALICE, BOB, MALLORY), FORTUNE)
        self.deployment = deploy_development(
            self.evm.deploy,
            version=version,
            chain_id=self.evm.chain_id,
            parameters=parameters,
            token=self.token.creation(list(owned), list(owned.values())),
            schedule=shipped("FixedSchedule").creation(PROPOSERS),
        )
        self.rollup = self.deployment.rollup
        self.signing = signing(version, self.evm.chain_id, self.rollup)
        for holder in owned:
            self.approve(holder, UNLIMITED)
        self.at(0)

    def at(self, slot: int) -> None:
        self.slot = slot
        self.evm.at(self.parameters.timestamp(slot))

    def claim_call(self, quote: Quote, signature: Signature | None = None) -> bytes:
        """The calldata of a claim, with bob's take for this slot unless another signature is given."""
        signature = signature or sign(KEYS["bob"], self.signing.take_digest(quote, self.slot))
        return self.contract.call("claimProofRight", quote.signed(signature))

    def claim(self, epoch: int = 0, fee: int = 2_500, signature: Signature | None = None) -> Answer:
        """Alice's claim."""
        return self.send(ALICE, self.claim_call(Quote(ALICE, epoch, fee), signature))

    def submit(self, epoch: int = 0, *, valid: bool = True) -> Answer:
        return self.send(ALICE, self.contract.call("submitEpochProof", epoch, find_proof(epoch, valid=valid)))

    def prune(self, epoch: int = 0) -> Answer:
        return self.send(MALLORY, self.contract.call("prune", epoch))

    def fund(self, amount: int, by: Address = MALLORY) -> Answer:
        return self.send(by, self.contract.call("fundRewards", amount))

    def send(self, caller: Address, data: bytes) -> Answer:
        return self.evm.call(caller, self.rollup, data)

    def approve(self, holder: Address, amount: int) -> None:
        self.tell_token("approve", self.rollup, amount, by=holder)

    def tell_token(self, function: str, *arguments: Any, by: Address = MALLORY) -> None:
        """A call of the token, which it accepts."""
        assert self.evm.call(by, self.deployment.token, self.token.call(function, *arguments)).succeeded

    def rejected(self, error: str, *arguments: Any) -> Answer:
        """The answer to a call that the rollup rejects with this error."""
        return Answer(False, self.contract.error(error, *arguments))

    def ask(self, view: str, *arguments: Any) -> Any:
        return ask(self.evm, self.contract, self.rollup, view, *arguments)

    def ask_token(self, view: str, *arguments: Any) -> Any:
        return ask(self.evm, self.token, self.deployment.token, view, *arguments)

    def balances(self) -> dict[str, int]:
        holders = {"alice": ALICE, "bob": BOB, "mallory": MALLORY, "rollup": self.rollup}
        return {name: self.ask_token("balanceOf", holder) for name, holder in holders.items()}

    def storage(self) -> tuple[dict[int, int], dict[int, int]]:
        """All that the rollup and the token store."""
        return self.evm.whole_storage(self.rollup), self.evm.whole_storage(self.deployment.token)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever is called inside changes nothing, at the rollup or the token."""
        before = self.storage()
        yield
        assert self.storage() == before


def ask(evm: Evm, contract: Artifact, at: Address, view: str, *arguments: Any) -> Any:
    """What a view answers, decoded; a lone value by itself."""
    answer = evm.call(MALLORY, at, contract.call(view, *arguments))
    assert answer.succeeded
    entry = next(entry for entry in contract.abi if entry.get("name") == view)
    values = decode([collapse_if_tuple(each) for each in entry["outputs"]], answer.output)
    return values[0] if len(values) == 1 else values
