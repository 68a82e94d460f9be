"""A scenario as a Python program that can be pasted, and run where this package is installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import indent, wrap
from typing import Any

from eth_utils.address import to_checksum_address

from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS
from coordination.conform.programs.decoded import Decoded, decoded, decoded_log
from coordination.conform.programs.scenario import Call, Scenario
from coordination.conform.rollup.setup import Drawn

_PROGRAM = '''"""{title}

This program runs where the package coordination is installed. It ends with an AssertionError for as long as the
contract does anything else than the specification.
"""

from pathlib import Path

from coordination.chain.accounts import address_of, development_key
from coordination.chain.artifacts import Artifact, load, shipped
from coordination.chain.chain import Answer
from coordination.chain.deployment import Parameters
from coordination.chain.evm import Evm
from coordination.chain.quote import Quote
from coordination.chain.signing import sign, signing
from coordination.conform.divergence import show_answer, show_logs
from coordination.conform.rollup.setup import Drawn, Listed, Setup

{accounts}

SETUP = Setup(
{setup}
)


def replay(rollup: Artifact) -> None:
    evm, token = Evm(), shipped("TestToken")
    there = SETUP.deploy(evm, rollup)

    def take(signer: str, quote: Quote, slot: int) -> tuple:
        digest = signing(there.version, there.chain_id, there.rollup).take_digest(quote, slot)
        return quote.signed(sign(development_key(signer), digest))

    def accepted(answer: Answer, *events: tuple) -> None:
        assert answer.succeeded, show_answer(answer, [rollup, token])
        logs = [log for log in answer.logs if log.address == there.rollup]
        assert [(log.topics, log.data) for log in logs] == list(events), show_logs(logs, [rollup, token])

    def rejected(answer: Answer, error: bytes) -> None:
        assert answer == Answer(False, error), show_answer(answer, [rollup, token])

    def stored(contract: str, slot: int, word: int) -> None:
        found = evm.whole_storage(contract).get(slot, 0)
        assert found == word, f"{{found:#x}} in slot {{slot:#x}}"

{calls}


if __name__ == "__main__":
    replay({rollup})
'''


def python_program(scenario: Scenario, artifact: Path | None = None) -> str:
    """The program. It runs the shipped contract, or the one in the file `artifact`; its `replay` runs any."""
    return _Python(scenario).program(artifact)


class _Python:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._there = scenario, scenario.there
        self._accounts = {address: name.upper() for address, name in scenario.setup.names.items()}
        self._places = {self._there.rollup: "there.rollup", self._there.token: "there.token"}
        self._artifacts = (shipped(ROLLUPS[scenario.setup.version]), shipped("TestToken"))

    def program(self, artifact: Path | None) -> str:
        names = self._scenario.setup.names.values()
        calls = [*map(self._call, self._scenario.calls), *self._stored(), *self._told()]
        return _PROGRAM.format(
            title="\n".join(wrap(self._scenario.title, 110)),
            accounts="\n".join(f'{name.upper()} = address_of(development_key("{name}"))' for name in names),
            setup=indent("\n".join(self._setup()), "    "),
            calls=indent("\n\n".join(calls), "    "),
            rollup=f"load(Path({str(artifact)!r}))" if artifact else f'shipped("{ROLLUPS[self._there.version]}")',
        )

    def _setup(self) -> Iterator[str]:
        setup = self._scenario.setup
        yield f'version="{setup.version}",'
        yield "parameters=Parameters("
        yield from (f"    {name}={value:_}," for name, value in asdict(setup.parameters).items())
        yield "),"
        if isinstance(setup.schedule, Drawn):
            validators = self._literal(setup.schedule.validators)
            yield f'schedule=Drawn(bytes.fromhex("{setup.schedule.seed.hex()}"), {validators}),'
        else:
            yield f"schedule=Listed({self._literal(setup.schedule.proposers)}),"
        holdings = (f"{self._literal(holder)}: {amount:_}" for holder, amount in setup.holdings.items())
        yield f"holdings={{{', '.join(holdings)}}},"
        yield f"reward_pool={setup.reward_pool:_},"
        yield f"gift={setup.gift:_},"

    def _call(self, call: Call) -> str:
        message, expected = call.message, call.expected
        sent = f"evm.call({self._literal(message.sender)}, {self._places[message.to]}, {self._data(call)})"
        if expected.reverts is None:
            judge = "accepted"
            answer = [self._spoken("event", decoded_log(log, self._artifacts[0])) for log in expected.logs]
        else:
            error = decoded("error", expected.reverts, self._artifacts)
            judge = "rejected"
            answer = [self._spoken("error", error) if error else self._literal(expected.reverts)]
        lines = [
            f"# in slot {self._scenario.setup.slot_at(call.timestamp)}: {message.text}",
            f"evm.at({call.timestamp:_})",
            f"{judge}(",
            *(f"    {argument}," for argument in (sent, *answer)),
            ")",
        ]
        return "\n".join(lines)

    def _data(self, call: Call) -> str:
        function = decoded("function", call.message.data, self._artifacts)
        if function is None:
            return self._literal(call.message.data)
        signer = function.taken and self._scenario.taker(*function.taken, call.timestamp)
        if function.taken and signer:
            prover, epoch, fee = map(self._literal, function.taken[0])
            slot = self._scenario.setup.slot_at(call.timestamp)
            return f'rollup.call("claimProofRight", take("{signer}", Quote({prover}, {epoch}, {fee}), slot={slot:_}))'
        return self._spoken("call", function)

    def _spoken(self, method: str, entry: Decoded) -> str:
        contract = "token" if entry.artifact == "TestToken" else "rollup"
        arguments = ", ".join([f'"{entry.name}"', *map(self._literal, entry.values)])
        return f"{contract}.{method}({arguments})"

    def _literal(self, value: Any) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(map(self._literal, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, bytes):
            return f'bytes.fromhex("{value.hex()}")'
        if isinstance(value, str):
            address = to_checksum_address(value)
            return self._places.get(address) or self._accounts.get(address) or f'"{address}"'
        return f"{value:_}" if type(value) is int else str(value)

    def _stored(self) -> Iterator[str]:
        for word in self._scenario.stored:
            yield f"# {word.name}\nstored({self._places[word.contract]}, {word.slot:#x}, {word.value:#x})"

    def _told(self) -> Iterator[str]:
        view = self._scenario.view
        if view:
            asked = f"evm.call({self._literal(view.message.sender)}, there.rollup, {self._literal(view.message.data)})"
            moment = f"# {view.message.text}\nevm.at({self._scenario.timestamp:_})"
            yield f"{moment}\nanswer = {asked}\nassert answer == Answer(True, {self._literal(view.returns)}), answer"
