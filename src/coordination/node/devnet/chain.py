"""A development chain whose clock is this machine's, and an account on it that owns all ether."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint, TxParams, TxReceipt, Wei

from coordination.chain.accounts import DEPLOYER, address_of
from coordination.chain.anvil import AnvilError, find_anvil, live_anvil
from coordination.chain.errors import DeploymentError
from coordination.chain.quote import Address
from coordination.node.devnet.tester import tester_chain

GAS = 6_000_000  # of each transaction: what a block of either chain has room for, several times
FEE, TIP = 10**11, 10**9  # wei, well above a development chain's base fee
FORTUNE = 10**22  # wei
TIMEOUT = 30.0  # seconds
NO_PROXY = {"http": None, "all": None}  # whatever the environment names: the chain is on this machine


class LiveChain:
    """Transactions are mined when they come, at this machine's time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": TIMEOUT, "proxies": NO_PROXY}))
        self.chain_id, self.client = self.web3.eth.chain_id, self.web3.client_version.partition("/")[0]

    def fund(self, address: Address, wei: int) -> None:
        """Give an account ether to pay with."""
        self.send(DEPLOYER, address, b"", value=wei)

    def deploy(self, code: bytes) -> Address:
        """Run creation code. Raises DeploymentError if it fails."""
        receipt = self.send(DEPLOYER, None, code)
        created = receipt["contractAddress"]
        if receipt["status"] != 1 or created is None:
            raise DeploymentError("a constructor reverted; the chain needs the rules of Cancun")
        return to_checksum_address(created)

    def settle(self) -> None:
        """Wait until the chain's clock is not ahead: each block is at least a second later than the one before."""
        ahead = self.web3.eth.get_block("latest")["timestamp"] - time.time()
        time.sleep(max(0.0, ahead))

    def send(self, key: PrivateKey, to: Address | None, data: bytes, value: int = 0) -> TxReceipt:
        """One transaction, mined; its receipt says whether it succeeded."""
        nonce = self.web3.eth.get_transaction_count(address_of(key))
        fields: TxParams = {
            "chainId": self.chain_id,
            "nonce": nonce,
            "gas": GAS,
            "maxFeePerGas": Wei(FEE),
            "maxPriorityFeePerGas": Wei(TIP),
            "value": Wei(value),
            "data": data,
        }
        if to:
            fields["to"] = to
        signed = Account.sign_transaction(fields, key)
        transaction = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        return self.web3.eth.wait_for_transaction_receipt(transaction, timeout=TIMEOUT, poll_latency=0.02)


@contextmanager
def live_chain() -> Iterator[LiveChain]:
    """Start anvil, or py-evm where there is none, for as long as the block lasts."""
    try:
        find_anvil()
    except AnvilError:
        with tester_chain() as url:
            chain = LiveChain(url)
            rich = chain.web3.eth.accounts[0]
            given = chain.web3.eth.send_transaction({"from": rich, "to": address_of(DEPLOYER), "value": Wei(FORTUNE)})
            chain.web3.eth.wait_for_transaction_receipt(given, timeout=TIMEOUT, poll_latency=0.02)
            yield chain
        return
    with live_anvil() as url:
        chain = LiveChain(url)
        chain.web3.provider.make_request(RPCEndpoint("anvil_setBalance"), [address_of(DEPLOYER), hex(FORTUNE)])
        yield chain
