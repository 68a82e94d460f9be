"""The mapping between the specification and the contract says all that there is to say, and nothing that is not so."""

from __future__ import annotations

from itertools import product

import pytest

from coordination.chain.artifacts import shipped
from coordination.chain.chain import Answer
from coordination.chain.deployment import ROLLUPS
from coordination.chain.evm import Evm
from coordination.chain.quote import NOBODY
from coordination.chain.signing import recover
from coordination.conform.programs.decoded import decoded
from coordination.conform.rollup.adapter import ACTIONS, RollupAdapter, proofs
from coordination.conform.rollup.setup import Listed
from coordination.machine.trace import Step, Valuation
from coordination_spec import DESIGNS, words
from coordination_spec.instances import BOB, CHEAP, FREE, MALLORY
from coordination_spec.words import Account

EVERY_FORGERY = {
    "no signature",
    "the upper half of s",
    "v of 0 or 1",
    "r of zero",
    "s of zero",
    "a make",
    "a take for the next slot",
    "a take for slot 3",
    "a take of another fee",
    "a take of another epoch",
    "a take of another prover",
    "a take for another chain",
    "a take for another rollup",
}
SAME_DIGEST = {
    "a make",
    "a take for the next slot",
    "a take for slot 3",
    "a take for another chain",
    "a take for another rollup",
}


class Deployed:
    """The contract of a design, deployed for the smallest instance."""

    def __init__(self, version: str) -> None:
        self.machine, self.evm = DESIGNS[version], Evm()
        self.instance = self.machine.instance("tiny")
        self.adapter = RollupAdapter(self.machine, self.instance, shipped(ROLLUPS[version]), self.evm)
        self.initial = self.adapter.answers.oracle.initial()

    def step(self, state: Valuation, action: str, *arguments: int) -> Step:
        step = self.adapter.answers.oracle.run(state, self.machine.action(action), arguments)
        assert step is not None
        return step

    def stored(self) -> dict[str, dict[int, int]]:
        return {address: self.evm.whole_storage(address) for address in self.adapter.contracts}


@pytest.fixture(params=DESIGNS)
def deployed(request: pytest.FixtureRequest) -> Deployed:
    return Deployed(request.param)


def forgeries(deployed: Deployed) -> set[str]:
    arguments = (MALLORY, BOB, 0, CHEAP, words.NOBODY)
    texts = (message.text for message in deployed.adapter.messages("claim_proof_right", arguments, 4))
    return {text.removesuffix(")").split(", ", 3)[3] for text in texts}


def test_deployment_leaves_what_the_adapter_says_of_the_initial_state(deployed: Deployed) -> None:
    assert deployed.stored() == deployed.adapter.storage(deployed.initial)


def test_a_claim_leaves_what_the_adapter_says_of_the_state_after_it(deployed: Deployed) -> None:
    claimed = Valuation(
        {
            **dict(deployed.initial.items()),
            "now": 4,
            "status": {(0,): 1},
            "claim_prover": {(0,): MALLORY},
            "claim_proposer": {(0,): BOB},
            "claim_slot": {(0,): 4},
            "balance": {(BOB,): 2},
            "held": 5,
        }
    )
    (message,) = deployed.adapter.messages("claim_proof_right", (MALLORY, MALLORY, 0, FREE, BOB), 4)
    deployed.evm.at(deployed.adapter.timestamps(4)[0])
    assert deployed.evm.call(message.sender, message.to, message.data).succeeded
    assert deployed.stored() == deployed.adapter.storage(claimed)
    assert deployed.stored() != deployed.adapter.storage(deployed.initial)


def test_what_is_nobodys_is_presented_in_every_form_that_is_nobodys(deployed: Deployed) -> None:
    expected = EVERY_FORGERY if deployed.machine.design == "0.2.0" else EVERY_FORGERY - SAME_DIGEST
    assert forgeries(deployed) == expected


def test_no_form_of_nobodys_signature_recovers_to_somebody(deployed: Deployed) -> None:
    accounts = {*deployed.adapter.answers.setup.names}
    for slot, fee, prover in product((3, 4, 6), (FREE, CHEAP), (BOB, MALLORY)):
        arguments = (MALLORY, prover, 0, fee, words.NOBODY)
        for message in deployed.adapter.messages("claim_proof_right", arguments, slot):
            claim = decoded("function", message.data, deployed.adapter.artifacts)
            assert claim is not None
            assert claim.taken is not None
            quote, signature = claim.taken
            assert recover(deployed.adapter.answers.signing.take_digest(quote, slot), signature) not in accounts


