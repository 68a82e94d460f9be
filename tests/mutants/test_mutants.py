"""The mutants are what they are said to be, and a sample of them is judged as `docs/mutants.md` says of all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pytest

from tests.mutants.__main__ import PAGE
from tests.mutants.judging import Check, Outcome, Verdict, judge
from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.operators import TABLE
from tests.mutants.statements import read
from tests.mutants.survivors import Explanation, disagreements, explanations
from tests.mutants.table import counts, difference

MUTANTS = all_mutants()
SAMPLED = [*MUTANTS[:: len(MUTANTS) // 6], next(each for each in MUTANTS if each.operator == "check-dropped")]
EQUIVALENT = "check-dropped/ProverCoordination.claimProofRight/1"


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    return judge(SAMPLED, lambda text: None)


def test_every_operator_makes_mutants() -> None:
    made = Counter(mutant.operator for mutant in MUTANTS)
    assert all(made[operator.name] for operator in TABLE)


def test_no_two_mutants_have_the_same_id_or_the_same_text() -> None:
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.text) for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_changes_its_statements_and_nothing_else() -> None:
    for mutant in MUTANTS:
        before, after = read(mutant.file).text.splitlines(), mutant.text.splitlines()
        changed = [at for at, (one, other) in enumerate(zip(before, after, strict=True), 1) if one != other]
        assert changed
        assert changed[0] >= mutant.line
        removed, added = (" ".join(line.strip() for line in side) for side in _sides(before, after, changed))
        assert removed.replace(" ", "") in mutant.before.replace("\n", "").replace(" ", ""), mutant.id
        assert added.replace(" ", "") in mutant.after.replace("\n", "").replace(" ", ""), mutant.id


def _sides(before: list[str], after: list[str], changed: list[int]) -> tuple[list[str], list[str]]:
    return [before[at - 1] for at in changed], [after[at - 1] for at in changed]


def test_the_sample_has_many_operators_and_both_outcomes(verdicts: Mapping[str, Verdict]) -> None:
    assert len({mutant.operator for mutant in SAMPLED}) >= 6
    assert {verdict.outcome for verdict in verdicts.values()} >= {Outcome.KILLED, Outcome.SURVIVED}


def test_a_sampled_mutant_is_killed_or_explained(verdicts: Mapping[str, Verdict]) -> None:
    sampled = [
        Explanation(each.is_equivalent, each.why, tuple(identity for identity in each.mutants if identity in verdicts))
        for each in explanations()
    ]
    assert list(disagreements(verdicts, sampled)) == []


def test_another_contract_that_does_the_same_is_not_killed(verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts[EQUIVALENT].outcome is Outcome.SURVIVED


def test_what_killed_a_mutant_is_told(verdicts: Mapping[str, Verdict]) -> None:
    killed = [verdict for verdict in verdicts.values() if verdict.outcome is Outcome.KILLED]
    assert all(verdict.check and verdict.design and verdict.difference for verdict in killed)


def test_every_explained_survivor_is_a_mutant_and_is_explained_once() -> None:
    explained = [identity for explanation in explanations() for identity in explanation.mutants]
    assert set(explained) <= {mutant.id for mutant in MUTANTS}
    assert len(explained) == len(set(explained))


def test_the_page_lists_the_mutants_of_the_present_contracts() -> None:
    listed = re.findall(r"^\| `(\S+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [mutant.id for mutant in MUTANTS], "run 'make mutants', which takes minutes"


LIVES, DIES = Verdict(Outcome.SURVIVED), Verdict(Outcome.KILLED, Check.EXHAUSTIVE, "0.1.0", "something")


@pytest.mark.parametrize(
    ("verdicts_of", "explained", "complaint"),
    [
        ({"a": LIVES}, (), "a lives, and survivors.toml does not say why"),
        ({"a": DIES}, ("a",), "a is said to live, but: killed (something)"),
        ({"a": DIES}, ("b",), "survivors.toml names b, which no operator makes"),
    ],
)
def test_a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_reported(
    verdicts_of: Mapping[str, Verdict], explained: tuple[str, ...], complaint: str
) -> None:
    assert list(disagreements(verdicts_of, [Explanation(True, "why", explained)])) == [complaint]


def test_what_is_no_other_contract_is_not_counted_among_the_wrong_ones() -> None:
    outcomes = {"a": LIVES, "b": DIES, "c": Verdict(Outcome.SAME), "d": Verdict(Outcome.REPEATED)}
    mutants = [Mutant(each, "operator", "file", 1, "", "", "") for each in outcomes]
    found = counts(mutants, outcomes)
    assert (found["made"], found["wrong contracts"], found[Outcome.KILLED]) == (4, 2, 1)


def test_a_difference_is_told_by_what_changed_and_a_word_beside_it() -> None:
    told = difference("if (slot - claim.slot >= proofSlots) revert", "if (slot - claim.slot > proofSlots) revert")
    assert told == ("… slot >= proofSlots …", "… slot > proofSlots …")
