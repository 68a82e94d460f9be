"""Terms as Z3 formulas, and steps as relations between a state and the next: where proofs start from.

Numbers are mathematical integers, as in the reading on plain integers. Divisors are positive in every rule, and there
Z3's `div` and `mod` round as Python's `//` and `%` do: towards minus infinity. Terms were folded by what their fields
can hold, so a formula says what its rule says only where `within_domains` holds.

Z3 is imported on first use: who only runs rules on integers does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field, StepTerms, Unrolled

Formula = Any  # a Z3 expression: Z3 comes without types


def named(mark: str = "") -> Callable[[Term], Formula]:
    """Z3 variables that are called like the fields they stand for, with `mark` behind: `balance[1]`, `balance[1]'`."""
    import z3

    return lambda leaf: (z3.Bool if leaf.boolean else z3.Int)(f"{leaf.args[0]}{mark}")


class Formulas:
    """Terms over one state as formulas. `leaf` gives what stands for a field; a shared subterm is built once."""

    def __init__(self, leaf: Callable[[Term], Formula]) -> None:
        self._leaf = leaf
        self._built: dict[Term, Formula] = {}

    def __call__(self, value: Value) -> Formula:
        for term in terms.walk([value]):
            if term not in self._built:
                self._built[term] = self._build(term)
        return self._known(value)

    def _known(self, value: Value) -> Formula:
        import z3

        if terms.is_term(value):
            return self._built[value]
        return z3.BoolVal(value) if isinstance(value, bool) else self._number(int(value))

    def _number(self, value: int) -> Formula:
        import z3

        return z3.IntVal(value)

    def _build(self, term: Term) -> Formula:
        if term.op == "field":
            return self._leaf(term)
        return _operation(term.op, *map(self._known, term.args))


def _operation(op: str, *args: Formula) -> Formula:
    import z3

    match op:
        case "and":
            return z3.And(*args)
        case "or":
            return z3.Or(*args)
        case "not":
            return z3.Not(*args)
        case "ite":
            return z3.If(*args)
    a, b = args
    match op:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case "div":
            return a / b
        case "mod":
            return a % b
        case "eq":
            return a == b
        case "lt":
            return a < b
        case "le":
            return a <= b
    raise AssertionError(f"no formula for {op!r}")


def within_domains(leaves: Iterable[Value], state: Formulas) -> list[Formula]:
    """One fact for each field: it holds a value that it can hold. Constants among `leaves` say nothing."""
    return [_holds_one_of(state(leaf), leaf.args[0]) for leaf in leaves if terms.is_term(leaf) and not leaf.boolean]


def _holds_one_of(variable: Formula, field: Field) -> Formula:
    import z3

    values = field.values
    if values[-1] - values[0] == len(values) - 1:
        return z3.And(values[0] <= variable, variable <= values[-1])
    return z3.Or([variable == value for value in values])


def transition(unrolled: Unrolled, step: StepTerms, before: Formulas, after: Formulas) -> Formula:
    """`step` is accepted in `before` and leads to `after`: its updates happen, and nothing else changes.

    `step` is one that `unrolled` reads with nothing fixed.
    """
    import z3

    facts = [before(step.accepted())]
    for leaf in unrolled.fields.values():
        if terms.is_term(leaf):
            facts.append(after(leaf) == before(step.updates.get(leaf.args[0], leaf)))
    return z3.And(facts)


def is_valid(fact: Value) -> bool:
    """Whether a boolean term is true whatever its fields hold; not, if Z3 cannot tell."""
    import z3

    if not terms.is_term(fact):
        return bool(fact)
    state = Formulas(named())
    solver = z3.Solver()
    solver.add(*within_domains([leaf for leaf in terms.walk([fact]) if leaf.op == "field"], state), z3.Not(state(fact)))
    return bool(solver.check() == z3.unsat)
