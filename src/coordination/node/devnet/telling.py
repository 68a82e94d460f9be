"""What happens in a network, as sentences: from what its nodes log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from coordination.chain.accounts import address_of, development_key
from coordination.node.devnet.network import TST, Network
from coordination.node.devnet.processes import NodeProcess, parse

Event = Mapping[str, Any]


class Line(NamedTuple):
    """Something that happened: when, in Unix seconds, and what."""

    time: float
    text: str


class Teller:
    """Follows the logs of a network's nodes."""

    def __init__(self, network: Network) -> None:
        self._nodes = network.nodes
        self._read = dict.fromkeys(network.nodes, 0)  # bytes of each log
        self._told: set[tuple[str | None, str]] = set()  # bids are published in each slot; who starts again says again
        self._names = {address_of(development_key(name)): name for name in network.nodes}

    def news(self) -> list[Line]:
        """What was logged since the last time, in the order of time, as far as it is worth telling."""
        lines = [line for name, node in self._nodes.items() for line in self._follow(name, node)]
        return sorted(lines)

    def _follow(self, name: str, node: NodeProcess) -> Iterator[Line]:
        with node.log.open("rb") as log:
            log.seek(self._read[name])
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read[name] += len(whole)
        for raw in whole.splitlines():
            event = parse(raw.decode(errors="replace"))
            text = self._sentence(name, event) if event else None
            if not event or not text or (event.get("key"), text) in self._told:
                continue
            if event.get("topic") == "make" or event.get("what") == "mined":
                self._told.add((event.get("key"), text))
            yield Line(datetime.fromisoformat(event["timestamp"]).timestamp(), text)

    def _sentence(self, name: str, event: Event) -> str | None:
        tell = _SENTENCES.get((event["event"], event.get("topic") or event.get("fact") or event.get("what")))
        prover = self._names.get(event.get("prover", ""), "somebody")
        return tell({**event, "name": name, "prover": prover}) if tell else None


def tst(amount: int) -> str:
    """An amount of TST, in whole ones."""
    return f"{amount / TST:,.2f}".rstrip("0").rstrip(".") + " TST"


def _percent(event: Event) -> str:
    return f"{event['basis_point_fee'] / 100:g} %"


def _mined(event: Event) -> str | None:
    """What a transaction of a prover's did, when it is in a block."""
    kind, *numbers = event["key"].split(":")
    if kind == "claim":
        return f"{event['name']}'s claim is mined: the rollup holds its bond"
    return f"{event['name']}'s proof of epoch {numbers[0]} is mined: bond and reward are paid"


_SENTENCES: Mapping[tuple[str, str | None], Callable[[Event], str | None]] = {
    ("published", "make"): lambda e: f"{e['name']} bids for epoch {e['epoch']}: {_percent(e)} of its reward",
    ("remembered", "Chosen"): lambda e: (
        f"{e['name']}, who proposes in slot {e['slot']}, chooses {e['prover']}'s quote of {_percent(e)}, on its disk"
    ),
    ("published", "take"): lambda e: f"{e['name']} signs it too, and publishes the take",
    ("remembered", "Claimed"): lambda e: f"{e['name']} is taken in slot {e['slot']}, and notes that it claims",
    ("sending", "SendClaim"): lambda e: f"{e['name']} sends claimProofRight, with a bond",
    ("proof wanted", None): lambda e: (
        f"{e['name']} has claimed epoch {e['epoch']}: a proof must land before slot {e['before_slot']}"
    ),
    ("sending", "SendProof"): lambda e: f"{e['name']} sends submitEpochProof for epoch {e['epoch']}",
    ("transaction", "mined"): _mined,
    ("transaction", "would revert"): lambda e: f"{e['name']} does not send it for now: {e['detail']}",
    ("transaction", "reverted"): lambda e: f"{e['name']}'s transaction failed: {e['detail']}",
    ("proof missed, bond lost", None): lambda e: (
        f"{e['name']}'s proof of epoch {e['epoch']} has not landed in time: its bond is lost"
    ),
    ("prover cannot pay a bond", None): lambda e: f"{e['name']} cannot pay a bond: nobody will take its bids",
    ("L1 does not answer", None): lambda e: f"{e['name']} does not reach L1",
    ("L1 answers again", None): lambda e: f"{e['name']} reaches L1 again",
}
