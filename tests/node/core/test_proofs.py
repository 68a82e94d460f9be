"""N6: a prover whose claim has landed has a proof computed, and sends it before the proof phase ends."""

from __future__ import annotations

import pytest

from coordination.chain.quote import Status
from coordination.node.core.effects import AskProof, Effect, Proven, Remember, SendProof, StopProof
from coordination.node.core.errors import NOT_A_PROVER, PROOF_PHASE_ENDED, Refused
from coordination.node.core.view import Head
from tests.node.core.stage import ALICE, CAROL, OPEN, E, P, Stage, claimed, head, with_claim

EPOCH = 2
FIRST = (EPOCH + 1) * E
SLOT = FIRST + 1  # of alice's claim
PROOF = b"a proof"


@pytest.fixture
def alice(version: str) -> Stage:
    """It is the slot in which her claim of epoch 2 is to land."""
    stage = Stage(version, prover="alice")
    stage.at(SLOT)
    return stage


def landed(slot: int, status: Status = Status.CLAIMED, claim_slot: int = SLOT) -> Head:
    return with_claim(head(slot), EPOCH, claimed(ALICE, claim_slot, status))


def proofs(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, AskProof | SendProof | StopProof)]


def test_when_a_claim_has_landed_a_proof_is_asked_for_once_with_its_deadline(alice: Stage) -> None:
    assert proofs(alice.see(landed(SLOT))) == [AskProof(EPOCH, SLOT + P)]
    assert proofs([*alice.see(landed(SLOT)), *alice.at(SLOT + 1, landed(SLOT + 1))]) == []


def test_no_proof_is_asked_for_of_what_others_have_claimed(alice: Stage) -> None:
    assert proofs(alice.see(with_claim(head(SLOT), EPOCH, claimed(CAROL, SLOT)))) == []


def test_a_proof_that_is_handed_in_is_remembered_and_then_sent(alice: Stage) -> None:
    alice.see(landed(SLOT))
    assert alice.hand_in(EPOCH, PROOF) == [Remember(Proven(EPOCH, PROOF)), SendProof(EPOCH, SLOT, PROOF)]


