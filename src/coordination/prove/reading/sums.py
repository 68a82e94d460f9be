"""Sums over sorts of any size, and how they change.

Nothing is known of the sum of f(x) over all x where f reads an unknown map; but a step writes to few keys. Where f and
g differ at no keys but k1 ... kn,

    the sum of f(x) = the sum of g(x) + the sum of f(k) - g(k) over the distinct keys k among k1 ... kn.

So a sum over what a map holds after a step is written as the sum over what it held before, which is one unknown number,
and the differences at the keys that were written. Of the unknown number a proof may use two facts: it lies between what
so many summands give at least and at most; and summands that are never negative are together at least as much as those
at any distinct keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.prove.reading.symbols import Symbol, within


def add_up(variable: Term, summand: Value) -> Value:
    """The sum of `summand` over all values of `variable`, with what is written at single keys told apart."""
    tests = _tests(variable, summand)
    below = terms.substitute(summand, dict.fromkeys(tests, False))

    def difference(key: Value) -> Value:
        return terms.sub(_at(summand, variable, key), _at(below, variable, key))

    return terms.add(_sum(variable, below), _over_distinct(variable, list(tests.values()), difference))


def _sum(variable: Term, summand: Value) -> Value:
    """The sum of what no key is told apart in: the same term whatever `variable` is called.

    It is renamed to what no sum inside is over: terms are substituted without a look at what they bind.
    """
    named = [str(term) for term in terms.walk([summand]) if term.op == "field"]
    taken = [int(name.removeprefix("?sum")) for name in named if name.startswith("?sum")]
    alike = Symbol(f"?sum{max(taken, default=0) + 1}", (), variable.args[0].values, False).term
    return terms.summed(alike, _at(summand, variable, alike))


def facts(ground: Sequence[Term]) -> Iterator[Value]:
    """What is true of the sums among `ground`: summands that are never negative are covered by their sum.

    The keys asked about are those at which `ground` reads the maps that the summands read.
    """
    for total in (term for term in ground if term.op == "sum"):
        variable, summand = total.args
        if terms.interval(summand)[0] >= 0:
            known = _over_distinct(variable, _keys(variable, summand, ground), partial(_at, summand, variable))
            yield terms.le(known, total)


def _keys(variable: Term, summand: Value, ground: Sequence[Term]) -> list[Value]:
    patterns = [term for term in terms.walk([summand]) if term.op == "entry"]
    return [
        place.args[position]
        for place in ground
        for pattern in patterns
        if place.op == "entry" and place.args[0] == pattern.args[0]
        for position, part in enumerate(pattern.args)
        if part is variable
    ]


def _over_distinct(variable: Term, keys: Sequence[Value], summand: Callable[[Value], Value]) -> Value:
    """The sum of `summand` over those of `keys` that are values of `variable`, each once."""
    total: Value = 0
    distinct = sorted(dict.fromkeys(keys), key=repr)  # in an order that says nothing of which terms there were before
    for number, key in enumerate(distinct):
        is_new = terms.conjunction(terms.negation(terms.eq(key, earlier)) for earlier in distinct[:number])
        counts = terms.conjunction((within(key, variable.args[0].values), is_new))
        total = terms.add(total, terms.ite(counts, summand(key), 0))
    return total


def _at(value: Value, variable: Term, key: Value) -> Value:
    return terms.substitute(value, {variable: key})


def _tests(variable: Term, summand: Value) -> dict[Term, Value]:
    """Where `summand` compares `variable` with a key: each comparison, with the key."""
    below = list(terms.walk([summand]))
    bound = {term.args[0] for term in below if term.op in terms.BINDERS} | {variable}
    found: dict[Term, Value] = {}
    for term in below:
        if term.op == "eq" and any(part is variable for part in term.args):
            (key,) = (part for part in term.args if part is not variable)
            if not terms.leaves(key) & bound:
                found[term] = key
    return found
