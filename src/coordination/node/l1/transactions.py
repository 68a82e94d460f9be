"""Transactions as they are signed: what they pay, and how they are read back from their bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from coordination.chain.quote import Address

TIP = 2 * 10**9  # wei for each unit of gas: whoever claims has a slot's time for it


class Fees(NamedTuple):
    """EIP-1559: what is paid for each unit of gas at most, and what of that is for whoever includes it; in wei."""

    most: int
    tip: int


def compute_fees(base_fee: int) -> Fees:
    """Enough for at least five full blocks in a row, each of which raises the base fee by an eighth."""
    return Fees(2 * base_fee + TIP, TIP)


def compute_raised(fees: Fees, base_fee: int) -> Fees:
    """An eighth more, which every pool takes for a replacement, or what is asked now, if that is more."""
    now = compute_fees(base_fee)
    return Fees(max(_eighth_more(fees.most), now.most), max(_eighth_more(fees.tip), now.tip))


def _eighth_more(fee: int) -> int:
    return fee + -(-fee // 8)


class Transaction(NamedTuple):
    """A signed one, without value."""

    digest: str
    nonce: int
    to: Address
    data: bytes
    gas: int
    fees: Fees


def sign(key: PrivateKey, chain_id: int, nonce: int, to: Address, data: bytes, gas: int, fees: Fees) -> bytes:
    """The transaction's bytes, to be sent as they are."""
    content = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": to,
        "value": 0,
        "data": data,
        "gas": gas,
        "maxFeePerGas": fees.most,
        "maxPriorityFeePerGas": fees.tip,
    }
    return bytes(Account.sign_transaction(content, key).raw_transaction)


@lru_cache(1 << 10)
def read(raw: bytes) -> Transaction:
    """What `sign` made."""
    content = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    fees = Fees(content["maxFeePerGas"], content["maxPriorityFeePerGas"])
    to, data = to_checksum_address(content["to"]), bytes(content["data"])
    return Transaction("0x" + keccak(raw).hex(), content["nonce"], to, data, content["gas"], fees)
