"""`coordination devnet` and `coordination demo`: a whole network on this machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NoReturn

import typer

from coordination.cli.console import fail, needing, out

Design = Annotated[str, typer.Option("--design", help="0.1.0 or 0.2.0.")]
SlotSeconds = Annotated[int, typer.Option("--slot-seconds", min=1, max=60, help="How long a slot takes.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Keep the nodes' folders and logs there: a folder that is new or empty.")
]

Lazy = Annotated[
    list[str] | None, typer.Option("--lazy", metavar="PROVER", help="One that computes no proofs; again, for more.")
]


def devnet_command(
    design: Design = "0.2.0", slot_seconds: SlotSeconds = 4, data: Data = None, lazy: Lazy = None
) -> None:
    """Start a chain, the contracts, the provers alice and bob, the proposers carol and dave, and tell what happens.

    Until Ctrl-C. A node that is killed is started again from its folder. All keys are known to everybody.
    """
    with needing("a network", "devnet"):
        from coordination.node.devnet.network import Plan, devnet
        from coordination.node.devnet.story import introduce, invitation
        from coordination.node.devnet.telling import Teller
    plan = Plan(design=_known(design), slot_duration=slot_seconds, lazy=frozenset(lazy or ()))
    if not plan.lazy <= {*plan.provers}:
        fail(f"the provers are {' and '.join(plan.provers)}; --lazy takes one of them")
    if data and data.exists() and (not data.is_dir() or any(data.iterdir())):
        fail(f"{str(data)!r} is no empty folder: a network begins anew, and needs a new one")
    with _ended_with_this_process(), TemporaryDirectory() as scratch, devnet(plan, data or Path(scratch)) as network:
        introduce(network, out.print)
        for name, node in network.nodes.items():
            roles = [role for role, who in (("prover", plan.provers), ("proposer", plan.proposers)) if name in who]
            out.print(f"{name}, {' and '.join(roles)}: --node-url {node.client.url}, log {node.log}")
            for variable, key in node.keys.items():
                out.print(f"  {variable}={key}")
        out.print(f"to join as a prover: {invitation(network)}")
        teller = Teller(network)
        while True:
            for line in teller.news():
                out.print(line.text)
            for node in network.nodes.values():
                if how := node.revive():
                    out.print(f"{node.name}'s node was {how}; it is started again from its folder")
            time.sleep(0.1)


def demo_command(design: Design = "0.2.0") -> None:
    """The whole story in one terminal, from bid to bond release, told line by line."""
    with needing("a network", "devnet"):
        from coordination.node.devnet.network import Plan
        from coordination.node.devnet.story import tell_story
    with _ended_with_this_process(), TemporaryDirectory() as scratch:
        tell_story(Plan(design=_known(design)), Path(scratch), out.print)


@contextmanager
def _ended_with_this_process() -> Iterator[None]:
    """SIGTERM, or a terminal that is closed, ends a network in good order too: its processes are in no terminal."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    ending = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for each in ending:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in ending:
            signal.signal(each, signal.SIG_DFL)


def _known(design: str) -> str:
    from coordination.chain.deployment import ROLLUPS

    if design not in ROLLUPS:
        fail(f"there is no design {design!r}; there are {' and '.join(ROLLUPS)}")
    return design
