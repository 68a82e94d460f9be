"""The lemma that excludes a counterexample to induction: what is true of every reachable state, and not of its.

Of the fields that make the counterexample one, the fewest facts are chosen that are never true together in a reachable
state: what a field holds, and how two fields, or a field and a part of a key, compare. That they are not is the lemma,
said of all values of a sort where that is true as well. It is true in one instance: whether it is in all is for a proof
to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, count, product

import numpy as np

from coordination.explore.retrace import ReadingsDisagree
from coordination.explore.symmetry import is_kind_of
from coordination.machine.oracle import Oracle
from coordination.machine.property import Property
from coordination.prove.explaining.counterexample import Counterexample
from coordination.prove.explaining.explored import Explored, Truth
from coordination.prove.explaining.wording import Constant, Fact, Lemma, Read, Vocabulary


@dataclass(frozen=True)
class Suggestion:
    """An invariant, and a Python file that declares it."""

    lemma: Property
    source: str


def suggest(found: Counterexample, explored: Explored) -> Suggestion:
    """A lemma that excludes all states that agree with the counterexample's in what is relevant.

    There is one: `explored` is complete, and has no such state. Raises ReadingsDisagree where the lemma, as it is
    worded, is not what was looked for.
    """
    vocabulary = Vocabulary(found.machine, found.instance)
    held = {vocabulary.read(place): found.before.entry(*place) for place in found.relevant}
    facts = [*_comparisons(held, vocabulary), *_values(held)]
    read = [explored.unrolled.holds(vocabulary.situation(fact), {}) for fact in facts]
    chosen = tuple(facts[number] for number in _fewest(explored.combinations(read)))
    lemma = _general(chosen, explored, vocabulary)
    prop = vocabulary.invariant(lemma)
    if vocabulary.findings(lemma) or Oracle(found.machine, found.instance).holds(prop, found.before):
        raise ReadingsDisagree(f"{prop.name} does not exclude the state that it is to exclude, or cannot be read")
    where = f"{explored.states:_} states of instance {found.instance.name}"
    source = vocabulary.source(
        lemma,
        name=f"needed_for_{''.join(c if c.isalnum() else '_' for c in found.prop.name.lower())}",
        title=f"What {found.prop.name} may need, to be kept by {found.step.action}.",
        statement=f"True in all {where}; to be proved for all sizes.",
    )
    return Suggestion(prop, source)


def _values(held: Mapping[Read, int]) -> list[Fact]:
    return [Fact("==", read, Constant(read.sort, value)) for read, value in held.items()]


def _comparisons(held: Mapping[Read, int], vocabulary: Vocabulary) -> Iterator[Fact]:
    """How two fields compare, and a field with a part of a key."""
    numbers = [(read, value) for read, value in held.items() if read.sort is not bool]
    keys = dict.fromkeys((part, part.value) for read in held for part in read.key)
    for (one, its), (other, others) in chain(combinations(numbers, 2), product(numbers, keys)):
        if is_kind_of(one.sort, other.sort):
            yield vocabulary.comparison(one, its, other, others)


def _fewest(together: Truth) -> list[int]:
    """The fewest facts that are never true together, of several sets one with earlier facts."""
    if together.all(axis=0).any():
        raise ReadingsDisagree(
            "a state of the search agrees with a counterexample, but the search did not find it alike"
        )
    sizes = (_excluding(together, size) for size in count())
    return sorted(next(found for found in sizes if found is not None))


def _excluding(together: Truth, size: int) -> list[int] | None:
    """At most `size` facts of which some is false in every column of `together`."""
    if not together.shape[1]:
        return []
    if size == 0:
        return None
    hardest = int(np.argmin((~together).sum(axis=0)))
    for fact in np.flatnonzero(~together[:, hardest]).tolist():
        rest = _excluding(together[:, together[fact]], size - 1)
        if rest is not None:
            return [fact, *rest]
    return None


def _general(facts: tuple[Fact, ...], explored: Explored, vocabulary: Vocabulary) -> Lemma:
    """The lemma that `facts` are never true together, said of as many values of their keys as it can be."""
    lemma = Lemma(facts)
    for key in dict.fromkeys(key for fact in facts for read in _reads(fact) for key in read.key):
        wider = replace(lemma, bound=(*lemma.bound, key))
        is_new = not any(bound.is_like(key) for bound in lemma.bound)
        if is_new and explored.is_invariant(explored.unrolled.holds(vocabulary.invariant(wider), {})):
            lemma = wider
    return lemma


def _reads(fact: Fact) -> Sequence[Read]:
    return [operand for operand in (fact.left, fact.right) if isinstance(operand, Read)]
