"""What is to be done about one transaction of the outbox, by what is known of it: no input, no output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RAISES = 12  # of the fees, an eighth each: to about four times what it was first


class Step(Enum):
    WAIT = "wait"
    SIGN = "sign"  # the first version, on a nonce of its own
    BROADCAST = "broadcast"  # the newest version, as it is
    REPLACE = "replace"  # sign and broadcast another version on the same nonce, for another fee
    FREE = "free"  # its nonce went to somebody else, or to its own cancellation: start again
    SETTLE = "settle"  # it is mined, and deep enough
    FORGET = "forget"


@dataclass(frozen=True)
class Situation:
    """One transaction now. Times are in seconds.

    `versions` have been signed; the last `raises` of them changed only the fees, and `is_cancelled` says whether the
    newest does nothing but use the nonce. `depth` counts blocks: 0 is in the last one, None is not mined; `is_undone`
    says that the version that is mined does nothing.
    `absent_for` is how long the nonce is used on L1 without a receipt for any version: L1 may only be slow to tell.
    `is_next` says whether its nonce is the next to be mined. `pooled_for` is how long L1 has known the newest version,
    None is not at all. `is_outbid` says that the pool has something dearer on that nonce, `is_too_dear` that the pool
    refuses the newest version, which offers a multiple of what is asked now, and `may_try` whether the last attempt was
    long enough ago.
    """

    is_stopped: bool
    versions: int
    raises: int
    is_cancelled: bool
    depth: int | None
    is_undone: bool
    absent_for: float | None
    is_next: bool
    pooled_for: float | None
    is_outbid: bool
    is_too_dear: bool
    may_try: bool


def decide(now: Situation, *, patience: float, grace: float, confirmations: int) -> Step:
    """`patience` is how long a version may lie in the pool, `grace` how long a receipt may be missing."""
    if now.versions == 0:
        return Step.SIGN if now.may_try else Step.WAIT
    if now.depth is not None:
        if now.depth < confirmations:
            return Step.WAIT
        return Step.FREE if now.is_undone and not now.is_stopped else Step.SETTLE
    if now.absent_for is not None:
        if now.absent_for < grace:
            return Step.WAIT
        return Step.FORGET if now.is_stopped else Step.FREE
    if not now.may_try:
        return Step.WAIT
    if now.is_stopped != now.is_cancelled or now.is_too_dear:
        return Step.REPLACE
    is_stuck = now.is_outbid or (now.pooled_for is not None and now.pooled_for >= patience)
    if is_stuck and now.is_next and now.raises < RAISES:
        return Step.REPLACE
    return Step.BROADCAST if now.pooled_for is None else Step.WAIT
