"""Verification conditions: what is to be shown so that a property holds in every run, of whatever size.

For an invariant: every initial state has it, and every step keeps it. For a property of steps: every step has it.
Either way the lemmas, which are invariants too, are known of the state before the step, and so are the ranges of all
sorts; so every step must stay within those. One condition for each property and step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from coordination.machine import terms
from coordination.machine.machine import Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError
from coordination.machine.terms import Value
from coordination.prove.reading import smtlib
from coordination.prove.reading.sizes import check_sizes
from coordination.prove.reading.symbols import witnessed
from coordination.prove.reading.unbounded import AllSizes, Move

RANGES = Property(
    "STAYS_IN_RANGE",
    Kind.STEP,
    lambda before, after, w: True,  # judged of what a step writes, which is more than its states show
    "Every value that a step writes lies in the range of its sort, and every entry that it writes exists.",
)
START = "the start"
FAILS = "the claim fails"
ALL_SIZES = "all sizes"


@dataclass(frozen=True)
class Condition:
    """What is `known`, by name, excludes that `claim` fails: so `step` keeps or has `property`.

    `claim` is True where there is nothing to show: the step writes nothing that the property reads.
    """

    about: str
    property: str
    step: str
    known: Mapping[str, Value]
    claim: Value

    def text(self, core: frozenset[str] | None = None) -> str:
        """As SMT-LIB: if it is unsatisfiable, the claim follows. Of the facts, those only that are in `core`."""
        verb = "has" if self.step == START else "keeps"
        about = [f"{self.about}: {self.step} {verb} {self.property}", "If this is unsatisfiable, that is so."]
        return smtlib.problem(self.facts, about, core)

    def reads(self, core: frozenset[str]) -> frozenset[str]:
        """The names of all symbols in the facts that are in `core`."""
        below = terms.walk(fact for name, fact in self.facts.items() if name in core)
        return frozenset(str(term.args[0]) for term in below if term.op in ("field", "entry"))

    @cached_property
    def facts(self) -> Mapping[str, Value]:
        """What is known, and that the claim fails, by name."""
        return {**self.known, FAILS: witnessed(terms.negation(self.claim), "claim")}


def _check_names(what: str, names: Sequence[str]) -> None:
    """Conditions go by names, so one of two that share theirs would never be asked about."""
    for name, times in Counter(names).items():
        if times > 1:
            raise SpecificationError(f"there are {times} {what} called {name!r}; give each a name of its own")


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@contextmanager
def _readable(machine: Machine) -> Iterator[None]:
    """Terms are followed as deep as they are nested, and each write of an action is one level more."""
    try:
        yield
    except RecursionError as error:
        raise SpecificationError(
            f"{machine.name} cannot be read for all sizes: what an action writes is nested too deeply; write fewer "
            f"entries one by one, or use `reset`"
        ) from error


class Conditions:
    """All conditions of a machine. Raises SpecificationError where it cannot be read for all sizes."""

    def __init__(self, machine: Machine, properties: Sequence[Property]) -> None:
        """`properties` are what is to be shown beside the lemmas."""
        self.sizes = AllSizes(machine)
        self.lemmas = self.sizes.scope.lemmas
        self.properties = (RANGES, *dict.fromkeys([*self.lemmas, *properties]))
        _check_names("properties or lemmas", [prop.name for prop in self.properties])
        _check_names("actions", [action.name for action in machine.actions])
        _check_names("assumptions", [fact.__name__ for fact in self.sizes.scope.assumptions])
        for lemma in self.lemmas:
            if lemma.kind is not Kind.INVARIANT:
                raise SpecificationError(f"the lemma {lemma.name} is no invariant, so no step could use it")
        check_sizes(machine, self.sizes)
        sizes, scope = self.sizes, self.sizes.scope
        self.about = f"{machine.name} {machine.design}".strip()
        with _readable(machine):
            self._assumed = {f"assume {fact.__name__}": sizes.fact(fact) for fact in scope.assumptions}
            self._invariants = {
                prop.name: sizes.holds(prop, sizes.before) for prop in self.properties if prop.kind is Kind.INVARIANT
            }
            self._start = sizes.open(scope.varied)
            self._starts = {START: sizes.fact(scope.initial, self._start)}
            self.moves = [sizes.move(action) for action in machine.actions]
            self._claims = {(prop.name, step): claim for prop in self.properties for step, claim in self._of(prop)}

    @property
    def steps(self) -> list[str]:
        return [START, *(move.action for move in self.moves)]

    def condition(self, prop: Property, step: str, before: frozenset[str]) -> Condition | None:
        """What is to be shown of `step`, if the invariants named hold before it; None if nothing is."""
        claim = self._claims.get((prop.name, step))
        if claim is None:
            return None
        if step == START:
            known = self._assumed | self._starts
        else:
            taken = next(move for move in self.moves if move.action == step).accepted()
            known = self.known(before) | {"the step": witnessed(taken, "step")}
        return Condition(self.about, prop.name, step, known, claim)

    def known(self, invariants: Collection[str]) -> dict[str, Value]:
        """What is true before every step, by name: what is assumed, and the invariants named."""
        return self._assumed | {name: fact for name, fact in self._invariants.items() if name in invariants}

    def _of(self, prop: Property) -> Iterator[tuple[str, Value]]:
        if prop.kind is Kind.INVARIANT:
            yield START, self.sizes.holds(prop, self._start)
        for move in self.moves:
            yield move.action, self._claim(prop, move)

    def _claim(self, prop: Property, move: Move) -> Value:
        if prop is RANGES:
            return terms.conjunction(move.stays)
        claim = self.sizes.holds(prop, move.after)
        return True if claim is self._invariants.get(prop.name) else claim
