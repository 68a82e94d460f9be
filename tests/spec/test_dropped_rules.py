"""What each rule is for: drop one, explore, and see which safety properties break.

A rule that no safety property misses is there for another reason; the reason stands in the table, and where it can be
said as a property of its own, that property is in `WITNESSES`: it holds with the rule and breaks without.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass

import pytest

from coordination.explore.check import check
from coordination.explore.search import Budget
from coordination.machine import (
    Machine,
    Property,
    SpecificationError,
    all_of,
    any_of,
    attempt,
    forall,
    implies,
    invariant,
    negate,
    step_property,
)
from coordination.machine.oracle import Oracle
from coordination.machine.verdict import Status
from coordination_spec.instances import BOB, MALLORY, TINY, Scenario
from coordination_spec.nodes import is_candidate
from coordination_spec.properties import SAFETY, honest_prover_safe, is_running
from coordination_spec.rollup import submit_epoch_proof
from coordination_spec.state import Coordination
from coordination_spec.words import NOBODY, PANIC, WHOLE, Account, BasisPoints, Epoch, Quote, Slot
from coordination_spec.world import World
from tests.spec.worlds import HARDENED, PAIR, explore, in_debt, instance_of, violated


@dataclass(frozen=True)
class Dropped:
    """What 0.2.0 loses without some rules. `first` has the shortest trace; `also` breaks later."""

    rules: tuple[str, ...]
    why: str
    first: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    scenario: Scenario = TINY
    endless: bool = False  # money multiplies without end, so the search is cut off; what it found by then counts

    def machine(self) -> Machine:
        machine = HARDENED
        for rule in self.rules:
            machine = machine.without(rule)
        return machine

    def __str__(self) -> str:
        return f"{'+'.join(self.rules)} on {self.scenario.name}"


def names(*properties: str) -> frozenset[str]:
    return frozenset(properties)


TABLE = (
    Dropped(("C1",), "the last slot of an epoch would do", first=names("CLAIM_TIMING")),
    Dropped(
        ("C1",),
        "a claim in an epoch's last slot runs on into the next claim phase; tiny has one epoch, so it cannot show that",
        first=names("CLAIM_TIMING"),
        also=names("ONE_LIVE_CLAIM"),
        scenario=PAIR,
    ),
    Dropped(
        ("C2",),
        "a claim over a claim swallows a bond, and a claim over a proven or pruned epoch revives it",
        first=names("ONE_CLAIM_PER_EPOCH", "FINALITY"),
        also=names("BOND_CONSERVATION", "BOND_EXIT"),
    ),
    Dropped(("C3",), "any signature, even nobody's, makes a claim", first=names("SIGNATURE_BINDING")),
    Dropped(("C4",), "one account claims for another", first=names("CALLER_BINDING")),
    Dropped(("C5",), "the claim phase of any later epoch would do", first=names("CLAIM_TIMING")),
    Dropped(
        ("C5",),
        "two epochs are claimed in one slot",
        first=names("CLAIM_TIMING"),
        also=names("ONE_LIVE_CLAIM"),
        scenario=PAIR,
    ),
    Dropped(("C6",), "no proof under a fee above the whole can be paid out", first=names("HONEST_PROVER_SAFE")),
    Dropped(
        ("C7",),
        "none: the bond moves all the same, and leaves its prover in debt; see NOBODY_OWES, and the domain of amounts",
    ),
    Dropped(
        ("F1",),
        "one proof is paid out again and again",
        first=names("BOND_CONSERVATION", "BOND_EXIT"),
        endless=True,
    ),
    Dropped(("F2",), "a late proof gets the bond back", first=names("BOND_EXIT", "PROOF_TIMING")),
    Dropped(
        ("F3",),
        "a bond leaves with any proof, valid or not; see also INVALID_PROOFS_ARE_REFUSED",
        first=names("BOND_EXIT"),
    ),
    Dropped(
        ("X1",),
        "a running claim is pruned, its bond lost, and its proof refused; so is an epoch whose bond has left already",
        first=names("BOND_CONSERVATION", "BOND_EXIT", "HONEST_PROVER_SAFE"),
        also=names("FINALITY"),
    ),
    Dropped(("TST",), "none: as C7, a payment leaves its payer in debt; see NOBODY_OWES", endless=True),
    Dropped(("N1",), "none: nodes drop by N2, and the contract by C5 and C6, what should not have been bid"),
    Dropped(
        ("N2",),
        "none: whatever a proposer takes, C3 to C7 hold a claim to; but a forged quote, which nobody will claim with, "
        "drives out the real ones; see TAKES_ARE_OF_MADE_QUOTES",
    ),
    Dropped(
        ("N3",),
        "none: which quote is taken is a matter of price, and a take out of place is refused by C1, C2 and C5; see "
        "THE_CHEAPEST_IS_TAKEN",
    ),
    Dropped(("N4",), "a proposer decides twice in one slot", first=names("NO_EQUIVOCATION", "SINGLE_USABLE_TAKE")),
    Dropped(
        ("N5",),
        "none: a claim that is sent twice or out of time is refused by C1, C2 and C5; but a prover would be held to a "
        "quote that it has not made; see CLAIMS_ARE_OF_MADE_QUOTES",
    ),
    Dropped(("EVM",), "none: under C6 the checked subtraction never fails; it is the second line of defence"),
    Dropped(
        ("C6", "EVM"),
        "without the second line too, the prover is paid more than the reward",
        first=names("HONEST_PROVER_SAFE"),
        also=names("PAYOUT_EXACT"),
    ),
)

ENOUGH = Budget(states=100_000)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_a_dropped_rule_breaks_exactly_the_properties_that_rest_on_it(row: Dropped) -> None:
    checked = explore(row.machine(), row.scenario, budget=ENOUGH if row.endless else None)
    broken = violated(checked)
    assert bool(checked.exhausted) is row.endless
    assert broken.keys() == row.first | row.also
    assert row.first == {name for name, steps in broken.items() if steps == min(broken.values())}


def test_nothing_breaks_with_every_rule_in_place() -> None:
    for scenario in (TINY, PAIR):
        checked = explore(HARDENED, scenario)
        assert checked.exhausted == ""
        assert violated(checked) == {}


def test_no_rule_is_left_out() -> None:
    """Every id that some guard of the specification names has a row."""
    calls = [
        node
        for module in {inspect.getmodule(action.run) for action in HARDENED.actions}
        if module is not None
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("require", "when")
    ]
    constants = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    assert {rule for rule in constants if isinstance(rule, str)} == {rule for row in TABLE for rule in row.rules}


def test_every_safety_property_breaks_somewhere() -> None:
    """A check that cannot fail is a defect."""
    assert {name for row in TABLE for name in row.first | row.also} == {prop.name for prop in SAFETY}


@pytest.mark.parametrize("rule", ["C7", "TST", "F1"])
def test_a_broken_rule_that_leads_out_of_an_instance_is_refused_not_overlooked(rule: str) -> None:
    """Balances are amounts; where a rule's absence makes one negative, there is nothing to explore."""
    machine = HARDENED.without(rule)
    with pytest.raises(SpecificationError, match="outside"):
        check(machine, instance_of(machine, TINY), machine.properties)