def test_a_proof_is_sent_once(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    again = [*alice.hand_in(EPOCH, PROOF), *alice.see(landed(SLOT)), *alice.at(SLOT + 1, landed(SLOT + 1))]
    assert proofs(again) == []


def test_a_proof_may_be_there_before_its_claim(alice: Stage) -> None:
    assert proofs(alice.hand_in(EPOCH, PROOF)) == []
    assert proofs(alice.see(landed(SLOT))) == [SendProof(EPOCH, SLOT, PROOF)]


def test_a_better_proof_is_sent_too(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, b"a wrong one")
    assert proofs(alice.hand_in(EPOCH, PROOF)) == [SendProof(EPOCH, SLOT, PROOF)]


def test_a_proof_is_sent_in_the_last_slot_of_the_proof_phase(alice: Stage) -> None:
    alice.see(landed(SLOT))
    last = SLOT + P - 1
    alice.at(last, landed(last))
    assert proofs(alice.hand_in(EPOCH, PROOF)) == [SendProof(EPOCH, SLOT, PROOF)]


def test_when_the_proof_phase_is_over_the_proof_is_stopped_and_none_is_sent(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    over = SLOT + P
    assert proofs(alice.tick(over)) == [StopProof(EPOCH, SLOT)]
    assert proofs(alice.see(landed(over))) == []
    with pytest.raises(Refused, match="ProofPhaseEnded"):
        alice.hand_in(EPOCH, b"late")


@pytest.mark.parametrize("status", [Status.PROVEN, Status.PRUNED])
def test_when_the_epoch_is_over_its_proof_is_stopped(alice: Stage, status: Status) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    assert proofs(alice.see(landed(SLOT, status))) == [StopProof(EPOCH, SLOT)]
    assert proofs(alice.see(landed(SLOT, status))) == []


def test_when_a_reorganisation_takes_the_claim_away_its_proof_is_stopped_and_kept(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    assert proofs(alice.see(with_claim(head(SLOT), EPOCH, OPEN))) == [StopProof(EPOCH, SLOT)]
    assert alice.disk.proofs == {EPOCH: PROOF}


@pytest.mark.parametrize("claim_slot", [SLOT, SLOT + 1])
def test_when_the_claim_comes_back_its_proof_is_sent_again(alice: Stage, claim_slot: int) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    alice.see(with_claim(head(SLOT), EPOCH, OPEN))
    alice.tick(SLOT + 1)
    assert proofs(alice.see(landed(SLOT + 1, claim_slot=claim_slot))) == [SendProof(EPOCH, claim_slot, PROOF)]


def test_when_the_claim_has_moved_the_old_proof_is_stopped_before_the_new_one_is_sent(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    alice.tick(SLOT + 1)
    moved = proofs(alice.see(landed(SLOT + 1, claim_slot=SLOT + 1)))
    assert moved == [StopProof(EPOCH, SLOT), SendProof(EPOCH, SLOT + 1, PROOF)]


def test_when_the_claim_has_moved_a_proof_is_asked_for_with_the_new_deadline(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.see(with_claim(head(SLOT), EPOCH, OPEN))
    moved = alice.at(SLOT + 1, landed(SLOT + 1, claim_slot=SLOT + 1))
    assert [effect for effect in proofs(moved) if isinstance(effect, AskProof)] == [AskProof(EPOCH, SLOT + 1 + P)]


def test_a_proof_of_an_epoch_that_is_yet_to_end_is_kept_for_its_claim(alice: Stage) -> None:
    assert alice.hand_in(EPOCH + 2, PROOF) == [Remember(Proven(EPOCH + 2, PROOF))]
    assert alice.disk.proofs == {EPOCH + 2: PROOF}


def test_after_a_restart_the_same_proof_is_sent_again(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.hand_in(EPOCH, PROOF)
    alice.restart()
    assert proofs(alice.at(SLOT + 1, landed(SLOT + 1))) == [SendProof(EPOCH, SLOT, PROOF)]


def test_after_a_restart_a_proof_that_is_not_there_is_asked_for_again(alice: Stage) -> None:
    alice.see(landed(SLOT))
    alice.restart()
    assert proofs(alice.at(SLOT + 1, landed(SLOT + 1))) == [AskProof(EPOCH, SLOT + P)]


@pytest.mark.parametrize("epoch", [0, EPOCH - 1])
def test_a_proof_of_an_epoch_that_is_over_is_refused(alice: Stage, epoch: int) -> None:
    with pytest.raises(Refused, match=rf"^ProofPhaseEnded: it is slot 25, and .* epoch {epoch} is over$") as refusal:
        alice.core.hand_in(epoch, PROOF)
    assert refusal.value.error == PROOF_PHASE_ENDED
    assert alice.core.memory.proofs == {}


@pytest.mark.parametrize("slot", [0, E])
def test_there_is_no_epoch_before_the_first_to_prove(version: str, slot: int) -> None:
    stage = Stage(version, prover="alice")
    stage.at(slot)
    with pytest.raises(Refused) as refusal:
        stage.core.hand_in(-1, PROOF)
    assert refusal.value.error == PROOF_PHASE_ENDED


def test_a_proof_is_kept_until_its_epoch_is_two_behind(alice: Stage) -> None:
    alice.hand_in(EPOCH, PROOF)
    alice.at((EPOCH + 2) * E)
    assert alice.core.memory.proofs == alice.disk.proofs == {EPOCH: PROOF}
    alice.at((EPOCH + 2) * E + 3)
    assert alice.core.memory.proofs == alice.disk.proofs == {}


def test_a_node_without_a_provers_key_takes_no_proof(version: str) -> None:
    stage = Stage(version, proposer="bob")
    stage.at(SLOT)
    with pytest.raises(Refused) as refusal:
        stage.core.hand_in(EPOCH, PROOF)
    assert refusal.value.error == NOT_A_PROVER
