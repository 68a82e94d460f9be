"""What a rollup under test is deployed with, as data, so that what is found on it can be written down and repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, shipped
from coordination.chain.chain import Chain
from coordination.chain.deployment import Deployment, Parameters, deploy_development
from coordination.chain.quote import NOBODY, Address

UNLIMITED = 2**256 - 1  # an allowance that no transfer reduces
SPONSOR = address_of(development_key("sponsor"))  # pays in what the rollup has from the start


@dataclass(frozen=True)
class Listed:
    """`FixedSchedule`: the proposers of the first slots, one by one; the slots after them have none."""

    proposers: tuple[Address, ...]

    def creation(self) -> bytes:
        return shipped("FixedSchedule").creation(self.proposers)

    def proposer_of(self, slot: int) -> Address:
        return self.proposers[slot] if slot < len(self.proposers) else NOBODY


@dataclass(frozen=True)
class Drawn:
    """`ValidatorSet`: each slot's proposer is drawn by hash, with a seed of 32 bytes. No validators, no proposers."""

    seed: bytes
    validators: tuple[Address, ...]

    def creation(self) -> bytes:
        return shipped("ValidatorSet").creation(self.seed, self.validators)

    def proposer_of(self, slot: int) -> Address:
        """The draw, written a second time: the contract's is held against it."""
        if not self.validators:
            return NOBODY
        drawn = keccak(self.seed + slot.to_bytes(32, "big"))
        return self.validators[int.from_bytes(drawn, "big") % len(self.validators)]


@dataclass(frozen=True)
class Setup:
    """A token, a schedule, a verifier and a rollup of design `version`, and who owns what at the start.

    `holdings` are those who let the rollup take TST without limit, with what they own of it; `names` are the
    development accounts among all addresses. The rollup starts with `reward_pool`, and was given `gift` beside that.
    """

    version: str
    parameters: Parameters
    schedule: Listed | Drawn
    holdings: Mapping[Address, int]
    reward_pool: int = 0
    gift: int = 0
    names: Mapping[Address, str] = field(default_factory=dict)

    def slot_at(self, timestamp: int) -> int:
        """The slot of a moment, in seconds; before genesis, slot 0."""
        return max(timestamp - self.parameters.genesis_time, 0) // self.parameters.slot_duration

    def deploy(self, chain: Chain, rollup: Artifact) -> Deployment:
        """Deploy it all on `chain`. Raises RuntimeError with what a constructor reverted with."""
        token = shipped("TestToken")
        holdings = {**self.holdings, SPONSOR: self.reward_pool + self.gift}
        there = deploy_development(
            chain.deploy,
            version=self.version,
            chain_id=chain.chain_id,
            parameters=self.parameters,
            token=token.creation(list(holdings), list(holdings.values())),
            schedule=self.schedule.creation(),
            rollup=rollup,
        )
        for holder in holdings:
            chain.call(holder, there.token, token.call("approve", there.rollup, UNLIMITED))
        chain.call(SPONSOR, there.rollup, rollup.call("fundRewards", self.reward_pool))
        chain.call(SPONSOR, there.token, token.call("transfer", there.rollup, self.gift))
        return there