@pytest.mark.parametrize("name", ["tiny", "twins", "ci"])
def test_no_shipped_instance_is_too_poor_to_show_what_c6_is_for(name: str) -> None:
    machine = HARDENED.without("C6")
    checked = check(machine, machine.instance(name), machine.properties)
    assert checked.exhausted == ""
    assert violated(checked).keys() >= {"HONEST_PROVER_SAFE"}


def test_without_n2_everything_is_received_and_still_fits_the_instance() -> None:
    """Without N2 `ci` is too large to be explored whole, but no step in what is explored leaves its domains."""
    machine = HARDENED.without("N2")
    checked = check(machine, machine.instance("ci"), machine.properties, Budget(states=1_000_000))
    assert checked.exhausted != ""
    assert violated(checked) == {}


# Properties that say what the other rules are for


@invariant(rules=("C7", "TST"))
def nobody_owes(s: Coordination, w: World) -> bool:
    """No balance is negative, and neither is what the rollup holds."""
    return all_of(forall(Account, lambda account: s.balance[account] >= 0), s.held >= 0)


@invariant(rules=("F3",))
def invalid_proofs_are_refused(s: Coordination, w: World) -> bool:
    """Whoever hands in a proof that the verifier does not accept gets nothing by it."""

    def is_refused(epoch: Epoch, caller: Account) -> bool:
        accepted, _ = attempt(submit_epoch_proof, s, w, caller, epoch, False)
        return negate(accepted)

    return forall((Epoch, Account), is_refused)


