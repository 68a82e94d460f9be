"""Formulas over bit-vectors say what terms say of integers, whatever their fields hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import z3

from coordination.machine import ite, least, terms
from coordination.machine.terms import Value
from coordination.machine.unrolled import Field
from coordination.prove.bmc.bitvectors import BitVectors, value_in, width_of

SMALL = terms.field(Field("small", (), range(-5, 6)), False)
FAR_APART = terms.field(Field("far apart", (), (-20_000, -1, 0, 7, 10_000)), False)
DIVISOR = terms.field(Field("divisor", (), (1, 3, 4, 10_000)), False)
COUNT = terms.field(Field("count", (), range(8)), False)
FLAG = terms.field(Field("flag", (), (0, 1)), True)
FIELDS = (SMALL, FAR_APART, DIVISOR, COUNT, FLAG)

CASES: dict[str, tuple[Callable[..., Value], tuple[Value, ...]]] = {
    "sums": (lambda a, b: a + b - 7, (SMALL, FAR_APART)),
    "differences": (lambda a, b: 1 - a - b, (SMALL, FAR_APART)),
    "products": (lambda a, b: a * b * b, (SMALL, FAR_APART)),
    "quotients": (lambda a, b: a // b, (FAR_APART, DIVISOR)),
    "quotients of what is not negative": (lambda a, b: a * 10_000 // b, (COUNT, DIVISOR)),
    "rests": (lambda a, b: a % b, (FAR_APART, DIVISOR)),
    "rests of what is not negative": (lambda a, b: a * 10_000 % b, (COUNT, DIVISOR)),
    "shares": (lambda a, b: (a * b + 1) // 10_000, (SMALL, FAR_APART)),
    "equality": (lambda a, b: a * a == b, (SMALL, COUNT)),
    "less": (lambda a, b: a * 3 < b, (SMALL, FAR_APART)),
    "at most": (lambda a, b: a * 3 <= b, (SMALL, FAR_APART)),
    "choices": (lambda flag, a, b: ite(flag, a, least(a, b)), (FLAG, SMALL, FAR_APART)),
    "truths": (lambda flag, a: (a == 2) & flag, (FLAG, SMALL)),
}


def _values(leaf: Value) -> list[Value]:
    return [bool(value) if leaf.boolean else value for value in leaf.args[0].values]


@pytest.mark.parametrize("name", CASES)
def test_a_formula_says_what_python_does(name: str) -> None:
    compute, leaves = CASES[name]
    term = compute(*leaves)
    formulas = BitVectors(FIELDS, "", width_of([term]))
    for values in product(*map(_values, leaves)):
        solver = z3.SolverFor("QF_FD")
        solver.add(formulas.within_domains(), *(formulas(terms.eq(*pair)) for pair in zip(leaves, values, strict=True)))
        solver.add(formulas(term) != formulas(compute(*values)))
        assert solver.check() == z3.unsat, values


@pytest.mark.parametrize("leaf", FIELDS, ids=str)
def test_a_field_takes_its_values_and_no_others(leaf: Value) -> None:
    formulas = BitVectors([leaf], "'", 20)
    solver = z3.SolverFor("QF_FD")
    solver.add(formulas.within_domains())
    found = []
    while solver.check() == z3.sat:
        found.append(value_in(solver.model(), leaf, formulas.variables[leaf]))
        solver.add(formulas(leaf) != formulas(bool(found[-1]) if leaf.boolean else found[-1]))
    assert sorted(found) == list(leaf.args[0].values)


def test_the_width_counts_what_is_written_and_what_comes_in_between() -> None:
    assert width_of([7]) == width_of([COUNT]) == 3 + 2
    assert width_of([True, FLAG]) == 2
    assert width_of([COUNT * 1_000 // 1_000 == 3]) == (7_000).bit_length() + 2
