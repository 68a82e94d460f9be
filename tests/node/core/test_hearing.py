"""N2: which messages are kept and passed on, which are dropped, and for which their sender is to blame."""

from __future__ import annotations

import pytest

from coordination.chain.quote import NOBODY, Quote, Signature, SignedQuote
from coordination.chain.signing import HALF_ORDER, ORDER, sign
from coordination.node.core.core import TAKES, Heard, Verdict
from coordination.node.core.pool import IMPROVEMENTS
from tests.node.core.stage import ALICE, BOB, CAROL, DESIGNS, KEYS, MALLORY, C, E, Stage, head

EPOCH = 2
FIRST = (EPOCH + 1) * E
LAST = FIRST + C - 1
IGNORED = Heard(Verdict.IGNORE, [])


@pytest.fixture
def node(version: str) -> Stage:
    """A node without keys, in the first slot in which epoch 2 can be claimed; bob proposes."""
    stage = Stage(version)
    stage.at(FIRST)
    return stage


def rejected(error: str) -> Heard:
    return Heard(Verdict.REJECT, [], error)


def is_accepted(heard: Heard) -> bool:
    return heard.verdict is Verdict.ACCEPT and heard.error is None


# Makes


@pytest.mark.parametrize("epoch", [EPOCH, EPOCH + 1])
@pytest.mark.parametrize("fee", [0, 10_000])
def test_a_quote_for_the_previous_or_the_current_epoch_is_kept_and_passed_on(node: Stage, epoch: int, fee: int) -> None:
    assert is_accepted(node.core.hear_make(node.made("alice", epoch, fee)))
    assert node.core.pool.quotes(epoch) == [Quote(ALICE, epoch, fee)]


@pytest.mark.parametrize("epoch", [0, EPOCH - 1, EPOCH + 2, 2**256 - 1])
def test_a_quote_for_another_epoch_is_rejected(node: Stage, epoch: int) -> None:
    assert node.core.hear_make(node.made("alice", epoch, 1_000)) == rejected("EpochNotCurrentOrPrevious")
    assert len(node.core.pool) == 0


def test_a_quote_that_a_full_pool_has_no_room_for_is_passed_on_once_a_slot(
    node: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.core.pool, "_capacity", 1)
    node.hear_make("alice", EPOCH, 100)
    dear = node.made("carol", EPOCH, 5_000)
    assert is_accepted(node.core.hear_make(dear))
    assert node.core.hear_make(dear) == IGNORED
    node.at(FIRST + 1)
    assert is_accepted(node.core.hear_make(dear))


def test_in_the_first_epoch_only_that_can_be_bid_for(version: str) -> None:
    stage = Stage(version)
    stage.at(0)
    assert is_accepted(stage.core.hear_make(stage.made("alice", 0, 1_000)))
    assert stage.core.hear_make(stage.made("alice", 1, 1_000)) == rejected("EpochNotCurrentOrPrevious")


def test_a_quote_for_an_epoch_whose_claim_phase_is_over_is_no_offence_and_of_no_use(node: Stage) -> None:
    node.at(LAST)
    assert is_accepted(node.core.hear_make(node.made("alice", EPOCH, 1_000)))
    node.at(LAST + 1)
    assert node.core.hear_make(node.made("carol", EPOCH, 1_000)) == IGNORED
    assert len(node.core.pool) == 0


@pytest.mark.parametrize("fee", [10_001, 2**32 - 1])
def test_a_quote_for_more_than_the_whole_reward_is_rejected(node: Stage, fee: int) -> None:
    assert node.core.hear_make(node.made("alice", EPOCH, fee)) == rejected("InvalidBasisPointFee")


def test_a_quote_that_somebody_else_signed_is_rejected(node: Stage) -> None:
    forged = node.made("mallory", EPOCH, 1_000)
    forged = forged._replace(quote=forged.quote._replace(prover=ALICE))
    assert node.core.hear_make(forged) == rejected("InvalidProverSignature")


@pytest.mark.parametrize("field", [{"epoch": EPOCH + 1}, {"basis_point_fee": 999}, {"prover": CAROL}])
def test_a_signature_for_another_quote_is_rejected(node: Stage, field: dict[str, object]) -> None:
    made = node.made("alice", EPOCH, 1_000)
    changed = made._replace(quote=made.quote._replace(**field))
    assert node.core.hear_make(changed) == rejected("InvalidProverSignature")


def malleable(signature: Signature) -> Signature:
    s = ORDER - int.from_bytes(signature.s, "big")
    assert s > HALF_ORDER
    return Signature(55 - signature.v, signature.r, s.to_bytes(32, "big"))


