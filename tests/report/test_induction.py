"""A counterexample to induction is told by what matters of it, and by what to do about it."""

from __future__ import annotations

import io

from rich.console import Console

from coordination.explore.search import Budget
from coordination.machine import Machine, Property
from coordination.machine.property import Kind
from coordination.prove.explaining.classification import classify
from coordination.prove.explaining.counterexample import Scratch
from coordination.prove.explaining.explored import Explored
from coordination.report.induction import print_counterexample
from coordination_spec import DESIGNS
from coordination_spec.lemmas import LEMMAS
from tests.two_phase_commit import TWO_PHASE_COMMIT, consistent, nobody_aborts_alone

HARDENED = DESIGNS["0.2.0"]
ASSUMED = [prop for prop in (*HARDENED.properties, *LEMMAS) if prop.kind is Kind.INVARIANT]

NOT_REACHABLE = '''\
two-phase commit, instance 3
hear_abort does not keep CONSISTENT: No manager commits while another aborts.

a state in which everything assumed holds, by what it has in place of the initial state's
     manager[1]: WORKING -> COMMITTED
     said_abort: false -> true
  1  hear_abort(rm=0)
     manager[0]: WORKING -> ABORTED

CONSISTENT fails after step 1:
     manager[0] == ABORTED, manager[1] == COMMITTED

not reachable: hear_abort breaks CONSISTENT in none of 288 states.
This would exclude it, and is true in all of them:

"""What CONSISTENT may need, to be kept by hear_abort."""

from __future__ import annotations

from coordination.machine import forall, implies, invariant, negate
from tests.two_phase_commit import Manager, Nothing, Phase, TwoPhase


@invariant()
def needed_for_consistent(s: TwoPhase, w: Nothing) -> bool:
    """True in all 288 states of instance 3; to be proved for all sizes."""
    return forall(Manager, lambda manager: implies(s.manager[manager] == Phase.COMMITTED, negate(s.said_abort)))
'''

REACHABLE = """\
two-phase commit, instance 3
choose_to_abort does not keep NOBODY_ABORTS_ALONE: A manager aborts only once the transaction manager has: false, \
and there to be violated.

a state in which everything assumed holds, by what it has in place of the initial state's
  1  choose_to_abort(rm=0)
     manager[0]: WORKING -> ABORTED

NOBODY_ABORTS_ALONE fails after step 1:
     manager[0] == ABORTED, but not said_abort

reachable: after 0 steps a state agrees with this one in all that matters. The rules are wrong, or the property is.

two-phase commit, instance 3
NOBODY_ABORTS_ALONE: A manager aborts only once the transaction manager has: false, and there to be violated.

  0  the initial state
  1  choose_to_abort(rm=0)
     manager[0]: WORKING -> ABORTED

NOBODY_ABORTS_ALONE fails after step 1:
     manager[0] == ABORTED, but not said_abort
"""


def told(
    machine: Machine, instance: str, action: str, prop: Property, assumed: list[Property], states: int | None = None
) -> str:
    where, output = machine.instance(instance), io.StringIO()
    found = Scratch(machine, where, assumed).find(action, prop)
    assert found is not None
    meaning = classify(found, Explored(machine, where, Budget(states=states)))
    print_counterexample(Console(file=output, width=80), found, meaning)
    return output.getvalue()


def test_what_is_not_reachable_is_told_with_a_lemma_to_paste() -> None:
    assert told(TWO_PHASE_COMMIT, "3", "hear_abort", consistent, [consistent]) == NOT_REACHABLE


def test_what_is_reachable_is_told_with_the_run() -> None:
    text = told(TWO_PHASE_COMMIT, "3", "choose_to_abort", nobody_aborts_alone, [nobody_aborts_alone])
    assert text == REACHABLE


def test_where_another_state_is_reached_that_is_said() -> None:
    proof_timing = next(prop for prop in HARDENED.properties if prop.name == "PROOF_TIMING")
    text = told(HARDENED.without("F2"), "tiny", "submit_epoch_proof", proof_timing, ASSUMED)
    assert "not this state, but another is reachable: after 5 steps, submit_epoch_proof breaks PROOF_TIMING." in text
    assert text.count("PROOF_TIMING fails in step") == 2


def test_a_search_that_gave_up_is_no_verdict() -> None:
    text = told(TWO_PHASE_COMMIT, "3", "hear_abort", consistent, [consistent], states=10)
    assert text.endswith(
        "unknown: hear_abort breaks CONSISTENT in none of 29 states visited before the search gave up after "
        "more than 10 states\n"
    )
    assert "This would exclude it" not in text
