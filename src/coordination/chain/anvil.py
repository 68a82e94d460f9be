"""A development chain for as long as it is needed: Foundry's anvil, in a process of its own."""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from coordination.chain.errors import ChainError

CHAIN_ID = 31_337
STARTUP, SHUTDOWN = 20.0, 5.0  # seconds that it may take; it needs a tenth of one

_MODULES = Path(__file__).parents[3] / "contracts" / "node_modules" / "@foundry-rs"  # in a checkout
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
_LISTENING = re.compile(r"^Listening on (127\.0\.0\.1:\d+)$", re.MULTILINE)


class AnvilError(ChainError):
    """anvil is missing, or does not start; the message says why in one line."""


def find_anvil() -> str:
    """The program: the pinned one of a checkout's `contracts/`, or else the one on the PATH."""
    machine = _MACHINES.get(platform.machine(), platform.machine())
    pinned = _MODULES / f"anvil-{platform.system().lower()}-{machine}" / "bin" / "anvil"
    found = str(pinned) if pinned.is_file() else shutil.which("anvil")
    if found is None:
        raise AnvilError("anvil is not installed: run 'npm ci' in contracts/ of a checkout, or install Foundry")
    return found


@contextmanager
def anvil() -> Iterator[str]:
    """Start a chain on a free port of this machine; its URL. It ends with the block, however that is left.

    Its clock stands at 0, its rules are those of Cancun, and a block is mined only when asked for.
    """
    with _running("--timestamp", "0", "--no-mining") as url:
        yield url


@contextmanager
def live_anvil(block_time: float | None = None) -> Iterator[str]:
    """The same with the clock of this machine: a block every `block_time` seconds, or else one for each transaction.

    Nobody has ether there; `anvil_setBalance` gives it.
    """
    with _running(*([] if block_time is None else ["--block-time", str(block_time)])) as url:
        yield url


@contextmanager
def _running(*options: str) -> Iterator[str]:
    command = [find_anvil(), "--port", "0", "--chain-id", str(CHAIN_ID), "--hardfork", "cancun", "--accounts", "0"]
    with TemporaryFile() as log:  # not a pipe: anvil stops when one is full
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for whoever asked for the chain
        )
        try:
            yield f"http://{_address(process, log.fileno())}"
        finally:
            _end(process)


def _address(process: subprocess.Popen[bytes], log: int) -> str:
    """Where it listens, once it says so."""
    deadline = time.monotonic() + STARTUP
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        said = os.pread(log, 1 << 16, 0).decode(errors="replace")
        listening = _LISTENING.search(said)
        if listening:
            return listening[1]
        if ended:
            words = said.strip().splitlines() or ["it said nothing"]
            raise AnvilError(f"anvil does not start: {words[-1].strip()}")
        time.sleep(0.01)
    raise AnvilError(f"anvil did not start within {STARTUP:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, politely first: npm's `anvil` is a script around the program."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SHUTDOWN)
