"""What is written for solvers means what the terms mean; and what is said beside it is true of all integers."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.solvers import Z3, Outcome
from coordination.prove.reading import products, smtlib, sums
from coordination.prove.reading.symbols import Symbol
from coordination_spec import DESIGNS

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


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(fact=facts_of(4), numbers=assignments())
def test_what_is_written_means_what_the_term_means(fact: Value, numbers: dict[Place, int]) -> None:
    assume(terms.is_term(fact))
    check_meaning(fact, numbers)


def check_meaning(fact: Value, numbers: Numbers) -> None:
    """What a solver finds where every symbol is fixed is what Python calculates."""
    is_true = bool(evaluate(fact, numbers))
    here = terms.conjunction(terms.eq(leaf(place), number) for place, number in numbers.items())
    so, not_so = (fact, terms.negation(fact)) if is_true else (terms.negation(fact), fact)
    assert decide({"here": here, "claim": so}, 0.1) is not Outcome.UNSAT
    if not has_unknown_divisor(fact):  # of which only so much is said
        assert decide({"here": here, "claim": not_so}, 5) is Outcome.UNSAT


def decide(named: Mapping[str, Value], seconds: float) -> Outcome:
    return Z3().decide(smtlib.problem(named, []), seconds, 0).outcome


def has_unknown_divisor(value: Value) -> bool:
    return any(term.op in ("div", "mod") and terms.is_term(term.args[1]) for term in terms.walk([value]))


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "< for <=": (smtlib, "_OPERATORS", {**smtlib._OPERATORS, "le": "<"}),
    "and for or": (smtlib, "_OPERATORS", {**smtlib._OPERATORS, "or": "and"}),
    "a variable without its range": (smtlib, "_between", lambda values, shown: "true"),
    "a number without its sign": (smtlib, "_constant", lambda value: str(abs(value)) if value is not True else "true"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[bug])
    debt, lit = NUMBERS[0].term, FACTS[0].term
    numbers = {(NUMBERS[0], ()): -2, (FACTS[0], ()): True}
    some = terms.quantified("exists", OTHER, terms.eq(terms.mul(OTHER, 2), terms.mul(debt, 2)))  # at -2, out of range
    one = [terms.le(debt, -2), terms.disjunction((lit, terms.lt(debt, -2))), terms.negation(some)]
    with pytest.raises(AssertionError):
        check_all(one, numbers)


def check_all(facts: list[Value], numbers: Numbers) -> None:
    for fact in facts:
        check_meaning(fact, numbers)


# What is said beside it


@pytest.mark.parametrize("width", range(1, 5))
def test_what_is_said_of_quotients_is_true_of_integers(width: int) -> None:
    """By a solver that divides itself, of all numbers divided by this one."""
    known = [f"(define-fun quotient ((a Int) (b Int)) Int (div a {width}))"]
    known += [f"(define-fun remainder ((a Int) (b Int)) Int (mod a {width}))"]
    axioms = [re.sub(r" :pattern \(\(.*\)\)\)\)\)$", ")))", line) for line in smtlib.QUOTIENTS[2:]]
    for axiom in axioms:
        fact = axiom.removeprefix("(assert ").removesuffix(")").replace("(< 0 b)", f"(= b {width})")
        text = "\n".join([*known, f"(assert (not {fact}))", "(check-sat)"])
        assert Z3().decide(text, 10, 0).outcome is Outcome.UNSAT


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(fact=facts_of(3), other=numbers_of(3), numbers=assignments())
def test_what_is_said_of_products_and_sums_is_true_of_integers(
    fact: Value, other: Value, numbers: dict[Place, int]
) -> None:
    variable = Symbol("?each", (), range(3), False).term
    summand = terms.ite(terms.eq(variable, terms.mod(other, 4)), other, terms.mul(terms.entry(HELD, variable), 2))
    total = sums.add_up(variable, terms.ite(fact, summand, terms.mul(summand, summand)))
    ground = [term for term in terms.walk([total, terms.mul(other, other)]) if not is_open(term)]
    for said in [*products.facts(ground), *sums.facts(ground)]:
        assert evaluate(said, numbers)


def is_open(term: Term) -> bool:
    return any(str(each).startswith("?") and str(each) != "?" for each in terms.leaves(term))


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(key=numbers_of(2), other=numbers_of(2), fact=facts_of(2), numbers=assignments())
def test_a_sum_by_differences_is_the_sum(key: Value, other: Value, fact: Value, numbers: dict[Place, int]) -> None:
    variable = Symbol("?each", (), range(3), False).term
    below = terms.ite(fact, terms.entry(HELD, variable), variable)
    written = terms.ite(terms.eq(variable, other), terms.add(other, variable), below)
    summand = terms.ite(terms.eq(variable, key), terms.mul(key, 3), written)
    expected = sum(evaluate(summand, numbers, {variable: number}) for number in range(3))
    assert evaluate(sums.add_up(variable, summand), numbers) == expected


# The same text, whatever was read before


def texts(design: str) -> Iterator[str]:
    machine = DESIGNS[design]
    conditions = Conditions(machine, machine.properties)
    for prop in conditions.properties:
        for step in conditions.steps:
            condition = conditions.condition(prop, step, frozenset(each.name for each in conditions.properties))
            if condition is not None and condition.claim is not True:
                yield condition.text()


@pytest.mark.parametrize("seed", range(3))
def test_the_text_is_the_same_whatever_terms_there_were_before(seed: int) -> None:
    expected = list(texts("0.2.0"))
    init, mix = Term.__init__, random.Random(seed).randrange(1, 1 << 61, 2)

    def numbered(self: Term, op: str, args: Any, boolean: bool, uid: int) -> None:
        init(self, op, args, boolean, (uid + 1) * mix % (1 << 61))  # in another order

    empty: list[dict[Any, Any]] = [{}, {}, {}]
    with (
        patch.object(terms, "_interned", empty[0]),
        patch.object(terms, "_leaves", empty[1]),
        patch.object(terms, "_intervals", empty[2]),
        patch.object(Term, "__init__", numbered),
    ):
        assert list(texts("0.2.0")) == expected
