"""Traces replayed on anvil: what the specification says happens there, and what it does not say is seen."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from eth_abi.abi import decode
from hexbytes import HexBytes

from coordination.chain.accounts import address_of, development_key
from coordination.chain.anvil import anvil
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import deploy_development
from coordination.chain.quote import Quote, Signature
from coordination.chain.rollup import Rejection, Rollup, decode_error
from coordination.chain.rpc import RpcChain, RpcError
from coordination.chain.signing import sign
from coordination.conform.divergence import Mismatch
from coordination.conform.rollup.adapter import GENESIS, RollupAdapter, parameters_of
from coordination.conform.rollup.replay import Replayed, accounts, replay
from coordination.explore.check import check
from coordination.lookup import load_trace
from coordination.machine.machine import Machine
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Trace, Valuation
from coordination.report.itf import to_itf
from coordination_spec import DESIGNS
from coordination_spec.instances import BOB, FREE, MALLORY
from coordination_spec.words import NOBODY, Role
from tests.command import Run

SEED, HARDENED = DESIGNS["0.1.0"], DESIGNS["0.2.0"]
BOBS_KEY = development_key("bob")
TRANSFERABLE = (MALLORY, 0, FREE)  # the quote that bob signs on another rollup
OTHER_FIELDS = (("epoch", 0), ("prover", MALLORY), ("proposer", BOB), ("basis_point_fee", 1))


@pytest.fixture
def chain() -> Iterator[RpcChain]:
    with anvil() as url:
        yield RpcChain(url, accounts(SEED.instance("ci")))


@cache
def violations() -> Mapping[str, Trace]:
    """The routes by which design 0.1.0 breaks its properties in the instance `tiny`."""
    verdicts = check(SEED, SEED.instance("tiny"), SEED.properties).verdicts
    return {name: trace for verdict in verdicts for name, trace in verdict.routes if trace}


def made_of(machine: Machine, instance: str, *calls: tuple[str, tuple[int, ...]]) -> Trace:
    """The trace of these steps, as the oracle makes them."""
    oracle = Oracle(machine, machine.instance(instance))
    state, steps = oracle.initial(), list[Step]()
    for name, arguments in calls:
        step = oracle.run(state, machine.action(name), tuple(map(int, arguments)))
        assert step is not None, f"{name}{arguments} does not exist here"
        steps.append(step)
        state = step.state
    return Trace(machine.name, machine.design, instance, "", oracle.initial(), tuple(steps))


def wander(machine: Machine, instance: str, length: int) -> Trace:
    """A random run in which no action and no answer is much rarer than others."""
    oracle, rng = Oracle(machine, machine.instance(instance)), random.Random(1)
    state, steps = oracle.initial(), list[Step]()
    for _ in range(length):
        kinds: dict[tuple[str, str], list[Step]] = {}
        for step in oracle.steps(state):
            kinds.setdefault((step.action, step.error or ""), []).append(step)
        steps.append(rng.choice(kinds[rng.choice(sorted(kinds))]))
        state = steps[-1].state
    return Trace(machine.name, machine.design, instance, "", oracle.initial(), tuple(steps))


def presented(entry: Replayed) -> Signature:
    """The signature in the calldata of a claim."""
    assert entry.transaction is not None
    ((_, _, _, signature),) = decode(
        ["(address,uint256,uint32,(uint8,bytes32,bytes32))"], entry.transaction.message.data[4:]
    )
    return Signature(*signature)


def another_rollup(chain: RpcChain, machine: Machine) -> Rollup:
    """A second rollup of the same design, deployed beside the first."""
    there = deploy_development(
        chain.deploy,
        version=machine.design,
        chain_id=chain.chain_id,
        parameters=parameters_of(machine.instance("tiny").constants),
        token=shipped("TestToken").creation([], []),
        schedule=shipped("FixedSchedule").creation([]),
    )
    return Rollup(chain.web3, there.rollup)


def kinds(entry: Replayed) -> set[str]:
    return {mismatch.kind for mismatch in entry.mismatches}


QUOTE = Quote(address_of(development_key("mallory")), 0, 0)
REPLAYED = [
    ("sign_elsewhere", (BOB, Role.TAKE, *TRANSFERABLE)),
    ("tick", ()),
    ("claim_proof_right", (MALLORY, *TRANSFERABLE, NOBODY)),
]


def test_in_0_1_0_a_signature_for_another_rollup_claims_a_right_on_chain(chain: RpcChain, tmp_path: Path) -> None:
    """The counterexample of the checker, saved to a file, and read back."""
    file = tmp_path / "trace.itf.json"
    file.write_text(json.dumps(to_itf(violations()["replay from another rollup"], SEED)))
    trace, machine = load_trace(file, DESIGNS)
    *_, last = replay(trace, machine, chain)
    assert last.mismatches == ()
    assert last.transaction is not None
    assert last.transaction.mined.answer.succeeded
    assert last.transaction.signature.startswith("bob's take of step 2, for another rollup, 0x")
    rollup = Rollup(chain.web3, last.transaction.message.to)
    claim = rollup.claim_of(0)
    assert (claim.prover, claim.proposer, claim.slot) == (QUOTE.prover, address_of(BOBS_KEY), rollup.current_slot())

    elsewhere = another_rollup(chain, SEED)
    assert elsewhere.address != rollup.address
    assert presented(last) == sign(BOBS_KEY, elsewhere.take_digest(QUOTE, 7))


def test_in_0_2_0_the_same_signature_is_refused(chain: RpcChain) -> None:
    *_, last = replay(made_of(HARDENED, "tiny", *REPLAYED), HARDENED, chain)
    assert last.mismatches == ()
    assert last.transaction is not None
    assert last.transaction.signature.startswith("bob's take of step 1, for another rollup, 0x")
    rollup = Rollup(chain.web3, last.transaction.message.to)
    refusal = Rejection("InvalidProposerSignature", {"slot": 4, "proposer": address_of(BOBS_KEY)})
    assert decode_error(last.transaction.mined.answer.output) == refusal

    elsewhere = another_rollup(chain, HARDENED)
    for digest, accepted in ((elsewhere.take_digest(QUOTE, 4), False), (rollup.take_digest(QUOTE, 4), True)):
        data = HexBytes(rollup.claim_proof_right(QUOTE, sign(BOBS_KEY, digest))["data"])
        answer = chain.call(QUOTE.prover, rollup.address, data)
        assert (answer.succeeded, decode_error(answer.output)) == (accepted, None if accepted else refusal)


@pytest.mark.parametrize("route", ["make passed off as a take", "take of an earlier slot"])
def test_every_violation_happens_on_chain_too(route: str, chain: RpcChain) -> None:
    for entry in replay(violations()[route], SEED, chain):
        assert entry.mismatches == ()
        if entry.transaction:
            assert entry.transaction.signature.startswith("bob's ")


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    ("situation", "wanted"),
    [
        ("s.status[0] == Status.PROVEN", "submit_epoch_proof"),
        ("all_of(s.status[0] == Status.PRUNED, s.claim_proposer[0] == bob)", "prune"),
        ("all_of(s.status[0] == Status.PROVEN, s.claim_proposer[0] == bob, s.gifts == 2)", "give_tokens"),
    ],
    ids=["proven", "slashed", "proven beside a gift"],
)
def test_what_is_found_happens_on_chain(
    design: str, situation: str, wanted: str, run: Run, tmp_path: Path, chain: RpcChain
) -> None:
    file = tmp_path / "found.itf.json"
    assert run("find", situation, "--design", design, "--instance", "tiny", "-o", file).code == 0
    entries = list(replay(*load_trace(file, DESIGNS), chain))
    assert [mismatch for entry in entries for mismatch in entry.mismatches] == []
    calls = {entry.step.action: entry.transaction for entry in entries if entry.transaction and entry.step}
    assert {"claim_proof_right", wanted} <= calls.keys()
    assert all(transaction.mined.answer.succeeded for transaction in calls.values())
    if "bob" in situation:
        assert calls["claim_proof_right"].signature.startswith("bob's ")


@pytest.mark.parametrize("machine", DESIGNS.values(), ids=DESIGNS)
def test_a_random_run_goes_on_chain_as_specified(machine: Machine, chain: RpcChain) -> None:
    trace = wander(machine, "ci", 60)
    entries = list(replay(trace, machine, chain))
    assert [entry.number for entry in entries] == list(range(len(trace.steps) + 1))
    assert [entry.step for entry in entries] == [None, *trace.steps]
    assert [mismatch for entry in entries for mismatch in entry.mismatches] == []
    for entry in entries:
        assert entry.words >= 8
        assert entry.views > 20
        if entry.transaction and entry.step:
            receipt = chain.web3.eth.get_transaction_receipt(HexBytes(entry.transaction.mined.transaction))
            assert receipt["status"] == (entry.step.error is None)
            assert receipt["gasUsed"] == entry.transaction.mined.gas_used
            assert chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"] == entry.timestamp
    met = {(entry.step.action, entry.step.error) for entry in entries if entry.transaction and entry.step}
    assert len(met) >= 5, met


def test_each_step_is_told_before_the_next_is_taken(chain: RpcChain) -> None:
    entries = replay(violations()["replay from another rollup"], SEED, chain)
    for entry in entries:
        assert chain.web3.eth.get_block("latest")["timestamp"] == entry.timestamp
        assert (entry.transaction is not None) == (
            entry.step is not None and entry.step.action in RollupAdapter.actions
        )


def claimed() -> Trace:
    return violations()["replay from another rollup"]


def with_last(**changes: object) -> Trace:
    """The counterexample with its last step told otherwise."""
    *before, last = claimed().steps
    return replace(claimed(), steps=(*before, replace(last, **changes)))  # type: ignore[arg-type]


def with_state(**values: object) -> Trace:
    state = claimed().steps[-1].state
    return with_last(state=Valuation({**dict(state.items()), **values}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trace", "wrong"),
    [
        (lambda: with_state(reward_pool=4), {"storage", "view"}),
        (lambda: with_state(held=4), {"storage"}),
        (lambda: with_state(balance={(BOB,): 2, (MALLORY,): 1}), {"storage"}),
        (lambda: with_state(status={}), {"storage", "view"}),
        (lambda: with_last(events=()), {"events"}),
        (lambda: with_last(events=(replace(claimed().steps[-1].events[0], fields=OTHER_FIELDS),)), {"events"}),
        (lambda: with_last(error="NotPreviousEpoch", rule="C5", events=()), {"answer"}),
    ],
    ids=["pool", "holdings", "balance", "status", "no event", "another event", "error"],
)
def test_a_trace_that_tells_it_otherwise_is_seen(trace: Callable[[], Trace], wrong: set[str], chain: RpcChain) -> None:
    *before, last = replay(trace(), SEED, chain)
    assert [entry.mismatches for entry in before] == [()] * len(before)
    assert kinds(last) == wrong


def test_an_error_told_by_another_name_is_seen(chain: RpcChain) -> None:
    trace = made_of(SEED, "tiny", ("prune", (MALLORY, 0)))
    trace = replace(trace, steps=(replace(trace.steps[0], error="EpochNotClaimed"),))
    *_, last = replay(trace, SEED, chain)
    expected, found = "reverts with EpochNotClaimed(epoch=0)", "reverts with NothingToPrune(epoch=0, slot=3)"
    assert last.mismatches == (Mismatch("answer", expected, found),)


def test_a_signature_that_nobody_gave_is_seen(chain: RpcChain) -> None:
    steps = tuple(step for step in claimed().steps if step.action != "sign_elsewhere")
    trace = replace(claimed(), steps=steps)
    *_, last = replay(trace, SEED, chain)
    assert kinds(last) == {"signature"}


def test_another_contract_is_seen(chain: RpcChain) -> None:
    first, *_, last = replay(claimed(), SEED, chain, shipped("HardenedProverCoordination"))
    assert [mismatch.expected.partition("(")[0] for mismatch in first.mismatches] == [
        "version",
        "makeDigest",
        "takeDigest",
    ]
    (answer,) = (mismatch for mismatch in last.mismatches if mismatch.kind == "answer")
    assert answer.expected == "accepts it"
    assert answer.found.startswith("reverts with InvalidProposerSignature(")
    assert kinds(last) == {"answer", "storage", "view"}


def test_a_chain_past_the_genesis_is_refused(chain: RpcChain) -> None:
    chain.at(GENESIS + 1)
    with pytest.raises(RpcError, match="cannot go back"):
        next(replay(claimed(), SEED, chain))
