"""The L1 keys of a node, from its environment: as they are, or in encrypted keystore files.

    PROVER_PUBLISHER_PRIVATE_KEY               makes quotes, and sends claims and proofs (N1)
    VALIDATOR_PRIVATE_KEY                      takes quotes

or, in the place of either, a file as geth and other wallets write it, and one with its password:

    PROVER_PUBLISHER_KEYSTORE                  VALIDATOR_KEYSTORE
    PROVER_PUBLISHER_KEYSTORE_PASSWORD_FILE    VALIDATOR_KEYSTORE_PASSWORD_FILE

A variable that is empty counts as not set. No message of this module shows any part of a key or a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from coordination.chain.accounts import address_of
from coordination.chain.signing import ORDER
from coordination.json_text import parse_json

PROVER, PROPOSER = "PROVER_PUBLISHER", "VALIDATOR"  # what the names of their variables begin with

_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")


class KeyProblem(Exception):
    """A key is missing or cannot be used; the message says in one line which variable or file, and why."""


class Keys(NamedTuple):
    prover: PrivateKey | None
    proposer: PrivateKey | None


def load_keys(environment: Mapping[str, str]) -> Keys:
    """Both keys, as far as they are set. Raises KeyProblem also if neither is."""
    keys = Keys(load_key(PROVER, environment), load_key(PROPOSER, environment))
    if keys == (None, None):
        names = " nor ".join(f"{role}_PRIVATE_KEY" for role in (PROVER, PROPOSER))
        raise KeyProblem(f"neither {names} is set, nor a keystore in the place of either")
    return keys


def load_key(role: str, environment: Mapping[str, str]) -> PrivateKey | None:
    """The key of PROVER or PROPOSER; None if none is set. Raises KeyProblem."""
    direct, keystore, password = f"{role}_PRIVATE_KEY", f"{role}_KEYSTORE", f"{role}_KEYSTORE_PASSWORD_FILE"
    if environment.get(direct) and environment.get(keystore):
        raise KeyProblem(f"{direct} and {keystore} are both set: which one is it to be?")
    if environment.get(direct):
        return _parse(environment[direct], direct)
    if not environment.get(keystore):
        return None
    if not environment.get(password):
        raise KeyProblem(f"{keystore} is set, but {password} is not")
    return _decrypt(_read(environment[keystore]), _read(environment[password]).rstrip("\r\n"), environment[keystore])


def _parse(text: str, name: str) -> PrivateKey:
    found = _HEX.fullmatch(text.strip())
    if found is None:
        raise KeyProblem(f"{name} is no private key: it has to be 64 hexadecimal digits, with or without 0x")
    return _key(bytes.fromhex(found[1]), name)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise KeyProblem(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeyProblem(f"{path} is no text") from None


def _decrypt(text: str, password: str, path: str) -> PrivateKey:
    """The key in a keystore of version 3; those of version 4 hold other kinds of keys. It takes a second or so."""
    try:
        keystore = parse_json(text)
        if keystore["version"] != 3:
            raise KeyProblem(f"{path} is not a keystore of version 3, the one for accounts")
        secret = bytes(Account.decrypt(keystore, password))
    except KeyProblem:
        raise
    except Exception as error:  # a file can be wrong in any way, and the library trips over each in its own
        is_wrong = str(error) == "MAC mismatch"
        raise KeyProblem(f"{path} has another password" if is_wrong else f"{path} is not a keystore") from None
    key, address = _key(secret, path), keystore.get("address")
    if address and str(address).lower().removeprefix("0x") != address_of(key).lower().removeprefix("0x"):
        raise KeyProblem(f"{path} is damaged: what it holds is not the key of {address}")  # no MAC covers the IV
    return key


def _key(secret: bytes, name: str) -> PrivateKey:
    if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < ORDER:
        raise KeyProblem(f"{name} is no private key: its number is not one of the curve's")
    return PrivateKey(secret)
