"""What can go wrong with L1 through no fault of this program."""

from __future__ import annotations

from coordination.chain.errors import ChainError


class L1Error(ChainError):
    """L1 does not answer, or is not what this node was told it is; the message says in one line which, and why."""
