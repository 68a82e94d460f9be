"""Bugs planted in the contract's source that no small instance shows, and what stateful conformance makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from coordination.chain.artifacts import Artifact
from coordination.chain.deployment import ROLLUPS
from coordination.conform.fuzz.stateful import Fuzzed, run
from coordination_spec import DESIGNS
from tests.contracts.toolchain import CONTRACTS
from tests.contracts.toolchain import run as run_tool

CONTRACT = ROLLUPS["0.2.0"]
FILE = "src/ProverCoordination.sol"


@dataclass(frozen=True)
class Bug:
    """`right`, which is there once, becomes `wrong`; `seed` is one of runs that show it soon."""

    seed: int
    right: str
    wrong: str


BUGS: Mapping[str, Bug] = {
    "C5 in 64 bits": Bug(3, "quote.epoch != epoch - 1", "uint64(quote.epoch) != uint64(epoch - 1)"),
    "C6 in 16 bits": Bug(2, "quote.basisPointFee > WHOLE", "uint16(quote.basisPointFee) > WHOLE"),
    "no C6": Bug(2, "if (quote.basisPointFee > WHOLE)", "if (false)"),
    "a reward overflows": Bug(
        2, "Math.mulDiv(reward, claim.basisPointFee, WHOLE)", "reward * claim.basisPointFee / WHOLE"
    ),
    "X1 overflows": Bug(
        2,
        "slot >= claimSlots && (slot - claimSlots) / slotsPerEpoch > epoch",
        "slot >= (epoch + 1) * slotsPerEpoch + claimSlots",
    ),
    "a claim's slot in 32 bits": Bug(2, "SafeCast.toUint96(slot)", "uint32(slot)"),
}


def sources(name: str, folder: str) -> dict[str, str]:
    """The contracts with a bug, by the file that each is in, all below `folder`."""
    bug = BUGS[name]
    files = sorted((CONTRACTS / "src").rglob("*.sol"))
    texts = {path.relative_to(CONTRACTS).as_posix(): path.read_text() for path in files}
    assert texts[FILE].count(bug.right) == 1, f"the contract does not say {bug.right!r} once"
    texts[FILE] = texts[FILE].replace(bug.right, bug.wrong)
    return {f"{folder}/{file}": text for file, text in texts.items()}


@cache
def artifacts() -> Mapping[str, Artifact]:
    """The contract of 0.2.0 with each of the bugs, by name: all in one compilation."""
    folders = {name: f"bug{number}" for number, name in enumerate(BUGS)}
    given = {file: text for name, folder in folders.items() for file, text in sources(name, folder).items()}
    wanted = {name: f"{folder}/src/{CONTRACT}.sol:{CONTRACT}" for name, folder in folders.items()}
    question = {"wanted": list(wanted.values()), "sets": [given]}
    answer = run_tool(["node", "tools/compile-stdin.mjs"], CONTRACTS, json.dumps(question))
    assert answer.returncode == 0, answer.stderr
    compiled = json.loads(answer.stdout)["contracts"]
    return {name: _artifact(compiled[contract]) for name, contract in wanted.items()}


def _artifact(data: Mapping[str, str]) -> Artifact:
    code = bytes.fromhex(data["bytecode"].removeprefix("0x"))
    return Artifact(data["contractName"], data["abi"], code, data["storageLayout"])  # type: ignore[arg-type]


@cache
def found(name: str, shrink: bool = False) -> Fuzzed:
    """The first failure that a bug leads to, in runs of a few calls."""
    return run(DESIGNS["0.2.0"], artifacts()[name], seed=BUGS[name].seed, examples=2_000, steps=8, shrink=shrink)


def compiled_with(right: str, wrong: str) -> str:
    """The artifact, as a file would hold it, of 0.2.0's contract with one text in place of another."""
    return json.dumps(compiled_with_each({"": (right, wrong)})[""])


def compiled_with_each(changes: Mapping[str, tuple[str, str]]) -> Mapping[str, Any]:
    """0.2.0's contract with one text in place of another, for each of `changes`: all by one process."""
    text = (CONTRACTS / FILE).read_text()
    for right, _ in changes.values():
        assert text.count(right) == 1, f"the contract does not say {right!r} once"
    sets = [{FILE: text.replace(right, wrong)} for right, wrong in changes.values()]
    question = {"wanted": [f"src/{CONTRACT}.sol:{CONTRACT}"], "sets": sets}
    answer = run_tool(["node", "tools/compile-stdin.mjs"], CONTRACTS, json.dumps(question))
    assert answer.returncode == 0, answer.stderr
    compiled = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [each["error"] for each in compiled if "error" in each] == []
    return {name: next(iter(each["contracts"].values())) for name, each in zip(changes, compiled, strict=True)}
