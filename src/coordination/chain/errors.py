"""What can go wrong with contracts and chains through no fault of this program."""

from __future__ import annotations


class ChainError(Exception):
    """A contract, a chain or a tool is not what it should be; the message says in one line what to do."""


class DeploymentError(ChainError, RuntimeError):
    """A contract's creation code did not run to its end; the message has the revert data."""
