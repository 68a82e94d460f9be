"""Signatures: two designs of the same protocol, which differ in what a signature says and in nothing else.

A signature proves what its digest commits to, and can be passed off as anything else with the same digest.

`0.1.0`, the seed to the letter: make and take sign `keccak256(abi.encode(prover, epoch, basisPointFee))`. The digest
names neither the role, nor the rollup, nor the slot, so any signature of a key over a quote serves as any other.

`0.2.0`, hardened: EIP-712 typed data in the domain of one rollup; make and take are two types, and a take names the
slot that it is for. A signature serves as nothing but itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from coordination.machine import all_of, any_of, exists, ite
from coordination_spec.state import Coordination
from coordination_spec.words import NOBODY, Account, Address, Quote, Role, Slot

if TYPE_CHECKING:
    from coordination_spec.world import World


class Design(Protocol):
    """What a verifier can be shown. An adversarial signer shows anything; an honest one only what it has signed."""

    version: str

    def shows_make(self, s: Coordination, w: World, signer: Account, quote: Quote) -> bool:
        """Whether somebody can present what verifies as `signer`'s make of `quote` for this rollup."""

    def shows_take(self, s: Coordination, w: World, signer: Account, quote: Quote, slot: Slot) -> bool:
        """Whether somebody can present what verifies as `signer`'s take of `quote` for this rollup at `slot`."""

    def recovered_at(self, w: World, signed_for: Slot, now: Slot) -> Address:
        """Who the contract at slot `now` takes for the signer of a take that the proposer of `signed_for` signed."""


class Seed:
    """`0.1.0`: one digest for all."""

    version = "0.1.0"

    def shows_make(self, s: Coordination, w: World, signer: Account, quote: Quote) -> bool:
        return any_of(w.adversarial[signer], self._has_signed(s, w, signer, quote))

    def shows_take(self, s: Coordination, w: World, signer: Account, quote: Quote, slot: Slot) -> bool:
        return any_of(w.adversarial[signer], self._has_signed(s, w, signer, quote))

    def recovered_at(self, w: World, signed_for: Slot, now: Slot) -> Address:
        return w.schedule[signed_for]

    def _has_signed(self, s: Coordination, w: World, signer: Account, quote: Quote) -> bool:
        """`signer` has signed the quote's digest: whatever it meant by that, and wherever."""
        return any_of(
            all_of(signer == quote.prover, s.made[quote]),
            exists(Slot, lambda slot: all_of(w.schedule[slot] == signer, s.taken[slot, quote])),
            exists(Role, lambda role: s.signed_elsewhere[role, signer, quote]),
        )


class Hardened:
    """`0.2.0`: a signature is for one role, one rollup and, if a take, one slot."""

    version = "0.2.0"

    def shows_make(self, s: Coordination, w: World, signer: Account, quote: Quote) -> bool:
        return any_of(w.adversarial[signer], all_of(signer == quote.prover, s.made[quote]))

    def shows_take(self, s: Coordination, w: World, signer: Account, quote: Quote, slot: Slot) -> bool:
        return any_of(w.adversarial[signer], all_of(w.schedule[slot] == signer, s.taken[slot, quote]))

    def recovered_at(self, w: World, signed_for: Slot, now: Slot) -> Address:
        return ite(signed_for == now, w.schedule[signed_for], NOBODY)
