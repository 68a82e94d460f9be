"""Deploying the rollup and what it stands on, on any chain that can create a contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from itertools import count

from eth_utils.crypto import keccak

from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.quote import Address

ROLLUPS: Mapping[str, str] = {"0.1.0": "SeedProverCoordination", "0.2.0": "HardenedProverCoordination"}

DIFFICULTY = 8  # zero bits that the development verifier asks for

Deploy = Callable[[bytes], Address]  # runs creation code, says where the contract is


@dataclass(frozen=True)
class Parameters:
    """What the rollup is deployed with. Times are in seconds, durations in slots, amounts in TST's smallest unit."""

    genesis_time: int
    slot_duration: int
    slots_per_epoch: int
    claim_slots: int
    proof_slots: int
    bond: int
    reward_per_epoch: int

    def timestamp(self, slot: int) -> int:
        """When `slot` begins."""
        return self.genesis_time + slot * self.slot_duration


@dataclass(frozen=True)
class Deployment:
    """Where everything is."""

    version: str
    chain_id: int
    parameters: Parameters
    token: Address
    schedule: Address
    verifier: Address
    rollup: Address


def deploy_development(
    deploy: Deploy,
    *,
    version: str,
    chain_id: int,
    parameters: Parameters,
    token: bytes,
    schedule: bytes,
    rollup: Artifact | None = None,
    difficulty: int = DIFFICULTY,
) -> Deployment:
    """Deploy a token and a schedule (creation code), a verifier that asks for work, and the rollup on top of them.

    `rollup` is the shipped contract of that version unless another one of the same constructor is given.
    """
    token_at, schedule_at = deploy(token), deploy(schedule)
    verifier_at = deploy(shipped("WorkVerifier").creation(difficulty))
    contract = rollup or shipped(ROLLUPS[version])
    rollup_at = deploy(contract.creation((token_at, schedule_at, verifier_at, *astuple(parameters))))
    return Deployment(version, chain_id, parameters, token_at, schedule_at, verifier_at, rollup_at)


def find_proof(epoch: int, difficulty: int = DIFFICULTY, *, valid: bool = True) -> bytes:
    """The first 32 bytes that the development verifier takes for a proof of `epoch`, or (not `valid`) does not.

    A proof takes about 2^difficulty hashes to find.
    """
    candidates = (nonce.to_bytes(32, "big") for nonce in count())
    return next(proof for proof in candidates if is_proof(epoch, proof, difficulty) is valid)


def is_proof(epoch: int, proof: bytes, difficulty: int = DIFFICULTY) -> bool:
    """Whether the development verifier takes `proof` for one of `epoch`."""
    work = int.from_bytes(keccak(epoch.to_bytes(32, "big") + proof), "big")
    return len(proof) == 32 and work >> (256 - difficulty) == 0
