"""The chain that a development network stands on where there is no anvil."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from web3.types import RPCEndpoint

from coordination.chain.accounts import DEPLOYER, address_of, development_key
from coordination.chain.anvil import AnvilError
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import Deployment
from coordination.chain.rollup import decode_error
from coordination.node.devnet import chain as devnet_chain
from coordination.node.devnet.chain import LiveChain, live_chain
from coordination.node.devnet.network import WEALTH, Plan, deploy
from coordination.node.l1.client import L1

ROLLUP = shipped("HardenedProverCoordination")


@pytest.fixture(scope="module")
def chain() -> Iterator[LiveChain]:
    def missing() -> str:
        raise AnvilError("anvil is not installed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devnet_chain, "find_anvil", missing)
        with live_chain() as chain:
            yield chain


@pytest.fixture(scope="module")
def deployment(chain: LiveChain) -> Deployment:
    return deploy(Plan(provers=("alice",)), chain)


def test_a_node_finds_the_rollup_that_was_deployed_there(chain: LiveChain, deployment: Deployment) -> None:
    l1 = L1([chain.url], deployment.rollup, chain.chain_id)
    assert l1.describe().parameters == deployment.parameters
    assert l1.can_pay([address_of(development_key("alice"))]) == {address_of(development_key("alice")): True}
    balance = shipped("TestToken").call("balanceOf", address_of(development_key("alice")))
    answer = chain.web3.eth.call({"to": deployment.token, "data": balance})  # type: ignore[typeddict-item]
    assert int.from_bytes(answer, "big") == WEALTH


def test_its_clock_is_this_machines(chain: LiveChain) -> None:
    for _ in range(3):
        chain.settle()
        time.sleep(1.1)
        mined = chain.send(DEPLOYER, address_of(development_key("alice")), b"")
        assert abs(chain.web3.eth.get_block(mined["blockNumber"])["timestamp"] - time.time()) < 2


def test_it_says_by_which_error_a_contract_refuses(chain: LiveChain, deployment: Deployment) -> None:
    request = {"from": address_of(DEPLOYER), "to": deployment.rollup, "data": "0x" + ROLLUP.call("prune", 7).hex()}
    error = chain.web3.provider.make_request(RPCEndpoint("eth_estimateGas"), [request, "pending"])["error"]
    refused = decode_error(bytes.fromhex(str(error["data"]).removeprefix("0x")))
    assert refused is not None
    assert refused.name == "NothingToPrune"