def test_a_signature_in_the_upper_half_is_rejected_as_the_contract_does(node: Stage) -> None:
    made = node.made("alice", EPOCH, 1_000)
    assert node.core.hear_make(made._replace(signature=malleable(made.signature))) == rejected("InvalidProverSignature")


def test_a_signature_of_nothing_is_rejected_also_where_nobody_is_the_prover(node: Stage) -> None:
    empty = Signature(27, bytes(32), bytes(32))
    made = SignedQuote(Quote(NOBODY, EPOCH, 1_000), empty)
    assert node.core.hear_make(made) == rejected("InvalidProverSignature")


def test_the_hardened_design_rejects_a_take_as_a_make_and_another_rollups() -> None:
    stage = Stage("0.2.0")
    stage.at(FIRST)
    quote = Quote(BOB, EPOCH, 1_000)
    assert stage.core.hear_make(stage.taken(quote)) == rejected("InvalidProverSignature")
    elsewhere = SignedQuote(quote, sign(KEYS["bob"], DESIGNS["0.1.0"].make_digest(quote)))
    assert stage.core.hear_make(elsewhere) == rejected("InvalidProverSignature")


def test_the_signature_is_looked_at_first_and_then_the_fee_and_then_the_epoch(node: Stage) -> None:
    wrong = node.made("alice", EPOCH + 9, 10_001)
    assert node.core.hear_make(wrong) == rejected("InvalidBasisPointFee")
    unsigned = wrong._replace(signature=node.made("mallory", EPOCH, 1).signature)
    assert node.core.hear_make(unsigned) == rejected("InvalidProverSignature")


def test_what_is_known_is_ignored_and_nobody_is_to_blame_for_it(node: Stage) -> None:
    made = node.made("alice", EPOCH, 1_000)
    node.core.hear_make(made)
    assert node.core.hear_make(made) == IGNORED
    forged = made._replace(signature=node.made("mallory", EPOCH, 1).signature)
    assert node.core.hear_make(forged) == IGNORED


def test_what_is_known_is_passed_on_once_more_in_each_slot_if_it_is_well_signed(node: Stage) -> None:
    made = node.made("alice", EPOCH, 1_000)
    forged = made._replace(signature=node.made("mallory", EPOCH, 1).signature)
    node.core.hear_make(made)
    node.tick(node.core.view.slot + 1)
    assert node.core.hear_make(forged) == rejected("InvalidProverSignature")
    assert is_accepted(node.core.hear_make(made))
    assert node.core.hear_make(made) == IGNORED
    assert node.core.pool.quotes(EPOCH) == [made.quote]


@pytest.mark.parametrize("fee", [1_000, 1_001, 10_000])
def test_a_quote_as_dear_as_its_provers_best_one_is_not_passed_on(node: Stage, fee: int) -> None:
    node.core.hear_make(node.made("alice", EPOCH, 1_000))
    assert node.core.hear_make(node.made("alice", EPOCH, fee)) == IGNORED
    assert node.core.pool.quotes(EPOCH) == [Quote(ALICE, EPOCH, 1_000)]


def test_a_prover_may_go_down_so_many_times_and_no_more(node: Stage) -> None:
    fees = range(1_000, 1_000 - IMPROVEMENTS - 2, -1)
    heard = [node.core.hear_make(node.made("alice", EPOCH, fee)).verdict for fee in fees]
    assert heard == [Verdict.ACCEPT] * (IMPROVEMENTS + 1) + [Verdict.IGNORE]


# Takes


QUOTE = Quote(ALICE, EPOCH, 1_000)


def test_a_take_by_this_slots_proposer_is_passed_on_once(node: Stage) -> None:
    assert is_accepted(node.core.hear_take(node.taken(QUOTE)))
    assert node.core.hear_take(node.taken(QUOTE)) == IGNORED


def test_a_take_by_the_next_slots_proposer_is_passed_on_and_known_in_its_slot(node: Stage) -> None:
    node.see(head(FIRST, BOB, after=CAROL))
    early = node.taken(QUOTE, by="carol", slot=FIRST + 1)
    assert is_accepted(node.core.hear_take(early))
    node.at(FIRST + 1, head(FIRST + 1, CAROL, before=BOB))
    assert node.core.hear_take(early) == IGNORED


def test_a_take_by_the_last_slots_proposer_is_late_and_no_offence(node: Stage) -> None:
    node.see(head(FIRST, BOB, before=CAROL))
    assert node.core.hear_take(node.taken(QUOTE, by="carol", slot=FIRST - 1)) == IGNORED


