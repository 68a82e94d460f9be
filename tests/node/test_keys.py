"""Keys from the environment and from keystores; whatever is wrong with one, no message shows it."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.chain.signing import ORDER
from coordination.node.keys import PROPOSER, PROVER, KeyProblem, Keys, load_key, load_keys

KEY, OTHER = development_key("alice"), development_key("bob")
HEX = KEY.to_bytes().hex()
PASSWORD = "correct horse battery staple "


def problem(environment: Mapping[str, str]) -> str:
    """What is told of a key that cannot be used: one line, and nothing of a secret, also in the traceback."""
    with pytest.raises(KeyProblem) as raised:
        load_keys(environment)
    told = "".join(traceback.format_exception(raised.value))
    assert "\n" not in str(raised.value)
    for secret in (HEX, HEX.upper(), PASSWORD.strip()):
        assert secret[:12] not in told
        assert secret[-12:] not in told
    return str(raised.value)


def key_or_problem(role: str, environment: Mapping[str, str]) -> PrivateKey | str | None:
    try:
        return load_key(role, environment)
    except KeyProblem as error:
        return str(error)


@pytest.fixture(scope="module")
def keystore() -> dict[str, Any]:
    return Account.encrypt(KEY.to_bytes(), PASSWORD, kdf="pbkdf2", iterations=2)


class Files:
    """A keystore and its password, in files that can be made otherwise."""

    def __init__(self, directory: Path, keystore: Mapping[str, Any]) -> None:
        self.keystore, self.password = directory / "key.json", directory / "password"
        self.keystore.write_text(json.dumps(keystore))
        self.password.write_text(PASSWORD)
        self.environment = {
            "VALIDATOR_KEYSTORE": str(self.keystore),
            "VALIDATOR_KEYSTORE_PASSWORD_FILE": str(self.password),
        }


@pytest.fixture
def files(tmp_path: Path, keystore: dict[str, Any]) -> Files:
    return Files(tmp_path, keystore)


@pytest.mark.parametrize(
    "text",
    [HEX, "0x" + HEX, "0X" + HEX.upper(), HEX.upper(), f" {HEX}\n"],
    ids=["plain", "0x", "0X", "capitals", "spaces"],
)
def test_a_key_is_read_with_or_without_prefix_in_any_case(text: str) -> None:
    assert load_key(PROVER, {"PROVER_PUBLISHER_PRIVATE_KEY": text}) == KEY
    assert load_key(PROPOSER, {"VALIDATOR_PRIVATE_KEY": text}) == KEY


def test_each_role_has_its_own_variable() -> None:
    environment = {"PROVER_PUBLISHER_PRIVATE_KEY": HEX, "VALIDATOR_PRIVATE_KEY": OTHER.to_hex()}
    assert load_keys(environment) == Keys(prover=KEY, proposer=OTHER)


def test_one_role_is_enough() -> None:
    assert load_keys({"PROVER_PUBLISHER_PRIVATE_KEY": HEX}) == Keys(prover=KEY, proposer=None)
    assert load_keys({"VALIDATOR_PRIVATE_KEY": HEX}) == Keys(prover=None, proposer=KEY)


@pytest.mark.parametrize("environment", [{}, {"PROVER_PUBLISHER_PRIVATE_KEY": "", "VALIDATOR_KEYSTORE": ""}])
def test_a_node_without_any_key_is_told_both_names(environment: dict[str, str]) -> None:
    names = "neither PROVER_PUBLISHER_PRIVATE_KEY nor VALIDATOR_PRIVATE_KEY is set"
    assert problem(environment) == f"{names}, nor a keystore in the place of either"


@pytest.mark.parametrize(
    "text",
    [
        HEX[:-1],
        HEX + "0",
        "0x0x" + HEX,
        HEX[:-1] + "g",
        HEX[:32] + " " + HEX[32:],
        HEX + "\n" + HEX,
        "alice",
        "0x",
        " ",
    ],
    ids=["63", "65", "0x twice", "no digit", "a space", "two lines", "a name", "nothing after 0x", "nothing"],
)
def test_what_is_no_key_is_told_and_not_shown(text: str) -> None:
    digits = "it has to be 64 hexadecimal digits, with or without 0x"
    environment = {"PROVER_PUBLISHER_PRIVATE_KEY": text}
    assert problem(environment) == f"PROVER_PUBLISHER_PRIVATE_KEY is no private key: {digits}"


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_a_number_that_is_none_of_the_curves_is_no_key(number: int) -> None:
    said = problem({"VALIDATOR_PRIVATE_KEY": f"{number:064x}"})
    assert said == "VALIDATOR_PRIVATE_KEY is no private key: its number is not one of the curve's"


@pytest.mark.parametrize("number", [1, ORDER - 1])
def test_the_first_and_the_last_number_of_the_curve_are_keys(number: int) -> None:
    key = load_key(PROPOSER, {"VALIDATOR_PRIVATE_KEY": f"{number:064x}"})
    assert key == PrivateKey(number.to_bytes(32, "big"))


@given(st.text(max_size=70))
def test_any_text_is_a_key_or_none_or_a_problem_that_does_not_depend_on_it(text: str) -> None:
    found = key_or_problem(PROVER, {"PROVER_PUBLISHER_PRIVATE_KEY": text})
    digits = "it has to be 64 hexadecimal digits, with or without 0x"
    number = "its number is not one of the curve's"
    problems = {f"PROVER_PUBLISHER_PRIVATE_KEY is no private key: {why}" for why in (digits, number)}
    assert str(found) in {"None", "0x" + text.strip().lower()[-64:], *problems}


def test_a_keystore_is_opened_with_its_password(files: Files) -> None:
    assert load_keys(files.environment) == Keys(prover=None, proposer=KEY)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_end_of_a_password_file_is_not_part_of_the_password(files: Files, end: str) -> None:
    files.password.write_bytes((PASSWORD + end).encode())
    assert load_key(PROPOSER, files.environment) == KEY


def test_a_keystore_of_the_common_kind_is_opened(files: Files) -> None:
    files.keystore.write_text(json.dumps(Account.encrypt(KEY.to_bytes(), PASSWORD, kdf="scrypt", iterations=2)))
    assert load_key(PROPOSER, files.environment) == KEY


def test_two_sources_for_one_key_are_refused(files: Files) -> None:
    said = problem({**files.environment, "VALIDATOR_PRIVATE_KEY": HEX})
    assert said == "VALIDATOR_PRIVATE_KEY and VALIDATOR_KEYSTORE are both set: which one is it to be?"


def test_a_keystore_without_a_password_file_is_refused(files: Files) -> None:
    del files.environment["VALIDATOR_KEYSTORE_PASSWORD_FILE"]
    assert problem(files.environment) == "VALIDATOR_KEYSTORE is set, but VALIDATOR_KEYSTORE_PASSWORD_FILE is not"


def test_a_wrong_password_is_told(files: Files) -> None:
    files.password.write_text(PASSWORD.strip())
    assert problem(files.environment) == f"{files.keystore} has another password"


@pytest.mark.parametrize("name", ["keystore", "password"])
def test_a_file_that_is_not_there_is_named(files: Files, name: str) -> None:
    path: Path = getattr(files, name)
    path.unlink()
    assert problem(files.environment) == f"{path} cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["keystore", "password"])
def test_a_file_that_is_no_text_is_named(files: Files, name: str) -> None:
    path: Path = getattr(files, name)
    path.write_bytes(KEY.to_bytes() + b"\xff")
    assert problem(files.environment) == f"{path} is no text"


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    def change(keystore: dict[str, Any]) -> Any:
        return {**keystore, "crypto": {key: value for key, value in keystore["crypto"].items() if key != name}}

    return change


def with_crypto(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda keystore: {**keystore, "crypto": {**keystore["crypto"], **changed}}


@pytest.mark.parametrize(
    "change",
    [
        lambda keystore: HEX,
        lambda keystore: [keystore],
        lambda keystore: None,
        lambda keystore: {},
        lambda keystore: {"version": 3},
        lambda keystore: {**keystore, "crypto": HEX},
        without("ciphertext"),
        without("kdfparams"),
        without("mac"),
        with_crypto(kdf="rot13"),
        with_crypto(ciphertext="not hex"),
        with_crypto(kdfparams={}),
    ],
)
def test_what_is_no_keystore_is_told(
    files: Files, keystore: dict[str, Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    files.keystore.write_text(json.dumps(change(keystore)))
    assert problem(files.environment) == f"{files.keystore} is not a keystore"


def changed(keystore: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """A keystore with another value in one place."""
    first, *rest = path
    return {**keystore, first: changed(keystore[first], tuple(rest), value) if rest else value}


def places(keystore: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in keystore.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from places(value, (*above, key))


@pytest.mark.parametrize("value", [None, True, 0, -1, 2**70, 1.5, "", "zz", "0x", "é", [], {}, ["0x"]], ids=repr)
def test_a_keystore_with_one_wrong_value_is_a_problem_or_opens_all_the_same(
    files: Files, keystore: dict[str, Any], value: object
) -> None:
    opened = set()
    for place in places(keystore):
        files.keystore.write_text(json.dumps(changed(keystore, place, value)))
        found = key_or_problem(PROPOSER, files.environment)
        if found == KEY:
            opened.add(place)
        else:
            assert str(found).startswith(f"{files.keystore} ")
    assert ("id",) in opened  # it says nothing of the key
    parts = {("ciphertext",), ("mac",), ("cipherparams", "iv"), ("kdfparams", "salt")}
    assert not opened & {("crypto", *part) for part in parts}


def test_a_keystore_whose_key_is_not_that_of_its_address_is_damaged(files: Files, keystore: dict[str, Any]) -> None:
    damaged = changed(keystore, ("crypto", "cipherparams", "iv"), "00" * 16)
    files.keystore.write_text(json.dumps(damaged))
    said = problem(files.environment)
    assert said == f"{files.keystore} is damaged: what it holds is not the key of {keystore['address']}"


@pytest.mark.parametrize("address", [None, address_of(KEY), address_of(KEY).lower(), address_of(KEY)[2:].upper()])
def test_a_keystore_may_write_its_address_in_any_way_or_not_at_all(
    files: Files, keystore: dict[str, Any], address: str | None
) -> None:
    files.keystore.write_text(json.dumps({**keystore, "address": address}))
    assert load_key(PROPOSER, files.environment) == KEY


@pytest.mark.parametrize("text", ["", HEX, "{" * 10_000], ids=["empty", "a key", "a bomb"])
def test_what_is_no_json_is_no_keystore(files: Files, text: str) -> None:
    files.keystore.write_text(text)
    assert problem(files.environment) == f"{files.keystore} is not a keystore"


def test_a_validators_keystore_for_consensus_holds_no_account(files: Files, keystore: dict[str, Any]) -> None:
    files.keystore.write_text(json.dumps({**keystore, "version": 4}))
    assert problem(files.environment) == f"{files.keystore} is not a keystore of version 3, the one for accounts"


def resealed(crypto: Mapping[str, Any], secret: bytes) -> dict[str, Any]:
    """What a keystore of KEY would be if it held `secret`, by the format's rules: AES in counter mode, and a MAC."""
    stream = bytes(a ^ b for a, b in zip(bytes.fromhex(crypto["ciphertext"]), KEY.to_bytes(), strict=True))
    sealed = bytes(a ^ b for a, b in zip(stream, secret, strict=False))
    salt, rounds = bytes.fromhex(crypto["kdfparams"]["salt"]), crypto["kdfparams"]["c"]
    derived = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, rounds, 32)
    return {**crypto, "ciphertext": sealed.hex(), "mac": keccak(derived[16:32] + sealed).hex()}


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, KEY.to_bytes()[:20]], ids=["zeros", "ones", "short"])
def test_a_keystore_of_something_else_than_a_key_is_told(files: Files, keystore: dict[str, Any], secret: bytes) -> None:
    files.keystore.write_text(json.dumps({**keystore, "crypto": resealed(keystore["crypto"], secret)}))
    said = problem(files.environment)
    assert said == f"{files.keystore} is no private key: its number is not one of the curve's"
