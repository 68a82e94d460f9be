"""What is to be done about a transaction, by what is known of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordination.node.l1.decisions import RAISES, Situation, Step, decide

NEW = Situation(
    is_stopped=False,
    versions=0,
    raises=0,
    is_cancelled=False,
    depth=None,
    is_undone=False,
    absent_for=None,
    is_next=True,
    pooled_for=None,
    is_outbid=False,
    is_too_dear=False,
    may_try=True,
)
LOST = replace(NEW, versions=1)
POOLED = replace(LOST, pooled_for=1.0)
STUCK = replace(LOST, pooled_for=6.0)
MINED = replace(LOST, depth=0)
ABSENT = replace(LOST, absent_for=0.0)
OUTBID = replace(LOST, is_outbid=True)


@pytest.mark.parametrize(
    ("situation", "step"),
    [
        (NEW, Step.SIGN),
        (replace(NEW, may_try=False), Step.WAIT),
        (LOST, Step.BROADCAST),
        (replace(LOST, may_try=False), Step.WAIT),
        (POOLED, Step.WAIT),
        (replace(POOLED, pooled_for=5.9), Step.WAIT),
        (STUCK, Step.REPLACE),
        (replace(STUCK, is_next=False), Step.WAIT),
        (replace(STUCK, may_try=False), Step.WAIT),
        (replace(STUCK, versions=RAISES, raises=RAISES - 1), Step.REPLACE),
        (replace(STUCK, versions=RAISES + 1, raises=RAISES), Step.WAIT),
        (OUTBID, Step.REPLACE),
        (replace(OUTBID, raises=RAISES), Step.BROADCAST),
        (replace(OUTBID, is_next=False), Step.BROADCAST),
        (replace(LOST, is_too_dear=True, is_next=False, raises=RAISES), Step.REPLACE),
        (replace(LOST, is_too_dear=True, may_try=False), Step.WAIT),
        (MINED, Step.WAIT),
        (replace(MINED, depth=1), Step.WAIT),
        (replace(MINED, depth=2), Step.SETTLE),
        (replace(MINED, depth=-1), Step.WAIT),
        (replace(MINED, depth=0, is_stopped=True), Step.WAIT),
        (replace(MINED, depth=2, is_stopped=True), Step.SETTLE),
        (replace(MINED, depth=1, is_undone=True), Step.WAIT),
        (replace(MINED, depth=2, is_undone=True), Step.FREE),
        (replace(MINED, depth=2, is_undone=True, is_stopped=True), Step.SETTLE),
        (ABSENT, Step.WAIT),
        (replace(ABSENT, absent_for=2.0), Step.FREE),
        (replace(ABSENT, absent_for=2.0, is_stopped=True), Step.FORGET),
        (replace(LOST, is_stopped=True), Step.REPLACE),
        (replace(POOLED, is_stopped=True), Step.REPLACE),
        (replace(POOLED, is_stopped=True, may_try=False), Step.WAIT),
        (replace(POOLED, is_stopped=True, raises=RAISES, is_next=False), Step.REPLACE),
        (replace(POOLED, is_stopped=True, is_cancelled=True), Step.WAIT),
        (replace(STUCK, is_stopped=True, is_cancelled=True), Step.REPLACE),
        (replace(LOST, is_stopped=True, is_cancelled=True), Step.BROADCAST),
        (replace(POOLED, is_cancelled=True), Step.REPLACE),
    ],
)
def test_a_situation_has_its_step(situation: Situation, step: Step) -> None:
    assert decide(situation, patience=6.0, grace=2.0, confirmations=2) is step
