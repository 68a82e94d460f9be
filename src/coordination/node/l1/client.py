"""What L1 says to a node: which rollup it is, who proposes, how epochs stand, and who can pay.

    l1 = L1(["http://127.0.0.1:8545"], rollup, chain_id=31337)
    l1.describe().version                              # "0.2.0"; or L1Error says what is wrong
    head = l1.look(slot=39, epoch=1)                   # one exchange

Everything is as of the last block of the endpoint that answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from eth_utils.address import to_checksum_address

from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS, Parameters
from coordination.chain.quote import Address, Claim, Status
from coordination.node.core.view import Head
from coordination.node.l1.endpoints import Answer, Call, Endpoints
from coordination.node.l1.errors import L1Error
from coordination.node.l1.views import View

_ROLLUP = shipped("HardenedProverCoordination")  # has all that the other design has
_TOKEN = shipped("TestToken")  # has all of ERC-20
_CLAIM_OF = View(_ROLLUP, "claimOf")
_PROPOSER_OF = View(shipped("FixedSchedule"), "proposerOf")
_BALANCE_OF, _ALLOWANCE = View(_TOKEN, "balanceOf"), View(_TOKEN, "allowance")
_DESCRIBING = [View(_ROLLUP, name) for name in ("version", "token", "schedule")]
_PARAMETERS = [
    View(_ROLLUP, name)
    for name in (
        "genesisTime",
        "slotDuration",
        "slotsPerEpoch",
        "claimSlots",
        "proofSlots",
        "bond",
        "rewardPerEpoch",
    )
]


class Described(NamedTuple):
    """Which rollup it is: nothing of this ever changes."""

    version: str
    chain_id: int
    parameters: Parameters
    token: Address
    schedule: Address


class L1:
    """The rollup at `rollup`, on the chain of the endpoints at `urls`; that is the one of `chain_id`, if it is given.

    Every method takes bounded time, and raises L1Error if no endpoint answers. May be used by several threads.
    """

    def __init__(self, urls: Sequence[str], rollup: Address, chain_id: int | None) -> None:
        self.endpoints, self.rollup = Endpoints(urls, chain_id), rollup
        self._described: Described | None = None

    def describe(self) -> Described:
        """Raises L1Error too if it is another chain, or if at `rollup` is no rollup of a known design."""
        views = [*_DESCRIBING, *_PARAMETERS]
        code, *answers = self.endpoints.ask(
            [Call("eth_getCode", [self.rollup, "latest"]), *(view.asked(self.rollup) for view in views)]
        )
        chain_id = self.endpoints.chain_id
        if chain_id is None or code == "0x":
            raise L1Error(f"there is no contract at {self.rollup} on chain {chain_id}")
        told: list[Any] = [view.told(answer) for view, answer in zip(views, answers, strict=True)]
        if None in told:
            raise L1Error(f"the contract at {self.rollup} is no rollup: it has no {views[told.index(None)].name}()")
        version, token, schedule, *parameters = told
        if version not in ROLLUPS:
            known = " and ".join(ROLLUPS)
            raise L1Error(f"the rollup at {self.rollup} is of design {version!r}; this program knows {known}")
        deployed = Parameters(*parameters)
        if not _is_sound(deployed):
            raise L1Error(f"the contract at {self.rollup} is no rollup: its slots and phases cannot be")
        self._described = Described(
            version, chain_id, deployed, to_checksum_address(token), to_checksum_address(schedule)
        )
        return self._described

    def look(self, slot: int, epoch: int) -> Head:
        """Who proposes from the slot before `slot` to two after it, and how the epoch before `epoch` and `epoch` stand.

        A slot of which the schedule tells nothing (it reverts) is left out.
        """
        schedule = self._known.schedule
        slots = range(max(0, slot - 1), slot + 3)
        epochs = range(max(0, epoch - 1), epoch + 1)
        answers = self.endpoints.ask(
            [
                *(_CLAIM_OF.asked(self.rollup, each) for each in epochs),
                *(_PROPOSER_OF.asked(schedule, each) for each in slots),
            ]
        )
        proposers = zip(slots, map(_PROPOSER_OF.told, answers[len(epochs) :]), strict=True)
        return Head(
            {each: to_checksum_address(proposer) for each, proposer in proposers if proposer is not None},
            {each: self._claim(answer) for each, answer in zip(epochs, answers[: len(epochs)], strict=True)},
        )

    def can_pay(self, provers: Iterable[Address]) -> dict[Address, bool]:
        """Whether each has the bond, and has allowed the rollup to take it. Who cannot be asked about cannot pay."""
        known, asked = self._known, list(provers)
        answers = self.endpoints.ask(
            [
                call
                for prover in asked
                for call in (
                    _BALANCE_OF.asked(known.token, prover),
                    _ALLOWANCE.asked(known.token, prover, self.rollup),
                )
            ]
        )
        pairs = zip(map(_BALANCE_OF.told, answers[::2]), map(_ALLOWANCE.told, answers[1::2]), strict=True)
        bond = known.parameters.bond
        return {
            prover: balance is not None and allowance is not None and min(balance, allowance) >= bond
            for prover, (balance, allowance) in zip(asked, pairs, strict=True)
        }

    @property
    def chain_id(self) -> int:
        return self._known.chain_id

    @property
    def _known(self) -> Described:
        return self._described or self.describe()

    def _claim(self, answer: Answer) -> Claim:
        told = _CLAIM_OF.told(answer)
        if told is None or told[2] not in list(Status):
            raise L1Error(f"the rollup at {self.rollup} does not tell how an epoch stands")
        prover, fee, status, proposer, slot = told
        return Claim(to_checksum_address(prover), fee, Status(status), to_checksum_address(proposer), slot)


def _is_sound(deployed: Parameters) -> bool:
    """Whether the contract could have been deployed with these."""
    phases = deployed.claim_slots, deployed.proof_slots
    return min(deployed.slot_duration, *phases) >= 1 and sum(phases) <= deployed.slots_per_epoch
