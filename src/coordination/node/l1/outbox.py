"""Transactions that reach L1 for certain, once each, whatever crashes, fills up or goes away in between.

    outbox = Outbox(l1, store, key)
    outbox.send(SendClaim(...))                        # on disk when it returns
    for outcome in outbox.advance(): ...               # twice a second, and after each send

What is asked for has one nonce, which is on disk with the signed bytes before these leave; whatever is signed later for
the same intent is on the same nonce, so at most one version is ever mined.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from threading import Lock
from typing import NamedTuple

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from coordination.chain.accounts import address_of
from coordination.chain.artifacts import shipped
from coordination.node.core.effects import SendClaim, SendProof, StopClaim, StopProof
from coordination.node.l1.account import Account, Pool, Receipt, Refusal, Seen
from coordination.node.l1.book import Book
from coordination.node.l1.client import L1
from coordination.node.l1.decisions import Situation, Step, decide
from coordination.node.l1.errors import L1Error
from coordination.node.l1.transactions import Transaction, compute_fees, compute_raised, read, sign
from coordination.node.store import Pending, Store

PATIENCE = 6.0  # seconds: half of a block's time on Ethereum
DEAR = 4  # times what L1 asks for
CONFIRMATIONS = 2  # blocks on top of a transaction's
_PLAIN = 21_000  # gas that a transfer takes

_ROLLUP = shipped("HardenedProverCoordination")


class What(StrEnum):
    """What has become of a transaction; or that L1 cannot be reached, which is told once."""

    SENT = "sent"
    SENT_AGAIN = "sent again"  # L1 had lost it, or never had it
    REPLACED = "replaced"  # by one that pays more
    CANCELLING = "cancelling"  # replaced by one that does nothing
    MINED = "mined"
    REVERTED = "reverted"  # mined, and failed
    CANCELLED = "cancelled"  # what does nothing was mined
    UNMINED = "unmined"  # by a reorganisation
    CONFIRMED = "confirmed"  # deep enough: it is not watched any more
    NONCE_LOST = "nonce lost"  # to another transaction of the account
    WOULD_REVERT = "would revert"  # so it is not sent for now
    REFUSED = "refused"  # by the pool
    UNREACHABLE = "unreachable"


class Outcome(NamedTuple):
    """`key` names the intent: claim:<slot>, proof:<epoch>:<claim slot>:<hash>, or gap:<nonce>; none if it is of L1."""

    what: What
    key: str
    detail: str


@dataclass
class _Track:
    """What is known of one transaction since this process began. Times are the clock's."""

    may_try_at: float = -inf
    pooled_since: float | None = None
    absent_since: float | None = None
    is_outbid: bool = False
    is_refused: bool = False
    mined: Receipt | None = None
    is_settled: bool = False


