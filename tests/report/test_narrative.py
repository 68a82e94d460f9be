"""A trace is told in words that a person reads once."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from coordination.machine import SpecificationError
from coordination.machine.property import Expected
from coordination.machine.trace import Trace
from coordination.report.narrative import LINES, find_property, narrative, print_narrative
from tests.report.escrow import ALICE, BOB, ESCROW, MALLORY, SMALL, Account, mallory_is_rich, run
from tests.two_phase_commit import TWO_PHASE_COMMIT, managers, nobody_aborts_alone

MONEY = ("balance", "house")

TIPPED = run(
    ESCROW,
    SMALL,
    "CONSERVED",
    ("tick", ()),
    ("pay", (MALLORY, 0, ALICE, BOB, 2)),
    ("pay", (ALICE, 0, ALICE, BOB, 2_500)),
    ("pay", (ALICE, 0, ALICE, BOB, 2)),
    ("tell", (0,)),
    ("release", (0, True)),
)

TOLD = """\
escrow 1.0, instance small
CONSERVED: No money appears or vanishes, and the house holds the prices of what it holds.

  0  the initial state
     balances: alice 5, bob 0, mallory 3, house 0; sum 8
  1  tick()
     today: 0 -> 1
     open_: false -> true
  2  pay(caller=mallory, item=0, order=(buyer=alice, seller=bob, price=2))
     rejected: E2 NotTheBuyer
  3  pay(caller=alice, item=0, order=(buyer=alice, seller=bob, price=2_500))
     rejected: E3 TooExpensive
  4  pay(caller=alice, item=0, order=(buyer=alice, seller=bob, price=2))
     event Paid(item=0, buyer=alice, price=2, code=7)
     balance[alice]: 5 -> 3
     house: 0 -> 2
     stage[0]: FREE -> HELD
     seller[0]: alice -> bob
     price[0]: 0 -> 2
     balances: alice 3, bob 0, mallory 3, house 2; sum 8
  5  tell(item=0)
     told[bob, 0]: false -> true
  6  release(item=0, tip=true)
     event Released(item=0)
     balance[bob]: 0 -> 3
     house: 2 -> 0
     stage[0]: HELD -> SOLD
     balances: alice 3, bob 3, mallory 3, house 0; sum 9

CONSERVED fails after step 6:
     not balance[alice] + balance[bob] + balance[mallory] + house == 8 (3 + 3 + 3 + 0 is 9)
"""


def test_a_trace_is_told_step_by_step_with_balances_and_the_part_that_failed() -> None:
    assert narrative(TIPPED, ESCROW, money=MONEY).plain == TOLD


def test_a_machine_without_names_or_money_is_told_as_well() -> None:
    machine = replace(TWO_PHASE_COMMIT, instances={"3": managers(3)})
    trace = run(machine, managers(3), "NOBODY_ABORTS_ALONE", ("prepare", (0,)), ("choose_to_abort", (2,)))
    assert narrative(trace, machine, prop=nobody_aborts_alone).plain == (
        "two-phase commit, instance 3\n"
        "NOBODY_ABORTS_ALONE: A manager aborts only once the transaction manager has: false, "
        "and there to be violated.\n"
        "\n"
        "  0  the initial state\n"
        "  1  prepare(rm=0)\n"
        "     manager[0]: WORKING -> PREPARED\n"
        "     said_prepared[0]: false -> true\n"
        "  2  choose_to_abort(rm=2)\n"
        "     manager[2]: WORKING -> ABORTED\n"
        "\n"
        "NOBODY_ABORTS_ALONE fails after step 2:\n"
        "     manager[2] == ABORTED, but not said_abort\n"
    )


def test_a_step_property_names_the_step_and_says_what_the_mark_means() -> None:
    pay = ("pay", (ALICE, 0, ALICE, BOB, 2))
    trace = run(ESCROW, SMALL, "NEVER_REOPENED", ("tick", ()), pay, ("release", (0, False)), pay)
    assert narrative(trace, ESCROW).plain.endswith(
        "\nNEVER_REOPENED fails in step 4 (' marks the state after it):\n"
        "     stage[0] == SOLD, but not stage'[0] == SOLD (stage'[0] is HELD)\n"
    )


def test_a_reached_situation_is_told_as_reached() -> None:
    trace = run(ESCROW, SMALL, "x", ("tick", ()), ("pay", (ALICE, 0, ALICE, MALLORY, 2)), ("release", (0, False)))
    told = narrative(trace, ESCROW, prop=mallory_is_rich).plain
    assert "\nmallory is rich is reached after step 3:\n     today != 0" in told


def test_a_property_that_does_not_fail_at_the_end_is_not_said_to_fail() -> None:
    trace = run(ESCROW, SMALL, "CONSERVED")
    assert narrative(trace, ESCROW).plain.endswith("\nCONSERVED does not fail in the initial state\n")


def test_an_unknown_property_leaves_the_steps_to_speak() -> None:
    told = narrative(replace(TIPPED, property="SOMETHING_ELSE"), ESCROW).plain
    assert "\nSOMETHING_ELSE\n" in told
    assert "fail" not in told


def test_the_route_of_an_expected_violation_is_found_by_its_name() -> None:
    machine = replace(ESCROW, expected={"CONSERVED": Expected("tips", (mallory_is_rich,))})
    assert find_property(machine, "mallory is rich") is mallory_is_rich
    assert find_property(machine, "poor") is None


def test_a_step_that_changes_very_much_is_cut_short() -> None:
    n = LINES + 3
    machine = replace(TWO_PHASE_COMMIT, instances={"many": replace(managers(n), name="many")})
    instance = replace(machine.instance("many"), initial={"heard": dict.fromkeys(range(n), True)})
    trace = run(machine, instance, "")
    told = narrative(trace, machine).plain
    assert f"heard[{LINES - 1}]" in told
    assert told.endswith("     and 3 more\n")


def test_accounts_of_one_name_keep_their_balances_apart() -> None:
    both = replace(SMALL, names={Account: {ALICE: "alice", BOB: "house", MALLORY: "mallory"}})
    machine = replace(ESCROW, instances={"small": both})
    trace = run(machine, both, "", ("tick", ()), ("pay", (ALICE, 0, ALICE, BOB, 2)), ("release", (0, False)))
    assert (
        "balances: alice 5, balance[house] 0, mallory 3, house 0; sum 8" in narrative(trace, machine, money=MONEY).plain
    )


def test_money_that_is_no_variable_is_refused_by_name() -> None:
    with pytest.raises(SpecificationError, match="no variable 'bond' that could hold money; it has: today, balance"):
        narrative(TIPPED, ESCROW, money=["bond"])


def test_colours_appear_on_a_terminal_only_and_lines_are_never_broken() -> None:
    def printed(terminal: bool) -> str:
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=40, color_system="standard" if terminal else "auto")
        print_narrative(console, TIPPED, ESCROW, money=MONEY)
        return out.getvalue()

    assert printed(terminal=False) == TOLD
    assert "\x1b[31mrejected: E2 NotTheBuyer\x1b[0m" in printed(terminal=True)


def test_what_a_stranger_wrote_into_a_trace_cannot_steer_the_terminal() -> None:
    first, *rest = TIPPED.steps
    hostile = replace(first, error="\x1b[2JGone", rule="E\r9")
    told = narrative(Trace("escrow", "1.0", "small", "\x1b[31m", TIPPED.initial, (hostile, *rest)), ESCROW).plain
    assert "rejected: E\\r9 \\x1b[2JGone" in told
    assert "\x1b" not in told
