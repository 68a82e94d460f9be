"""Products of unknowns: what every product obeys, said of those in a condition.

Whether formulas with products of integers can be true is undecidable, and solvers find few facts about products by
themselves. Each of these is true of all integers, and so changes no answer; it only helps to find it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from coordination.machine import terms
from coordination.machine.terms import Term, Value


def facts(ground: Sequence[Term]) -> Iterator[Value]:
    """Of factors that are never negative: where one of them is at most a constant that bounds something in `ground`,
    the product is at most so many times the other.
    """
    bounds = sorted({bound for term in ground for bound in _bounds(term)})
    for term in ground:
        if term.op == "mul" and all(terms.interval(factor)[0] >= 0 for factor in term.args):
            yield terms.le(0, term)
            for (a, b), bound in product((term.args, term.args[::-1]), bounds):
                yield terms.disjunction((terms.lt(bound, a), terms.le(term, terms.mul(b, bound))))


def _bounds(term: Term) -> Iterator[int]:
    """The constants larger than one that `term` compares with, or divides by."""
    if term.op in ("le", "lt", "div", "mod"):
        yield from (part for part in term.args if not terms.is_term(part) and part > 1)
