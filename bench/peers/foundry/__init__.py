"""Foundry's invariant fuzzing of the contract, by the specification's properties written again in Solidity.

`python -m bench.peers.foundry SECONDS [MUTANT]` fuzzes the contract of 0.2.0, or one of its mutants, until a property
breaks or the time is over, and prints what was found as JSON.
"""

from __future__ import annotations

import sys

from bench.measuring import Command


def foundry(seconds: int, *mutant: str) -> Command:
    """The command for that."""
    return [sys.executable, "-m", "bench.peers.foundry", str(seconds), *mutant]
