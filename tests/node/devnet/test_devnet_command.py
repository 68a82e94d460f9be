"""`coordination devnet` as a process: what it inherits does not reach its nodes, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordination.node.api.client import Client
from coordination.node.devnet.network import free_ports
from coordination.node.devnet.processes import parse
from tests.command import Result, Run, assert_refused

PATIENCE = 60.0  # seconds for the network to start, and to end
_PLACE = re.compile(r"--node-url (\S+), log (\S+)")


def mind_signals() -> None:
    """Also where the tests run in the background, with signals ignored that a terminal would send."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(data: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], list[tuple[str, Path]]]]:
    """The command, and the address and the log of each of its nodes, once it has told them."""
    output = data.with_suffix(".out")
    with output.open("wb") as out:
        command = [sys.executable, "-m", "coordination", "devnet", "--data", str(data)]
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=out, preexec_fn=mind_signals
        )
    deadline = time.monotonic() + PATIENCE
    try:
        while len(places := _PLACE.findall(output.read_text())) < 4:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        yield process, [(url, Path(log)) for url, log in places]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def processes_of(places: list[tuple[str, Path]]) -> list[int]:
    events = (parse(line) for _, log in places for line in log.read_text().splitlines())
    return [event["pid"] for event in events if event and event["event"] == "ready"]


def exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_network_ends_with_its_command_however_that_is_ended(tmp_path: Path, ending: signal.Signals) -> None:
    with started(tmp_path / "network") as (process, places):
        nodes = processes_of(places)
        assert len(nodes) == 4
        assert all(map(exists, nodes))
        process.send_signal(ending)
        assert process.wait(PATIENCE) == 128 + ending
        left = [node for node in nodes if exists(node)]
        for node in left:
            os.kill(node, signal.SIGKILL)
    assert not left
    assert not any("Traceback" in log.read_text() for _, log in places)


def test_a_node_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with started(tmp_path / "network") as (process, places):
        killed, *others = processes_of(places)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while len(again := processes_of(places)) < 5:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert {*others} < {*again}
    assert "node was killed by SIGKILL; it is started again" in (tmp_path / "network.out").read_text()


def test_a_prover_that_is_none_cannot_be_lazy(run: Run) -> None:
    assert_refused(run("devnet", "--lazy", "carol"), "the provers are alice and bob")


def test_neither_the_token_nor_the_proxy_of_whoever_starts_a_network_gets_in_its_way(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    environment = {"AZTEC_NODE_TOKEN": "of-another-node-of-mine", "HTTP_PROXY": nobody, "http_proxy": nobody}
    with started(tmp_path / "network", **environment) as (_, places):
        assert Client(places[0][0]).call("getStatus")["isHealthy"]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for taken in (tmp_path, tmp_path / "file"):
        command = [sys.executable, "-m", "coordination", "devnet", "--data", str(taken)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert_refused(Result(refused.returncode, refused.stdout, refused.stderr), "is no empty folder")
    assert (tmp_path / "file").read_text() == "mine"