def test_a_take_two_slots_early_is_nobodys_take(node: Stage) -> None:
    node.see(head(FIRST, BOB)._replace(proposers={FIRST - 1: BOB, FIRST: BOB, FIRST + 1: BOB, FIRST + 2: CAROL}))
    early = node.taken(QUOTE, by="carol", slot=FIRST + 2)
    assert node.core.hear_take(early) == rejected("InvalidProposerSignature")


def test_a_take_by_somebody_who_does_not_propose_is_rejected(node: Stage) -> None:
    assert node.core.hear_take(node.taken(QUOTE, by="mallory")) == rejected("InvalidProposerSignature")


@pytest.mark.parametrize("unknown", [FIRST - 1, FIRST, FIRST + 1])
def test_a_take_is_not_held_against_anybody_before_all_that_might_have_signed_it_are_known(
    node: Stage, unknown: int
) -> None:
    known = head(FIRST)
    proposers = {slot: proposer for slot, proposer in known.proposers.items() if slot != unknown}
    node.see(known._replace(proposers=proposers))
    assert node.core.hear_take(node.taken(QUOTE, by="mallory")) == IGNORED


@pytest.mark.parametrize("field", [{"epoch": EPOCH + 1}, {"basis_point_fee": 999}, {"prover": MALLORY}])
def test_a_take_of_another_quote_does_not_serve_for_this_one(node: Stage, field: dict[str, object]) -> None:
    taken = node.taken(QUOTE)
    changed = taken._replace(quote=taken.quote._replace(**field))
    assert node.core.hear_take(changed) == rejected("InvalidProposerSignature")


def test_a_take_of_more_than_the_whole_reward_is_rejected(node: Stage) -> None:
    assert node.core.hear_take(node.taken(Quote(ALICE, EPOCH, 10_001))) == rejected("InvalidBasisPointFee")


def test_a_signature_of_nothing_takes_nothing_in_a_slot_without_a_proposer(node: Stage) -> None:
    node.see(head(FIRST, NOBODY))
    empty = SignedQuote(QUOTE, Signature(27, bytes(32), bytes(32)))
    assert node.core.hear_take(empty) == rejected("InvalidProposerSignature")


@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH + 1])
def test_a_take_for_an_epoch_that_cannot_be_claimed_now_is_ignored(node: Stage, epoch: int) -> None:
    assert node.core.hear_take(node.taken(Quote(ALICE, epoch, 1_000))) == IGNORED


@pytest.mark.parametrize("slot", [FIRST - 2, LAST + 1])
def test_a_take_out_of_the_claim_phase_is_ignored(version: str, slot: int) -> None:
    stage = Stage(version)
    stage.at(slot)
    assert stage.core.hear_take(stage.taken(QUOTE)) == IGNORED


def test_a_take_for_the_first_slot_of_the_claim_phase_is_passed_on_in_the_slot_before(version: str) -> None:
    stage = Stage(version)
    stage.at(FIRST - 1)
    assert is_accepted(stage.core.hear_take(stage.taken(QUOTE, slot=FIRST)))


def test_a_take_for_the_slot_after_the_claim_phase_is_not(version: str) -> None:
    stage = Stage(version)
    stage.at(LAST, head(LAST, CAROL, after=BOB))
    assert stage.core.hear_take(stage.taken(QUOTE, slot=LAST + 1)) == IGNORED


def test_of_a_proposer_that_takes_quote_after_quote_so_many_are_passed_on_and_no_more(node: Stage) -> None:
    quotes = [QUOTE._replace(basis_point_fee=fee) for fee in range(TAKES + 1)]
    heard = [node.core.hear_take(node.taken(quote)).verdict for quote in quotes]
    assert heard == [Verdict.ACCEPT] * TAKES + [Verdict.IGNORE]
    node.at(FIRST + 1)
    assert is_accepted(node.core.hear_take(node.taken(QUOTE)))


def test_a_prover_that_is_taken_hears_it_through_all_that_the_proposer_has_taken_before(version: str) -> None:
    stage = Stage(version, prover="alice")
    stage.at(FIRST)
    stage.bid(EPOCH, QUOTE.basis_point_fee)
    for fee in range(TAKES):
        stage.hear_take(Quote(CAROL, EPOCH, fee))
    effects = stage.hear_take(QUOTE)
    assert [type(effect).__name__ for effect in effects] == ["Remember", "SendClaim"]
