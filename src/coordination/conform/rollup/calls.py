"""The messages that stand for calls of the specification: a method for each action, called as the action is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.deployment import Deployment
from coordination.chain.quote import NOBODY, Address, Quote, Signature
from coordination.conform.adapter import Message


class Calls:
    """Calls on one deployed rollup. What is signed or proven comes with a few words on how it was made."""

    def __init__(self, rollup: Artifact, there: Deployment, names: Mapping[Address, str]) -> None:
        self._rollup, self._token, self._there, self._names = rollup, shipped("TestToken"), there, names

    def claim_proof_right(
        self, caller: Address, prover: Address, epoch: int, fee: int, shown: tuple[str, Signature]
    ) -> Message:
        how, signature = shown
        text = f"claimProofRight(prover {self._name(prover)}, epoch {epoch}, fee {fee}, {how})"
        return self._message(caller, text, "claimProofRight", Quote(prover, epoch, fee).signed(signature))

    def submit_epoch_proof(self, caller: Address, epoch: int, shown: tuple[str, bytes]) -> Message:
        how, proof = shown
        return self._message(caller, f"submitEpochProof({epoch}, {how})", "submitEpochProof", epoch, proof)

    def prune(self, caller: Address, epoch: int) -> Message:
        return self._message(caller, f"prune({epoch})", "prune", epoch)

    def fund_rewards(self, caller: Address, amount: int) -> Message:
        return self._message(caller, f"fundRewards({amount})", "fundRewards", amount)

    def give_tokens(self, caller: Address, amount: int) -> Message:
        data = self._token.call("transfer", self._there.rollup, amount)
        return Message(caller, self._there.token, data, f"TST.transfer(rollup, {amount})")

    def _message(self, caller: Address, text: str, function: str, *arguments: Any) -> Message:
        return Message(caller, self._there.rollup, self._rollup.call(function, *arguments), text)

    def _name(self, address: Address) -> str:
        """What an address is called: its account's name, or itself."""
        return self._names.get(address, "nobody" if address == NOBODY else address)