class Outbox:
    """The transactions of `key`'s account. `patience` is how many seconds a version may lie in the pool: then it is
    replaced by one that pays more.

    `send` and `stop` are quick, and may be called while `advance` waits for L1 in another thread. All raise StoreError.
    """

    def __init__(
        self,
        l1: L1,
        store: Store,
        key: PrivateKey,
        *,
        patience: float = PATIENCE,
        confirmations: int = CONFIRMATIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sender = address_of(key)
        self._l1, self._key = l1, key
        self._account, self._book = Account(l1.endpoints, self.sender), Book(store, self.sender)
        self._patience, self._retry, self._confirmations = patience, patience / 3, confirmations
        self._clock, self._turn = clock, Lock()
        self._tracks: dict[str, _Track] = {}
        self._gap_since: float | None = None
        self._outcomes: list[Outcome] = []
        self._said: dict[str, Outcome] = {}

    def send(self, effect: SendClaim | SendProof) -> None:
        """Note what is to be sent. Only one claim runs at a time: what was sent for an earlier slot's is over."""
        match effect:
            case SendClaim(slot, quote, signature):
                kind, key = "claim", f"claim:{slot}"
                data = _ROLLUP.call("claimProofRight", quote.signed(signature))
            case SendProof(epoch, slot, proof):
                kind, key = "proof", f"proof:{epoch}:{slot}:{keccak(proof).hex()}"
                data = _ROLLUP.call("submitEpochProof", epoch, proof)
        self._book.stop(lambda known: known.startswith(kind) and _slot_in(known) < slot)
        self._book.want(key, self._l1.rollup, data)

    def stop(self, effect: StopClaim | StopProof) -> None:
        """Note what is not to be sent any more. What lies in a pool is cancelled: its nonce is used for nothing."""
        match effect:
            case StopClaim(slot):
                self._book.stop(lambda key: key == f"claim:{slot}")
            case StopProof(epoch, slot):
                self._book.stop(lambda key: key.startswith(f"proof:{epoch}:{slot}:"))

    def advance(self) -> list[Outcome]:
        """Do what is to be done now, and tell what happened. What cannot be done for want of L1 is left for later."""
        with self._turn:
            self._outcomes = []
            try:
                self._advance()
                self._said.pop("", None)
            except L1Error as error:
                self._say_once(What.UNREACHABLE, "", str(error))
            return self._outcomes

    def _advance(self) -> None:
        rows = self._rows_in_need()
        if not rows:
            return
        seen = self._account.look([read(raw).digest for row in rows for raw in row.raw])
        for row in rows:
            self._note(row, seen)
            self._do(row, seen)
        self._fill_gap(rows, seen)

    def _rows_in_need(self) -> list[Pending]:
        """Those that L1 has to be asked about. What is settled goes, once it is stopped."""
        tracked = [(row, self._tracks.get(row.key, _Track())) for row in self._book.rows()]
        tracked = [(row, track) for row, track in tracked if not (track.is_settled and self._book.drop(row.key))]
        self._tracks = {row.key: track for row, track in tracked}
        now = self._clock()
        return [row for row, track in tracked if not track.is_settled and (row.raw or track.may_try_at <= now)]

    def _note(self, row: Pending, seen: Seen) -> None:
        """Take in what L1 knows of a transaction."""
        track, now = self._tracks[row.key], self._clock()
        versions = [read(raw) for raw in row.raw]
        found = (seen.receipts.get(version.digest) for version in versions)
        receipt = next((each for each in found if each), None)
        if receipt is None and track.mined is not None:
            self._say(What.UNMINED, row.key, f"{track.mined.digest} is in no block any more")
            # What was stopped because it landed may be wanted again at once: time for that, before it is cancelled.
            track.may_try_at = now + self._retry if row.stopped else now
        elif receipt is not None and receipt != track.mined:
            self._say_mined(row, receipt)
        track.mined = receipt
        is_absent = bool(versions) and receipt is None and row.nonce < seen.used
        track.absent_since = _since(track.absent_since, is_absent, now)
        is_pooled = bool(versions) and receipt is None and versions[-1].digest in seen.known
        track.pooled_since = _since(track.pooled_since, is_pooled, now)

    def _say_mined(self, row: Pending, receipt: Receipt) -> None:
        where = f"{receipt.digest} in block {receipt.block}"
        mined = _mined(row, receipt)
        if self._is_cancellation(mined):
            self._say(What.CANCELLED, row.key, where)
        elif receipt.succeeded:
            self._say(What.MINED, row.key, where)
        else:
            why = self._account.explain(mined.to, mined.data, receipt.block)
            self._say(What.REVERTED, row.key, f"{where}: {why}")

    def _do(self, row: Pending, seen: Seen) -> None:
        step = decide(
            self._situation(row, seen),
            patience=self._patience,
            grace=self._retry,
            confirmations=self._confirmations,
        )
        match step:
            case Step.SIGN:
                self._sign(row, seen)
            case Step.BROADCAST:
                self._broadcast(row.key, row.raw[-1], What.SENT_AGAIN)
            case Step.REPLACE:
                self._replace(row, seen)
            case Step.FREE:
                self._book.free(row.key)
                self._tracks[row.key] = _Track()
                self._say(What.NONCE_LOST, row.key, f"nonce {row.nonce} went to another transaction of {self.sender}")
            case Step.SETTLE:
                self._tracks[row.key].is_settled = True
                self._say(What.CONFIRMED, row.key, f"{self._confirmations} blocks deep")
            case Step.FORGET:
                self._book.drop(row.key)

    def _situation(self, row: Pending, seen: Seen) -> Situation:
        track, now = self._tracks[row.key], self._clock()
        are_cancelled = [self._is_cancellation(read(raw)) for raw in row.raw]
        alike = next((n for n, each in enumerate(reversed(are_cancelled)) if each != are_cancelled[-1]), len(row.raw))
        return Situation(
            is_stopped=row.stopped,
            versions=len(row.raw),
            raises=alike - 1,
            is_cancelled=bool(row.raw) and are_cancelled[-1],
            depth=seen.block - track.mined.block if track.mined else None,
            is_undone=track.mined is not None and self._is_cancellation(_mined(row, track.mined)),
            absent_for=None if track.absent_since is None else now - track.absent_since,
            is_next=row.nonce == seen.used,
            pooled_for=None if track.pooled_since is None else now - track.pooled_since,
            is_outbid=track.is_outbid,
            is_too_dear=self._is_too_dear(row, seen),
            may_try=track.may_try_at <= now,
        )

    def _sign(self, row: Pending, seen: Seen) -> None:
        gas = self._account.estimate(row.to, row.data)
        if isinstance(gas, Refusal):
            self._tracks[row.key].may_try_at = self._clock() + self._retry
            self._say_once(What.WOULD_REVERT, row.key, gas.why)
            return
        nonce, fees = max(seen.pooled, self._book.free_nonce), compute_fees(seen.base_fee)
        # Half more gas: what is in the block before it may make it dearer.
        raw = sign(self._key, self._l1.chain_id, nonce, row.to, row.data, gas * 3 // 2, fees)
        if self._book.add_version(row.key, nonce, raw):
            self._broadcast(row.key, raw, What.SENT)

    def _replace(self, row: Pending, seen: Seen) -> None:
        """Pay more for the same, or less if no pool takes it; or turn it into its own cancellation, or back."""
        versions = [read(raw) for raw in row.raw]
        is_lowered = self._is_too_dear(row, seen)
        fees = compute_fees(seen.base_fee) if is_lowered else compute_raised(versions[-1].fees, seen.base_fee)
        if row.stopped:
            what, to, data, gas = What.CANCELLING, self.sender, b"", _PLAIN
        else:
            what, to, data = What.REPLACED, row.to, row.data
            gas = next(version.gas for version in versions if not self._is_cancellation(version))
        raw = sign(self._key, self._l1.chain_id, row.nonce, to, data, gas, fees)
        if self._book.add_version(row.key, row.nonce, raw):
            self._broadcast(row.key, raw, what)

    def _broadcast(self, key: str, raw: bytes, what: What) -> None:
        track = self._tracks.setdefault(key, _Track())
        track.may_try_at, track.pooled_since = self._clock() + self._retry, None
        answer, words = self._account.broadcast(raw)
        track.is_outbid, track.is_refused = answer is Pool.OUTBID, answer is Pool.REFUSED
        transaction = read(raw)
        if answer is Pool.TAKEN:
            self._say(what, key, f"{transaction.digest}, nonce {transaction.nonce}")
        elif answer is Pool.REFUSED:
            self._say_once(What.REFUSED, key, words)

    def _fill_gap(self, rows: Sequence[Pending], seen: Seen) -> None:
        """Use a nonce that nobody else does, if it has kept others from being mined for long enough."""
        waiting = [row.nonce for row in rows if row.raw and row.nonce >= seen.used]
        is_gap = bool(waiting) and seen.used not in waiting and seen.pooled == seen.used
        now = self._clock()
        self._gap_since = _since(self._gap_since, is_gap, now)
        if self._gap_since is None or now - self._gap_since < self._patience:
            return
        fees = compute_fees(seen.base_fee)
        raw = sign(self._key, self._l1.chain_id, seen.used, self.sender, b"", _PLAIN, fees)
        self._book.fill(seen.used, raw)
        self._broadcast(f"gap:{seen.used}", raw, What.CANCELLING)

    def _is_too_dear(self, row: Pending, seen: Seen) -> bool:
        """L1 once asked for more than the account has: nothing after this nonce can be mined until it offers less."""
        if not self._tracks[row.key].is_refused or not row.raw:
            return False
        return read(row.raw[-1]).fees.most > DEAR * compute_fees(seen.base_fee).most

    def _is_cancellation(self, transaction: Transaction) -> bool:
        return transaction.to == self.sender and not transaction.data

    def _say(self, what: What, key: str, detail: str) -> None:
        outcome = Outcome(what, key, detail)
        self._outcomes.append(outcome)
        self._said[key] = outcome

    def _say_once(self, what: What, key: str, detail: str) -> None:
        """Not again until something else has been said of it."""
        if self._said.get(key) != Outcome(what, key, detail):
            self._say(what, key, detail)


def _mined(row: Pending, receipt: Receipt) -> Transaction:
    """The version that the receipt is of."""
    return next(each for each in map(read, row.raw) if each.digest == receipt.digest)


def _since(before: float | None, holds: bool, now: float) -> float | None:
    """Since when it holds, if it does."""
    return (now if before is None else before) if holds else None


def _slot_in(key: str) -> int:
    """The slot of the claim that it is, or that it is a proof for."""
    kind, *numbers = key.split(":")
    return int(numbers[0] if kind == "claim" else numbers[1])
