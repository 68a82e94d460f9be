"""The example in `examples/another_contract`: another team's contract, its one mistake, and the same without it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from coordination.chain.artifacts import load
from coordination.conform.exhaustive import Conformance, conform
from coordination_spec import DESIGNS
from examples.another_contract.adapter import GENESIS, SLOT_TIME, EpochAuctionAdapter
from tests.command import Run
from tests.contracts import toolchain

ROOT = toolchain.ROOT
EXAMPLE = ROOT / "examples" / "another_contract"
GUIDE = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
FILE = "../examples/another_contract/EpochAuction.sol"
ADAPTER = "examples.another_contract.adapter:EpochAuctionAdapter"
HARDENED = DESIGNS["0.2.0"]
TRANSITIONS = 146_270  # of tiny, by calls

MISTAKE = ("block.timestamp > deadlineOf[epoch]", "block.timestamp >= deadlineOf[epoch]")
OTHER_MISTAKES = {
    "dust": ("reward - Math.mulDiv(reward, feeOf[epoch], WHOLE)", "Math.mulDiv(reward, WHOLE - feeOf[epoch], WHOLE)"),
    "pool": ("if (stageOf(epoch) == Stage.CLAIMED) pool += BOND;", ""),
    "caller": ('require(prover == msg.sender, "EpochAuction: not the prover");', ""),
    "view": ("(slot - CLAIM_SLOTS) / EPOCH_SLOTS > epoch;", "true;"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Artifacts: of the source as it is, corrected, and corrected but with each of the other mistakes."""
    source = (EXAMPLE / "EpochAuction.sol").read_text(encoding="utf-8")
    texts = {"as it is": source, "corrected": edited(source, MISTAKE)}
    texts |= {name: edited(texts["corrected"], mistake) for name, mistake in OTHER_MISTAKES.items()}
    wanted = f"{FILE}:EpochAuction"
    given = {"wanted": [wanted], "sets": [{FILE: text} for text in texts.values()]}
    command = ["node", "tools/compile-stdin.mjs"]
    lines = toolchain.run(command, toolchain.CONTRACTS, json.dumps(given)).stdout.splitlines()
    folder = tmp_path_factory.mktemp("built")
    for name, line in zip(texts, lines, strict=True):
        (folder / f"{name}.json").write_text(json.dumps(json.loads(line)["contracts"][wanted]), encoding="utf-8")
    return {name: folder / f"{name}.json" for name in texts}


def edited(source: str, edit: tuple[str, str]) -> str:
    assert source.count(edit[0]) == 1
    return source.replace(*edit)


def held(artifact: Path, *, is_distinct: bool = True) -> Conformance:
    tiny = HARDENED.instance("tiny")
    return conform(HARDENED, tiny, load(artifact), EpochAuctionAdapter, is_distinct=is_distinct, most_divergences=1_000)


def test_the_committed_artifact_is_what_the_source_gives(built: Mapping[str, Path]) -> None:
    committed = json.loads((EXAMPLE / "EpochAuction.json").read_text(encoding="utf-8"))
    assert json.loads(built["as it is"].read_text(encoding="utf-8")) == committed


def test_the_mistake_is_found_wherever_it_shows_and_nothing_else_is() -> None:
    result = held(EXAMPLE / "EpochAuction.json")
    assert {each.sent.message.text for each in result.divergences} == {
        "canExpire(0)",
        "expire(0)",
        "settle(0, a proof)",
        "settle(0, nothing)",
    }


def test_the_mistake_is_told_by_one_claim_and_one_proof_in_the_second_after_its_time() -> None:
    result = held(EXAMPLE / "EpochAuction.json")
    (divergence,) = (each for each in result.divergences if each.sent.message.text == "settle(0, a proof)")
    (claim,) = divergence.path
    assert claim.step is not None
    assert claim.step.action == "claim_proof_right"
    assert divergence.kind == "answer"
    assert divergence.sent.timestamp == GENESIS + (claim.step.state["now"] + 1) * SLOT_TIME  # P = 1
    assert divergence.expected == "reverts with Error(message=EpochAuction: too late)"
    assert divergence.found == "accepts it"


@pytest.mark.parametrize("is_distinct", [True, False], ids=["once for states that look alike", "from every state"])
def test_without_the_mistake_every_transition_is_answered_as_specified(
    built: Mapping[str, Path], is_distinct: bool
) -> None:
    result = held(built["corrected"], is_distinct=is_distinct)
    assert result.divergences == []
    assert result.transitions == result.planned
    assert is_distinct or result.transitions == TRANSITIONS
    assert result.never == (("submit_epoch_proof", "EVM", "Panic"),)


@pytest.mark.parametrize(
    ("mistake", "kind", "message", "expected", "found"),
    [
        ("dust", "events", "settle", "toProver=2, toSequencer=3", "toProver=3, toSequencer=2"),
        ("pool", "storage", "expire", "EpochAuction.pool = 5", "EpochAuction.pool = 3"),
        ("caller", "answer", "claim", "EpochAuction: not the prover", "accepts it"),
        ("view", "view", "canExpire", "0", "1"),
    ],
)
def test_other_mistakes_are_told_as_what_they_are(
    built: Mapping[str, Path], mistake: str, kind: str, message: str, expected: str, found: str
) -> None:
    alike = [each for each in held(built[mistake]).divergences if each.kind == kind]
    assert alike
    assert all(each.sent.message.text.startswith(f"{message}(") for each in alike)
    assert expected in alike[0].expected
    assert found in alike[0].found


def test_the_guide_shows_the_example_s_own_code() -> None:
    code = (EXAMPLE / "adapter.py").read_text(encoding="utf-8")
    shown = blocks("python")
    assert len(shown) > 5
    assert [block for block in shown if block not in code] == []


def test_the_guide_shows_what_is_printed(run: Run) -> None:
    artifact = EXAMPLE / "EpochAuction.json"
    result = run("conform", "contract", "--design", "0.2.0", "--artifact", artifact, "--adapter", ADAPTER)
    assert result.code == 1
    (shown,) = blocks("text")
    assert shown in result.out
    assert f"all {TRANSITIONS:,} transitions are answered as specified" in GUIDE


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