def test_a_take_recovers_to_who_is_said_to_have_given_it(deployed: Deployed) -> None:
    (message,) = deployed.adapter.messages("claim_proof_right", (MALLORY, MALLORY, 0, FREE, BOB), 5)
    claim = decoded("function", message.data, deployed.adapter.artifacts)
    assert claim is not None
    assert claim.taken is not None
    quote, signature = claim.taken
    signer = recover(deployed.adapter.answers.signing.take_digest(quote, 5), signature)
    assert signer is not None
    assert deployed.adapter.answers.setup.names[signer] == deployed.instance.show(Account, BOB)


@pytest.mark.parametrize("slot", [0, 1, 4, 8])
def test_every_moment_of_a_slot_is_in_it(deployed: Deployed, slot: int) -> None:
    view = deployed.adapter.views(Valuation({**dict(deployed.initial.items()), "now": slot}))[0]
    assert view.message.text == "currentSlot()"
    moments = deployed.adapter.timestamps(slot)
    assert len(set(moments)) == (5 if slot == 0 else 3)
    for moment in moments:
        deployed.evm.at(moment)
        assert deployed.evm.call(view.message.sender, view.message.to, view.message.data) == Answer(True, view.returns)


def test_only_a_valid_proof_is_one() -> None:
    evm = Evm()
    verifier = evm.deploy(shipped("WorkVerifier").creation(8))
    for epoch, valid in product(range(3), (True, False)):
        told = proofs(epoch, valid)
        assert len(told) == (1 if valid else 5 if epoch == 0 else 6)
        for _, proof in told:
            data = shipped("WorkVerifier").call("verify", epoch, proof)
            assert evm.call(NOBODY, verifier, data) == Answer(True, valid.to_bytes(32, "big"))


def test_an_error_is_expected_with_all_its_arguments(deployed: Deployed) -> None:
    step = deployed.step(deployed.initial, "prune", MALLORY, 0)
    assert step.error == "NothingToPrune"
    data = deployed.adapter.expected(deployed.initial, step).reverts
    assert data is not None
    assert deployed.adapter.artifacts[0].explain_error(data) == "NothingToPrune(epoch=0, slot=3)"


def test_the_tokens_own_error_is_expected_where_the_token_refuses(deployed: Deployed) -> None:
    poor = Valuation({**dict(deployed.initial.items()), "balance": {(BOB,): 2}})
    step = deployed.step(poor, "give_tokens", MALLORY, 2)
    data = deployed.adapter.expected(poor, step).reverts
    assert data is not None
    told = deployed.adapter.artifacts[1].explain_error(data)
    assert told is not None
    assert told.startswith("ERC20InsufficientBalance(")
    assert told.endswith("balance=0, needed=2)")


def test_a_panic_is_expected_as_the_one_of_checked_arithmetic(deployed: Deployed) -> None:
    machine = deployed.machine.without("C6")
    adapter = RollupAdapter(machine, deployed.instance, shipped(ROLLUPS[deployed.machine.design]), Evm())
    claimed = {
        **dict(deployed.initial.items()),
        "now": 4,
        "status": {(0,): 1},
        "claim_prover": {(0,): BOB},
        "claim_fee": {(0,): 20_000},
        "claim_proposer": {(0,): BOB},
        "claim_slot": {(0,): 4},
    }
    before = Valuation(claimed)
    step = adapter.answers.oracle.run(before, machine.action("submit_epoch_proof"), (BOB, 0, 1))
    assert step is not None
    assert step.error == "Panic"
    data = adapter.expected(before, step).reverts
    assert data is not None
    assert adapter.artifacts[0].explain_error(data) == "Panic(code=17)"


def test_every_slot_has_the_proposer_that_the_instance_gives_it(deployed: Deployed) -> None:
    setup, world = deployed.adapter.answers.setup, deployed.instance.constants
    assert isinstance(setup.schedule, Listed)
    names = {**setup.names, NOBODY: "nobody"}
    for slot in range(world.last_slot + 1):
        assert names[setup.schedule.proposer_of(slot)] == deployed.instance.show(Account, world.schedule[slot])
    assert setup.schedule.proposer_of(world.last_slot + 1) == NOBODY


def test_every_call_has_a_message(deployed: Deployed) -> None:
    oracle = deployed.adapter.answers.oracle
    called = {step.action for step in oracle.steps(deployed.initial)} & set(ACTIONS)
    assert called == set(ACTIONS)
    for step in oracle.steps(deployed.initial):
        if step.action in ACTIONS:
            messages = deployed.adapter.messages(step.action, step.arguments, deployed.initial["now"])
            assert len({(message.sender, message.data) for message in messages}) == len(messages) > 0
