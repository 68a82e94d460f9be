"""What L1 says to a node, asked of a real chain and of what only looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coordination.chain.accounts import address_of, development_key
from coordination.chain.anvil import live_anvil
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import ROLLUPS
from coordination.chain.quote import NOBODY, Address, Status
from coordination.node.l1.client import L1
from coordination.node.l1.errors import L1Error
from tests.node.l1.town import ALICE, ALICE_KEY, BOB, BOND, CAROL, CAROL_KEY, EPOCH, FORTUNE, SLOT, Town, Way


@pytest.fixture(scope="module")
def there() -> Iterator[Town]:
    """One town for the tests that only ask."""
    with live_anvil() as url:
        yield Town(url)


@pytest.fixture
def failing(there: Town, way: Callable[[str], Way]) -> Callable[[str, Any], L1]:
    """L1 in which calls whose data begins in a certain way are answered in a certain way."""

    def make(data: str, answer: Any) -> L1:
        passing = way(there.url)
        pass_on = passing.answering

        def altered(request: Any) -> Any:
            if isinstance(request, list):
                return [altered(each) for each in request]
            if request["method"] == "eth_call" and request["params"][0]["data"].startswith(data):
                return {"jsonrpc": "2.0", "id": request["id"], **answer}
            return pass_on(request)

        passing.answering = altered
        return there.l1(passing.url)

    return make


def selector(contract: str, function: str, *arguments: Any) -> str:
    return "0x" + shipped(contract).call(function, *arguments)[:4].hex()


@pytest.mark.parametrize("version", sorted(ROLLUPS))
def test_a_rollup_is_described_as_it_was_deployed(version: str) -> None:
    with live_anvil() as url:
        town = Town(url, version)
        described = L1([url], town.there.rollup, None).describe()
    assert described == (version, 31_337, town.parameters, town.there.token, town.there.schedule)


def test_describing_takes_one_exchange_after_the_one_that_asks_for_the_chain(
    there: Town, way: Callable[[str], Way]
) -> None:
    passing = way(there.url)
    there.l1(passing.url).describe()
    assert len(passing.asked) == 2


def test_where_no_contract_is_is_said(there: Town) -> None:
    with pytest.raises(L1Error, match=rf"^there is no contract at {ALICE} on chain 31337$"):
        L1([there.url], ALICE, None).describe()


def test_a_contract_that_is_no_rollup_is_said_to_be_none(there: Town) -> None:
    with pytest.raises(L1Error, match=r"^the contract at 0x.* is no rollup: it has no version\(\)$"):
        L1([there.url], there.there.token, None).describe()


def test_a_design_that_this_program_does_not_know_is_named(there: Town, failing: Callable[[str, Any], L1]) -> None:
    unknown = "0x" + (32).to_bytes(32, "big").hex() + (5).to_bytes(32, "big").hex() + b"9.9.9".ljust(32, b"\0").hex()
    l1 = failing(selector("HardenedProverCoordination", "version"), {"result": unknown})
    with pytest.raises(L1Error, match=r"is of design '9.9.9'; this program knows 0.1.0 and 0.2.0$"):
        l1.describe()


def test_another_chain_is_refused(there: Town) -> None:
    with pytest.raises(L1Error, match=r"is on chain 31337, not on 1$"):
        L1([there.url], there.there.rollup, 1).describe()


def test_a_look_tells_proposers_around_the_slot_and_two_epochs(there: Town) -> None:
    head = there.l1().look(7, 1)
    assert head.proposers == {6: BOB, 7: BOB, 8: BOB, 9: NOBODY}
    assert {epoch: claim.status for epoch, claim in head.claims.items()} == {0: Status.OPEN, 1: Status.OPEN}


def test_before_the_first_slot_and_epoch_there_is_none(there: Town) -> None:
    head = there.l1().look(0, 0)
    assert (list(head.proposers), list(head.claims)) == ([0, 1, 2], [0])


def test_a_look_tells_of_claims_what_the_contract_keeps(town: Town) -> None:
    _, quote, signature = town.claim()
    rollup = shipped("HardenedProverCoordination")
    assert town.chain.send(ALICE_KEY, town.there.rollup, rollup.call("claimProofRight", quote.signed(signature)))[
        "status"
    ]
    claims = town.l1().look(SLOT, EPOCH).claims
    assert claims[0] == (ALICE, 2_500, Status.CLAIMED, BOB, SLOT)
    assert claims[0] == town.claim_of(0)
    assert claims[1].status is Status.OPEN


def test_a_look_is_one_exchange_and_so_is_asking_for_256_funds(there: Town, way: Callable[[str], Way]) -> None:
    passing = way(there.url)
    l1 = there.l1(passing.url)
    l1.describe()
    passing.asked.clear()
    l1.look(SLOT, EPOCH)
    assert len(passing.asked) == 1
    many = [address_of(development_key(str(number))) for number in range(254)]
    assert [prover for prover, can in l1.can_pay([*many, CAROL, ALICE]).items() if can] == [ALICE]
    assert len(passing.asked) == 2


def test_who_can_pay_has_the_bond_and_has_allowed_it(town: Town) -> None:
    l1, token, call = town.l1(), town.there.token, shipped("TestToken").call
    poor = BOB
    assert l1.can_pay([ALICE, CAROL, poor]) == {ALICE: True, CAROL: False, poor: False}
    town.chain.send(CAROL_KEY, token, call("approve", town.there.rollup, BOND - 1))
    assert not l1.can_pay([CAROL])[CAROL]
    town.chain.send(CAROL_KEY, token, call("approve", town.there.rollup, BOND))
    assert l1.can_pay([CAROL])[CAROL]
    town.chain.send(CAROL_KEY, token, call("transfer", BOB, FORTUNE - BOND))
    assert l1.can_pay([CAROL])[CAROL]
    town.chain.send(CAROL_KEY, token, call("transfer", BOB, 1))
    assert not l1.can_pay([CAROL])[CAROL]


@pytest.mark.parametrize(
    "answer",
    [{"error": {"code": 3, "message": "execution reverted", "data": "0x"}}, {"result": "0x"}, {"result": 7}],
    ids=["reverts", "nothing", "nonsense"],
)
def test_whom_the_token_does_not_tell_of_cannot_pay(failing: Callable[[str, Any], L1], answer: Any) -> None:
    balance_of_carol = "0x" + shipped("TestToken").call("balanceOf", CAROL).hex()
    assert failing(balance_of_carol, answer).can_pay([ALICE, CAROL]) == {ALICE: True, CAROL: False}


def test_a_slot_that_the_schedule_does_not_tell_is_left_out(failing: Callable[[str, Any], L1]) -> None:
    slot_5 = "0x" + shipped("FixedSchedule").call("proposerOf", 5).hex()
    l1 = failing(slot_5, {"error": {"code": 3, "message": "execution reverted", "data": "0x"}})
    assert set(l1.look(SLOT, EPOCH).proposers) == {3, 4, 6}


@pytest.mark.parametrize(
    "result",
    ["0x", "0x" + (b"\0" * 95 + b"\x04" + b"\0" * 64).hex(), "hello", None],
    ids=["nothing", "status", "text", "null"],
)
def test_a_claim_that_cannot_be_read_is_an_error(failing: Callable[[str, Any], L1], result: Any) -> None:
    l1 = failing(selector("HardenedProverCoordination", "claimOf", 0), {"result": result})
    with pytest.raises(L1Error, match=r"does not tell how an epoch stands$"):
        l1.look(SLOT, EPOCH)


def test_the_second_endpoint_takes_over(town: Town, way: Callable[[str], Way]) -> None:
    first, second = way(town.url), way(town.url)
    l1 = town.l1(first.url, second.url)
    l1.describe()
    first.close()
    assert l1.look(SLOT, EPOCH).proposers[SLOT] == BOB
    assert second.asked


def test_none_is_asked_before_the_first_question() -> None:
    assert L1(["http://127.0.0.1:9"], Address(NOBODY), 1).rollup == NOBODY


@pytest.mark.parametrize("name", ["slotDuration", "slotsPerEpoch", "claimSlots", "proofSlots"])
def test_a_contract_whose_time_cannot_be_is_no_rollup(failing: Callable[[str, Any], L1], name: str) -> None:
    l1 = failing(selector("HardenedProverCoordination", name), {"result": "0x" + "00" * 32})
    with pytest.raises(L1Error, match="its slots and phases cannot be"):
        l1.describe()
