"""One node in a process of its own: started, asked, killed, started again from its disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordination.chain.errors import ChainError
from coordination.node.api.client import Client

STARTUP, SHUTDOWN = 60.0, 10.0  # seconds that a node may take; it needs two, and less than one

OWN = ("PROVER_", "VALIDATOR_", "AZTEC_")  # what the names of a node's variables begin with


class NodeError(ChainError):
    """A node does not start, or ended by itself; the message has its last words."""


@dataclass
class NodeProcess:
    """A node: `arguments` of `coordination node`, `keys` by the names of their environment variables.

    What it logs is in `log`, one JSON object a line, over all its lives.
    """

    name: str
    arguments: tuple[str, ...]
    keys: Mapping[str, str]
    api_port: int
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.api_port}")

    def start(self) -> None:
        """Begin a life; `wait` says when it has begun."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coordination", "node", *self.arguments],
                env={**inherited, **self.keys},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for whoever started the network
            )

    def wait(self) -> None:
        """Until it answers. Raises NodeError if it ends first, or takes too long."""
        assert self._process is not None
        deadline = time.monotonic() + STARTUP
        while time.monotonic() < deadline:
            self.check()
            if self._is_ready():
                return
            time.sleep(0.05)
        raise NodeError(f"{self.name}'s node did not start within {STARTUP:.0f} s")

    def check(self) -> None:
        """Raises NodeError if it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise NodeError(f"{self.name}'s node has ended: {self._last_words()}")

    def revive(self) -> str | None:
        """Start it again from its disk if it was killed, or asked to end; how. Raises NodeError if it failed."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return None
        if code > 0:
            self.check()
        self.start()
        return f"killed by {signal.Signals(-code).name}" if code else "ended"

    def kill(self) -> None:
        """SIGKILL: it gets to do nothing more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def events(self, name: str | None = None) -> Iterator[dict[str, Any]]:
        """What it has logged so far, or only what is called so."""
        for line in self.log.read_text(errors="replace").splitlines():
            event = parse(line)
            if event and name in (None, event["event"]):
                yield event

    def _is_ready(self) -> bool:
        """Whether its last life has said that it is."""
        assert self._process is not None
        return any(event.get("pid") == self._process.pid for event in self.events("ready"))

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def stop(nodes: Iterable[NodeProcess]) -> None:
    """Ask all to end, and kill those that do not, or all that are left when somebody is tired of waiting."""
    running = [(node, node._process) for node in nodes if node._process is not None]
    deadline = time.monotonic() + SHUTDOWN
    try:
        for _, process in running:
            process.terminate()
        for _, process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
    finally:
        for node, _ in running:
            node.kill()


def parse(line: str) -> dict[str, Any] | None:
    """What a line of a log tells; None if it is not one of the node's own."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
