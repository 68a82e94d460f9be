"""What never happens: a proof says nothing of that, so it is told, and whether it is proved too.

First that each action is accepted in some run, and that each check of it is in some run the one that fails. An instance
small enough to explore mostly shows both; its runs are runs of what is proved, for it is a size of that (see `sizes`).
Only of what no such run shows a solver is asked whether it can happen at all.

Then the premises: `implies(premise, conclusion)` says nothing while the premise is false. Whether it says anything in
some run is asked as Kupferman and Vardi do (Vacuity Detection in Temporal Model Checking, 1999): if the property would
hold whatever stood there as the conclusion, the premise never comes true where that matters.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

from coordination.explore.kernel import Tally
from coordination.explore.search import Exploration, Search
from coordination.machine import terms
from coordination.machine.language import Reading, all_of, current, reading
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.terms import Value
from coordination.prove import smtlib
from coordination.prove.conditions import RANGES, Conditions
from coordination.prove.induction import Induction, Prover, Report
from coordination.prove.solvers import Outcome
from coordination.prove.symbols import witnessed
from coordination.prove.unbounded import AllSizes, Move

PROVED, NOT_SEEN = "proved", "not seen"
MOST_STATES = 1_000_000  # of an instance that is explored for this, by its pin


@dataclass(frozen=True, order=True)
class Ending:
    """How a call ends: rejected by the check that `rule` and `error` name; or accepted, where these are empty."""

    action: str
    rule: str = ""
    error: str = ""

    def count(self, tally: Tally) -> int:
        if not self.error:
            return tally.accepted[self.action]
        return tally.rejected[self.action, self.rule, self.error]


@dataclass(frozen=True)
class Never:
    """No call ends like that: PROVED for all sizes, or NOT_SEEN in any instance that was explored."""

    ending: Ending
    how: str


@dataclass(frozen=True)
class IdlePremise:
    """A premise, as it is written at a place in the source, that makes no difference to the property."""

    property: str
    where: str
    text: str


@dataclass(frozen=True)
class Vacuity:
    never: tuple[Never, ...]
    premises: tuple[IdlePremise, ...]


def find_vacuous(machine: Machine, induction: Induction, prover: Prover, report: Report) -> Vacuity:
    """What never happens in `machine`, of which `induction` tells what is proved.

    Premises are those of its properties and lemmas. One is idle if it is so in all instances that are explored: that
    in which violations are looked for, and all others of at most MOST_STATES. In a property that is violated none is.
    """
    conditions = induction.conditions
    endings = {ending: at for move in conditions.moves for ending, at in _endings(move).items()}
    unseen = _Unseen(list(endings), [each for prop in conditions.properties for each in _variants(conditions, prop)])
    first, *others = _instances(machine)
    unseen.explore(machine, first, report)
    never = [ending for ending in unseen.endings if _is_impossible(ending, endings[ending], induction, prover, report)]
    ...
