"""`prover-coordination ...`, of `coordination` and of `aztec`: what it asks a node, what it prints, how it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordination.chain.accounts import address_of
from coordination.cli.prover_coordination import aztec
from coordination.node.api.guard import TOKEN, Settings
from coordination.node.api.parameters import PROOF_SIZE
from tests.command import Run, assert_refused
from tests.node.api.stage import ALICE, BOB, EPOCH, Node, serving
from tests.node.api.test_client import answering

SECRET = "a-token-of-this-length"


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def ask(run: Run, node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`coordination prover-coordination`, where a node is running."""
    with serving(node) as url:
        monkeypatch.setenv("AZTEC_NODE_URL", url)
        yield lambda *arguments: run("prover-coordination", *arguments)


def test_the_command_of_the_seed_bids(
    ask: Run, node: Node, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "aztec prover-coordination submit-epoch-proof-bid --epoch 123 --basis-point-fee 1000"
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit) as exit_:
        aztec()
    assert not exit_.value.code
    assert node.calls == [("bid", 123, 1_000)]
    assert (
        capsys.readouterr().out == "bid 1000 basis points for epoch 123; of several bids for it, the cheapest counts\n"
    )


def test_the_same_command_is_part_of_this_projects(ask: Run, node: Node) -> None:
    assert ask("submit-epoch-proof-bid", "--epoch", "123", "--basis-point-fee", "1000").code == 0
    assert node.calls == [("bid", 123, 1_000)]


@pytest.mark.parametrize(
    ("epoch", "fee", "error"), [(EPOCH, 10_001, "InvalidBasisPointFee"), (EPOCH - 1, 5, "EpochNoLongerClaimable")]
)
def test_what_the_node_refuses_ends_in_one_line_and_code_1(ask: Run, epoch: int, fee: int, error: str) -> None:
    result = ask("submit-epoch-proof-bid", "--epoch", str(epoch), "--basis-point-fee", str(fee))
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"error: the node refuses: {error}: ")
    assert len(result.err.splitlines()) == 1


def test_a_proof_is_handed_in_from_a_file_or_as_it_is(ask: Run, node: Node, tmp_path: Path) -> None:
    file = tmp_path / "proof"
    file.write_bytes(b"\x00\xff")
    assert ask("submit-epoch-proof", "--epoch", "5", "--proof", file).code == 0
    assert ask("submit-epoch-proof", "--epoch", "6", "--proof", "0xabcd").code == 0
    assert node.calls == [("hand_in", 5, b"\x00\xff"), ("hand_in", 6, b"\xab\xcd")]


def test_what_is_no_proof_is_refused(ask: Run, node: Node, tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(bytes(PROOF_SIZE + 1))
    for proof, why in (("none", "No such file"), ("", "Is a directory"), ("long", "longer than 1,048,576 bytes")):
        assert_refused(ask("submit-epoch-proof", "--epoch", "5", "--proof", tmp_path / proof), proof, why)
    assert "hexadecimal" in ask("submit-epoch-proof", "--epoch", "5", "--proof", "0xabc").err
    assert node.calls == []


def test_quotes_are_listed_cheapest_first(ask: Run) -> None:
    assert ask("quotes", "--epoch", "5").out == "no quotes for epoch 5\n"
    ask("submit-epoch-proof-bid", "--epoch", "5", "--basis-point-fee", "700")
    lines = ask("quotes", "--epoch", "5").out.splitlines()
    assert [line.split() for line in lines] == [["prover", "basis", "points"], [address_of(ALICE), "700"]]
    quote = {"prover": address_of(ALICE), "epoch": 5, "basisPointFee": 700}
    assert json.loads(ask("quotes", "--epoch", "5", "--json").out) == [quote]


def test_a_claim_is_shown(ask: Run) -> None:
    fields = dict(line.split() for line in ask("claim", "--epoch", str(EPOCH - 1)).out.splitlines())
    wanted = {"status": "CLAIMED", "prover": address_of(ALICE), "proposer": address_of(BOB), "basisPointFee": "500"}
    assert fields == {**wanted, "slot": "130"}
    assert ask("claim", "--epoch", "9").out.split()[:4] == ["status", "OPEN", "prover", "-"]
    assert json.loads(ask("claim", "--epoch", "9", "--json").out)["prover"] is None


def test_the_status_is_shown(ask: Run) -> None:
    fields = dict(line.split() for line in ask("status").out.splitlines())
    assert (fields["epoch"], fields["isHealthy"], fields["isInClaimPhase"], fields["proposer"]) == (
        "5",
        "yes",
        "no",
        "-",
    )
    assert json.loads(ask("status", "--json").out)["chainId"] == 31_337


def test_a_token_is_taken_from_a_file_or_the_environment(
    run: Run, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    with serving(node, Settings(port=0, token=SECRET)) as url:
        status = ("prover-coordination", "status", "--node-url", url)
        assert_refused(run(*status), "token", TOKEN)
        assert run(*status, "--token-file", file).code == 0
        monkeypatch.setenv(TOKEN, SECRET)
        assert run(*status).code == 0
        assert_refused(run(*status, "--token-file", tmp_path / "none"), "none", "No such file")


def test_a_token_is_no_argument(ask: Run) -> None:
    assert ask("status", "--token", SECRET).code == 2


def test_a_node_that_is_not_there_is_told_in_one_line(run: Run) -> None:
    url = "http://127.0.0.1:9"
    assert_refused(run("prover-coordination", "status", "--node-url", url), "no node answers", url)
    assert_refused(run("prover-coordination", "status", "--node-url", "node"), "write http://HOST:PORT")


@pytest.mark.parametrize("command", [("quotes", "--epoch", "1"), ("claim", "--epoch", "1"), ("status",)])
@pytest.mark.parametrize("result", [7, "x", [7], [{}]])
def test_a_node_of_another_kind_is_told_in_one_line(run: Run, command: tuple[str, ...], result: object) -> None:
    with answering(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()) as (url, _):
        assert_refused(run("prover-coordination", *command, "--node-url", url), "no node of prover coordination")


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit-epoch-proof-bid", "--epoch", "5"),
        ("submit-epoch-proof-bid", "--epoch", "five", "--basis-point-fee", "5"),
        ("submit-epoch-proof-bid", "--epoch", "-5", "--basis-point-fee", "5"),
        ("quotes",),
        ("nothing",),
    ],
)
def test_wrong_usage_asks_nothing_of_the_node(ask: Run, node: Node, arguments: tuple[str, ...]) -> None:
    assert ask(*arguments).code == 2
    assert node.calls == []