@invariant(rules=("N2",))
def takes_are_of_made_quotes(s: Coordination, w: World) -> bool:
    """An honest proposer takes what a prover has bid, at a fee of at most the whole; an adversary may bid anything."""

    def is_made(slot: Slot, prover: Account, epoch: Epoch, fee: BasisPoints) -> bool:
        made = any_of(w.adversarial[prover], s.made[Quote(prover, epoch, fee)])
        return implies(s.taken[slot, Quote(prover, epoch, fee)], all_of(made, fee <= WHOLE))

    return forall((Slot, Account, Epoch, BasisPoints), is_made)


@step_property(rules=("N3",))
def the_cheapest_is_taken(before: Coordination, after: Coordination, w: World) -> bool:
    """Who decides on a quote has no cheaper one whose prover can pay the bond."""
    proposer, epoch = Account(w.schedule[before.now]), Epoch(w.epoch(before.now) - 1)
    decides = all_of(before.choice_prover == NOBODY, after.choice_prover != NOBODY)

    def is_no_cheaper(prover: Account, fee: BasisPoints) -> bool:
        return implies(is_candidate(before, w, proposer, Quote(prover, epoch, fee)), fee >= after.choice_fee)

    return implies(decides, forall((Account, BasisPoints), is_no_cheaper))


@invariant(rules=("N5",))
def claims_are_of_made_quotes(s: Coordination, w: World) -> bool:
    """No honest prover is held to a claim that it has not bid for."""

    def is_made(epoch: Epoch, prover: Account, fee: BasisPoints) -> bool:
        stored = all_of(s.claim_prover[epoch] == prover, s.claim_fee[epoch] == fee)
        return implies(all_of(stored, w.is_honest(prover)), s.made[Quote(prover, epoch, fee)])

    return forall((Epoch, Account, BasisPoints), is_made)


WITNESSES = (
    nobody_owes,
    invalid_proofs_are_refused,
    takes_are_of_made_quotes,
    the_cheapest_is_taken,
    claims_are_of_made_quotes,
)
CASES = [(prop, rule) for prop in WITNESSES for rule in prop.rules]


@pytest.mark.parametrize("prop", WITNESSES, ids=lambda prop: prop.name)
def test_the_property_that_says_what_a_rule_is_for_holds_with_the_rule(prop: Property) -> None:
    assert violated(explore(HARDENED, TINY, [prop])) == {}


@pytest.mark.parametrize(("prop", "rule"), CASES, ids=lambda case: getattr(case, "name", case))
def test_the_property_that_says_what_a_rule_is_for_breaks_without_it(prop: Property, rule: str) -> None:
    assert violated(explore(HARDENED.without(rule), TINY, [prop], ENOUGH)).keys() == {prop.name}


def test_every_rule_that_no_safety_property_misses_has_a_property_of_its_own_or_a_second_line() -> None:
    missed = {rule for row in TABLE if row.first for rule in row.rules}
    witnessed = {rule for prop in WITNESSES for rule in prop.rules}
    assert {rule for row in TABLE for rule in row.rules} - missed - witnessed == {"N1"}


# The trace in which a bond is locked


def test_without_c6_a_bond_is_locked() -> None:
    machine = HARDENED.without("C6")
    checked = explore(machine, TINY, [honest_prover_safe])
    (verdict,) = checked.verdicts
    assert verdict.status is Status.VIOLATED
    assert verdict.trace is not None
    oracle = Oracle(machine, in_debt(instance_of(machine, TINY)))
    oracle.replay(verdict.trace)

    last, epoch = verdict.trace.steps[-1].state, Epoch(0)
    assert last.entry("claim_fee", (epoch,)) > 10_000
    assert oracle.holds(_running(epoch), last)
    for caller in (BOB, MALLORY):
        step = oracle.run(last, submit_epoch_proof, (caller, epoch, True))
        assert step is not None
        assert (step.error, step.rule) == (PANIC, "EVM")
        assert step.state == last
    assert oracle.holds(honest_prover_safe, last) is False


def _running(epoch: Epoch) -> Property:
    @invariant()
    def the_claim_is_running(s: Coordination, w: World) -> bool:
        return is_running(s, w, epoch)

    return the_claim_is_running
