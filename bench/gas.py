"""What each call of the rollup costs, by outcome: the gas on the receipts of a chain, refused transactions included.

    python -m bench.gas     # measures both designs on anvil, and renews contracts/gas.json

Each figure is of a whole transaction with the shipped token, and the development verifier and schedule; what a real
verifier asks for comes on top.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from hexbytes import HexBytes
from web3.types import TxParams

from bench.measuring import Failed
from coordination.chain.accounts import address_of, development_key
from coordination.chain.anvil import anvil
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS, Parameters, deploy_development, find_proof
from coordination.chain.errors import ChainError
from coordination.chain.quote import Quote
from coordination.chain.rollup import Rollup, decode_error
from coordination.chain.rpc import RpcChain
from coordination.chain.signing import sign, signing

PINNED = Path(__file__).parents[1] / "contracts" / "gas.json"

TST = 10**18
PARAMETERS = Parameters(
    genesis_time=1_000,
    slot_duration=12,
    slots_per_epoch=32,
    claim_slots=16,
    proof_slots=16,
    bond=1_000 * TST,
    reward_per_epoch=800 * TST,
)
FEE = 1_000  # basis points

KEYS = {name: development_key(name) for name in ("prover", "frugal prover", "proposer", "sponsor", "pauper")}
ADDRESSES = {name: address_of(key) for name, key in KEYS.items()}
FORTUNES = {"prover": 10_000 * TST, "frugal prover": 1_000 * TST, "sponsor": 10_000 * TST}

Table = Mapping[str, Mapping[str, int]]  # gas, by function and outcome


class Measured:
    """A rollup of one design, and what calls have cost so far.

    A call's `outcome` is the name of an error, or "accepted" with what there is to say about it.
    """

    def __init__(self, version: str, url: str) -> None:
        self.gas: dict[str, dict[str, int]] = {}
        self._chain = RpcChain(url, {ADDRESSES[name]: key for name, key in KEYS.items()})
        token = shipped("TestToken")
        deployment = deploy_development(
            self._chain.deploy,
            version=version,
            chain_id=self._chain.chain_id,
            parameters=PARAMETERS,
            token=token.creation([ADDRESSES[name] for name in FORTUNES], list(FORTUNES.values())),
            schedule=shipped("ValidatorSet").creation(bytes(32), [ADDRESSES["proposer"]]),
        )
        self._rollup = Rollup(self._chain.web3, deployment.rollup)
        self._signing = signing(version, deployment.chain_id, deployment.rollup)
        for holder in ADDRESSES.values():
            self._chain.call(holder, deployment.token, token.call("approve", deployment.rollup, 2**256 - 1))
        self._slot = 0

    def at(self, slot: int) -> None:
        self._slot = slot
        self._chain.at(PARAMETERS.timestamp(slot))

    def claim(
        self,
        epoch: int,
        outcome: str = "",
        *,
        sender: str = "prover",
        prover: str = "",
        fee: int = FEE,
        signer: str = "proposer",
    ) -> None:
        quote = Quote(ADDRESSES[prover or sender], epoch, fee)
        signature = sign(KEYS[signer], self._signing.take_digest(quote, self._slot))
        self._send("claimProofRight", outcome, sender, self._rollup.claim_proof_right(quote, signature))

    def prove(self, epoch: int, outcome: str, *, valid: bool = True) -> None:
        proof = find_proof(epoch, valid=valid)
        self._send("submitEpochProof", outcome, "prover", self._rollup.submit_epoch_proof(epoch, proof))

    def prune(self, epoch: int, outcome: str) -> None:
        self._send("prune", outcome, "sponsor", self._rollup.prune(epoch))

    def fund(self, amount: int, outcome: str, *, sender: str = "sponsor") -> None:
        self._send("fundRewards", outcome, sender, self._rollup.fund_rewards(amount))

    def _send(self, function: str, outcome: str, sender: str, transaction: TxParams) -> None:
        """A call without an outcome only prepares what follows: it must be accepted, and is left out of the table."""
        mined = self._chain.send(ADDRESSES[sender], self._rollup.address, HexBytes(transaction["data"]))
        rejection = decode_error(mined.answer.output)
        ended = "accepted" if mined.answer.succeeded else rejection.name if rejection else "an unknown error"
        wanted = outcome.partition(",")[0] or "accepted"
        if ended != wanted:
            raise Failed(f"{function} in slot {self._slot} ended with {ended}, where {wanted} was wanted")
        if outcome:
            self.gas.setdefault(function, {})[outcome] = mined.gas_used


def measure(version: str, url: str) -> Table:
    """The costs in design `version`, on a fresh development chain at `url`: one life of a rollup with all outcomes."""
    rollup = Measured(version, url)
    rollup.at(5)
    rollup.claim(0, "NotPreviousEpoch")
    rollup.at(20)
    rollup.claim(0, "NotInClaimPhase")
    _first_epoch(rollup)
    _slashing(rollup)
    _rewards(rollup)
    return rollup.gas


def _first_epoch(rollup: Measured) -> None:
    """Epoch 0, while the rollup holds nothing; then the first funds."""
    rollup.at(32)
    rollup.claim(0, "InvalidProposerSignature", signer="prover")
    rollup.claim(0, "CallerNotProver", prover="frugal prover")
    rollup.claim(0, "InvalidBasisPointFee", fee=10_001)
    rollup.claim(0, "BondNotTransferred", sender="pauper")
    rollup.prove(0, "EpochNotClaimed")
    rollup.prune(0, "NothingToPrune")
    rollup.claim(0, "accepted, the rollup held no TST")
    rollup.claim(0, "EpochAlreadyClaimed")
    rollup.prove(0, "InvalidProof", valid=False)
    rollup.prove(0, "accepted, no reward")
    rollup.prove(0, "EpochAlreadyProven")
    rollup.claim(0, "EpochAlreadyProven")
    rollup.fund(700 * TST, "accepted, the rollup held no TST")
    rollup.fund(400 * TST, "accepted")
    rollup.fund(1 * TST, "ERC20InsufficientBalance", sender="pauper")


def _slashing(rollup: Measured) -> None:
    """Epochs 1, whose bond is slashed, and 2, which nobody claims."""
    rollup.at(64)
    rollup.claim(1, "accepted")
    rollup.at(80)
    rollup.prove(1, "ProofPhaseEnded")
    rollup.prune(1, "accepted, a bond is slashed")
    rollup.prove(1, "EpochAlreadyPruned")
    rollup.at(96)
    rollup.claim(1, "EpochAlreadyPruned")
    rollup.at(112)
    rollup.prune(2, "accepted, nobody had claimed")


def _rewards(rollup: Measured) -> None:
    """Epochs 3 to 5, out of a pool of 2,100 TST: two whole rewards of 800, and what is left."""
    rollup.at(128)
    rollup.claim(3, "accepted, the last TST of the prover", sender="frugal prover")
    rollup.prove(3, "accepted, a whole reward, to accounts without TST")
    rollup.at(160)
    rollup.claim(4)
    rollup.prove(4, "accepted, a whole reward")
    rollup.at(192)
    rollup.claim(5)
    rollup.prove(5, "accepted, what is left of the pool")


def as_json(tables: Mapping[str, Table]) -> str:
    return json.dumps(tables, indent=2) + "\n"


def main() -> int:
    tables = {}
    try:
        for version in ROLLUPS:
            with anvil() as url:
                tables[version] = measure(version, url)
    except (ChainError, Failed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    PINNED.write_text(as_json(tables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
