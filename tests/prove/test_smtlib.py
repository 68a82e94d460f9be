"""What is written for solvers means what the terms mean; and what is said beside it is true of all integers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.prove import smtlib
from coordination.prove.solvers import Z3, Outcome, Solver
from coordination.prove.symbols import Symbol

# Terms and what they stand for

NUMBERS = [
    Symbol("s.debt", (), range(-3, 4), False),
    Symbol("claim(quote.epoch)", (), range(5), False),
    Symbol("some name, and one that must be quoted", (), range(-2, 1), False),
    Symbol("?", (), range(7, 9), False),
]
FACTS = [Symbol("s.lit", (), range(2), True), Symbol("sign elsewhere(valid)", (), range(2), True)]
DIVISOR = Symbol("w.width", (), range(1, 5), False)
HELD = Symbol("s.held", (range(3),), range(-2, 6), False)
TAKEN = Symbol("s.taken", (range(3), range(2)), range(2), True)
SYMBOLS = (*NUMBERS, *FACTS, DIVISOR, HELD, TAKEN)
KEYS = {symbol: list(product(*symbol.index)) for symbol in SYMBOLS}
KEY, OTHER = (Symbol(f"?{number}", (), values, False).term for number, values in enumerate((range(3), range(-1, 2))))
TRUTH = Symbol("?truth", (), range(2), True).term

Place = tuple[Symbol, tuple[int, ...]]
Numbers = Mapping[Place, int]
Bound = Mapping[Term, int]
PYTHON: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.floordiv,
    "mod": operator.mod,
    "eq": operator.eq,
    "lt": operator.lt,
    "le": operator.le,
    "not": operator.not_,
    "and": lambda *facts: all(facts),
    "or": lambda *facts: any(facts),
    "ite": lambda condition, then, other: then if condition else other,
    "forall": all,
    "exists": any,
    "sum": sum,
}


def evaluate(value: Value, numbers: Numbers, bound: Bound | None = None) -> int:
    """What `value` is, as Python calculates; maps hold zero where `numbers` has nothing."""
    if not terms.is_term(value):
        return value  # type: ignore[no-any-return]
    if bound and value in bound:
        return bound[value]
    if value.op in terms.BINDERS:
        variable, body = value.args
        cases = [evaluate(body, numbers, {**(bound or {}), variable: n}) for n in variable.args[0].values]
        return PYTHON[value.op](cases)  # type: ignore[no-any-return]
    if value.op in ("field", "entry"):
        symbol, *key = value.args
        return numbers.get((symbol, tuple(evaluate(part, numbers, bound) for part in key)), symbol.values[0])
    return PYTHON[value.op](*(evaluate(part, numbers, bound) for part in value.args))  # type: ignore[no-any-return]


@st.composite
def assignments(draw: st.DrawFn) -> dict[Place, int]:
    return {
        (symbol, key): draw(st.sampled_from([*map(bool, symbol.values)] if symbol.boolean else list(symbol.values)))
        for symbol in SYMBOLS
        for key in KEYS[symbol]
    }


def leaf(place: Place) -> Term:
    symbol, key = place
    return terms.entry(symbol, *key) if key else symbol.term


def numbers_of(depth: int, bound: tuple[Term, ...] = ()) -> st.SearchStrategy[Value]:
    leaves = st.one_of(st.integers(-4, 6), st.sampled_from([*(symbol.term for symbol in NUMBERS), *bound]))
    if not depth:
        return leaves
    inner, fact = numbers_of(depth - 1, bound), facts_of(depth - 1, bound)
    return st.one_of(
        leaves,
        st.builds(lambda make, a, b: make(a, b), st.sampled_from([terms.add, terms.sub, terms.mul]), inner, inner),
        st.builds(
            lambda make, a, b: make(a, b),
            st.sampled_from([terms.div, terms.mod]),
            inner,
            st.one_of(st.integers(1, 5), st.just(DIVISOR.term)),
        ),
        st.builds(terms.ite, fact, inner, inner),
        st.builds(lambda key: terms.entry(HELD, terms.mod(key, 3)), inner),
    )


def facts_of(depth: int, bound: tuple[Term, ...] = ()) -> st.SearchStrategy[Value]:
    leaves = st.sampled_from([symbol.term for symbol in FACTS])
    if not depth:
        return leaves
    number, inner = numbers_of(depth - 1, bound), facts_of(depth - 1, bound)

    def about(variable: Term) -> st.SearchStrategy[Value]:
        body = facts_of(depth - 1, (*bound, variable))
        return st.builds(lambda op, fact: quantified(op, variable, fact), st.sampled_from(["forall", "exists"]), body)

    return st.one_of(
        leaves,
        st.builds(lambda make, a, b: make(a, b), st.sampled_from([terms.lt, terms.le, terms.eq]), number, number),
        st.builds(lambda *facts: terms.conjunction(facts), inner, inner, inner),
        st.builds(lambda *facts: terms.disjunction(facts), inner, inner),
        st.builds(terms.negation, inner),
        st.builds(terms.ite, inner, inner, inner),
        st.builds(terms.eq, inner, inner),
        st.builds(lambda a, b: terms.entry(TAKEN, terms.mod(a, 3), terms.mod(b, 2)), number, number),
        *(about(variable) for variable in (KEY, OTHER) if all(variable is not each for each in bound)),
    )


def quantified(op: str, variable: Term, body: Value) -> Value:
    return terms.quantified(op, variable, body) if terms.is_term(body) else body


# What is written


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(fact=facts_of(4), numbers=assignments())
def test_what_is_written_means_what_the_term_means(fact: Value, numbers: dict[Place, int]) -> None:
    check_meaning(fact, numbers)


def check_meaning(fact: Value, numbers: Numbers) -> None:
    """What a solver finds where every symbol is fixed is what Python calculates."""
    assume(terms.is_term(fact))
    is_true = bool(evaluate(fact, numbers))
    here = terms.conjunction(terms.eq(leaf(place), number) for place, number in numbers.items())
    so, not_so = (fact, terms.negation(fact)) if is_true else (terms.negation(fact), fact)
    assert decide({"here": here, "claim": so}, 0.1) is not Outcome.UNSAT
    if not has_unknown_divisor(fact):  # of which only so much is said
        assert decide({"here": here, "claim": not_so}, 5) is Outcome.UNSAT


def decide(named: Mapping[str, Value], seconds: float, solver: Solver | None = None) -> Outcome:
    return (solver or Z3()).decide(smtlib.problem(named, []), seconds, 0).outcome


def has_unknown_divisor(value: Value) -> bool:
    return any(term.op in ("div", "mod") and terms.is_term(term.args[1]) for term in terms.walk([value]))
