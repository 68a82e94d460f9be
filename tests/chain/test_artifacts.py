"""Artifacts in the shapes that compilers write them, and what is said of files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coordination.chain.artifacts import Artifact, ArtifactError, load, shipped

ABI = [{"type": "constructor", "inputs": [{"name": "bond", "type": "uint256"}]}]
CODE = bytes.fromhex("6000")
LAYOUT: dict[str, Any] = {"storage": [], "types": None}

SHAPES = {
    "Foundry": {"abi": ABI, "bytecode": {"object": "0x6000", "linkReferences": {}}, "storageLayout": LAYOUT},
    "Hardhat": {"contractName": "Auction", "abi": ABI, "bytecode": "0x6000"},
    "solc": {"abi": ABI, "evm": {"bytecode": {"object": "6000"}}, "storageLayout": LAYOUT},
}


def written(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_an_artifact_is_read_in_the_shape_of(shape: str, tmp_path: Path) -> None:
    artifact = load(written(tmp_path / "Auction.json", SHAPES[shape]))
    layout = SHAPES[shape].get("storageLayout")
    assert (artifact.name, artifact.abi, artifact.bytecode, artifact.storage_layout) == ("Auction", ABI, CODE, layout)
    assert artifact.creation(7) == CODE + (7).to_bytes(32, "big")


TARGET = {"settings": {"compilationTarget": {"src/Auction.sol": "Auction"}}}

NAMES: dict[str, tuple[dict[str, Any], str]] = {
    "as Hardhat writes it": ({"contractName": "Auction"}, "Auction"),
    "in Foundry's metadata": ({"metadata": TARGET}, "Auction"),
    "in solc's metadata, a text": ({"metadata": json.dumps(TARGET)}, "Auction"),
    "as the file": ({}, "renamed"),
    "as the file, where metadata do not tell": ({"metadata": {"settings": {}}}, "renamed"),
    "as the file, where metadata are empty": ({"metadata": ""}, "renamed"),
    "as the file, where a name is none": ({"contractName": 7, "metadata": []}, "renamed"),
}


@pytest.mark.parametrize("named", NAMES)
def test_a_contract_is_called(named: str, tmp_path: Path) -> None:
    given, name = NAMES[named]
    assert load(written(tmp_path / "renamed.json", {"abi": ABI, "bytecode": "0x6000", **given})).name == name


BAD = {
    "text": ("no JSON at all", "Auction.json is no artifact: "),
    "a list": ([], "it has no 'abi'"),
    "a number": (7, "it has no 'abi'"),
    "no abi": ({"bytecode": "0x6000"}, "it has no 'abi'"),
    "an abi that is none": ({"abi": {}, "bytecode": "0x6000"}, "it has no 'abi'"),
    "no bytecode": ({"abi": []}, "it has no 'bytecode'"),
    "an interface": ({"abi": [], "bytecode": "0x"}, "it has no 'bytecode'"),
    "an interface of Foundry's": ({"abi": [], "bytecode": {"object": "0x"}}, "it has no 'bytecode'"),
    "bytecode that is no text": ({"abi": [], "bytecode": {"object": 7}}, "it has no 'bytecode'"),
    "an evm that is no object": ({"abi": [], "evm": []}, "it has no 'bytecode'"),
    "an abi of other things": ({"abi": ["claim"], "bytecode": "0x6000"}, "it has no 'abi'"),
    "metadata that are no JSON": ({"abi": [], "bytecode": "0x6000", "metadata": "{"}, "Auction.json is no artifact: "),
    "metadata that are nested too deep": ({"abi": [], "bytecode": "0x60", "metadata": "[" * 100_000}, "levels deep"),
    "an unlinked library": (
        {"abi": [], "bytecode": "0x60__$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$__"},
        "its bytecode is not hexadecimal: is it linked with its libraries?",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_artifact_is_said_in_one_line(bad: str, tmp_path: Path) -> None:
    data, words = BAD[bad]
    with pytest.raises(ArtifactError) as raised:
        load(written(tmp_path / "Auction.json", data))
    assert words in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"^cannot read '.*Auction.json': No such file or directory$"):
        load(tmp_path / "Auction.json")


def test_a_file_that_is_no_text_is_no_artifact(tmp_path: Path) -> None:
    (tmp_path / "Auction.json").write_bytes(b"\x80\x81")
    with pytest.raises(ArtifactError, match="is no artifact"):
        load(tmp_path / "Auction.json")


def test_what_a_contract_does_not_declare_is_named() -> None:
    with pytest.raises(ArtifactError, match="TestToken has no function 'burn'"):
        shipped("TestToken").call("burn", 1)
    with pytest.raises(ArtifactError, match="TestToken has no error 'NotInClaimPhase'"):
        shipped("TestToken").error("NotInClaimPhase", 1)


def test_bytes_are_those_of_the_abi_specification() -> None:
    """Selectors and topics of ERC-20, as written in a thousand places."""
    token = shipped("TestToken")
    holder = "0x" + "00" * 19 + "01"
    one = (1).to_bytes(32, "big")
    assert token.call("transfer", holder, 1) == bytes.fromhex("a9059cbb") + one + one
    assert token.call("totalSupply") == bytes.fromhex("18160ddd")
    topics, data = token.event("Transfer", holder, holder, 1)
    transfer = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert (topics, data) == ((bytes.fromhex(transfer), one, one), one)


def test_an_answer_is_explained_in_words() -> None:
    rollup: Artifact = shipped("SeedProverCoordination")
    assert rollup.explain_error(rollup.error("NotPreviousEpoch", 7, 40)) == "NotPreviousEpoch(epoch=7, slot=40)"
    panic = bytes.fromhex("4e487b71") + (17).to_bytes(32, "big")
    assert rollup.explain_error(panic) == "Panic(code=17)"
    assert rollup.explain_error(b"") is None
    assert rollup.explain_event(*rollup.event("EpochPruned", 7, 1_000)) == "EpochPruned(epoch=7, slashed=1000)"
    assert rollup.explain_event((), b"") is None
