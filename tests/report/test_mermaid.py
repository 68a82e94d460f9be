"""A trace as a sequence diagram."""

from __future__ import annotations

from dataclasses import replace

from coordination.report.mermaid import escape, to_mermaid
from tests.report.escrow import ALICE, BOB, ESCROW, MALLORY, SMALL, Account, run
from tests.two_phase_commit import TWO_PHASE_COMMIT, managers

CALLS = (
    ("tick", ()),
    ("pay", (MALLORY, 0, ALICE, BOB, 2)),
    ("pay", (ALICE, 0, ALICE, BOB, 2)),
    ("release", (0, True)),
    ("release", (0, True)),
)


def test_accounts_call_the_machine_and_what_nobody_does_is_a_note() -> None:
    assert to_mermaid(run(ESCROW, SMALL, "CONSERVED", *CALLS), ESCROW) == (
        "sequenceDiagram\n"
        "    participant actor1 as mallory\n"
        "    participant actor2 as alice\n"
        "    participant callee as escrow 1.0\n"
        "    Note over callee: 1. tick()\n"
        "    actor1--xcallee: 2. pay(caller=mallory, item=0, order=(buyer=alice, seller=bob, price=2))"
        " rejected, E2 NotTheBuyer\n"
        "    actor2->>callee: 3. pay(caller=alice, item=0, order=(buyer=alice, seller=bob, price=2))\n"
        "    Note right of callee: Paid(item=0, buyer=alice, price=2, code=7)\n"
        "    Note over callee: 4. release(item=0, tip=true)\n"
        "    Note right of callee: Released(item=0)\n"
        "    Note over callee: 5. release(item=0, tip=true) rejected, E4 NotHeld\n"
        "    Note over callee: CONSERVED\n"
    )


def test_a_machine_without_names_is_a_column_of_notes() -> None:
    machine = replace(TWO_PHASE_COMMIT, instances={"3": managers(3)})
    assert to_mermaid(run(machine, managers(3), "CONSISTENT", ("prepare", (1,))), machine) == (
        "sequenceDiagram\n"
        "    participant callee as two-phase commit\n"
        "    Note over callee: 1. prepare(rm=1)\n"
        "    Note over callee: CONSISTENT\n"
    )


def test_names_cannot_become_syntax() -> None:
    hostile = replace(SMALL, names={Account: {ALICE: "a", BOB: "b", MALLORY: "end; x->>y: <b>\nNote %%{"}})
    machine = replace(ESCROW, instances={"small": hostile})
    diagram = to_mermaid(run(machine, hostile, "CONSERVED", *CALLS[:2]), machine)
    assert "participant actor1 as end#59; x-#62;#62;y#58; #60;b#62;#10;Note #37;#37;#123;\n" in diagram
    assert len(diagram.splitlines()) == 6


def test_text_that_is_empty_or_not_ascii_is_still_text() -> None:
    assert escape("") == " "
    assert escape("mällory") == "m#228;llory"
