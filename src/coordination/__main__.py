"""The commands `coordination`, which is `python -m coordination` too, and `aztec`.

An interrupt counts from the first moment: what they do takes a third of a second to import.
"""

from __future__ import annotations

import sys
from importlib import import_module

INTERRUPTED = 130  # as a shell says it of SIGINT


def coordination() -> None:
    _run("coordination.cli", "main")


def aztec() -> None:
    _run("coordination.cli.prover_coordination", "aztec")


def _run(module: str, name: str) -> None:
    try:
        command = getattr(import_module(module), name)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    command()


if __name__ == "__main__":
    coordination()
