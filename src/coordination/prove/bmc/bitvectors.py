"""Terms as formulas over bit-vectors, for questions about an instance: finitely many values, so a SAT solver answers.

All numbers of a question have one width, which holds whatever its terms compute, so that nothing wraps around and a
formula says what it would say of integers. A field is kept as the position of its value among those that it can hold:
what it cannot hold has no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import z3

from coordination.machine import terms
from coordination.machine.formulas import Formula, Formulas
from coordination.machine.terms import Term, Value


def width_of(values: Sequence[Value]) -> int:
    """How many bits hold each number among `values` and in what they are computed from, a sign and a carry included."""
    parts = chain(values, *((term, *(() if term.op == "field" else term.args)) for term in terms.walk(values)))
    numbers = (part for part in parts if not (part.boolean if terms.is_term(part) else isinstance(part, bool)))
    largest = max((abs(bound) for number in numbers for bound in terms.interval(number)), default=0)
    return largest.bit_length() + 2


def unknown(leaf: Term, mark: str) -> Formula:
    """A variable for a field, called like it with `mark` behind: a Boolean, or the position of its value."""
    name = f"{leaf.args[0]}{mark}"
    return z3.Bool(name) if leaf.boolean else z3.BitVec(name, _bits(leaf))


def value_in(model: Formula, leaf: Term, variable: Formula) -> int:
    """What `leaf` holds where `model` gives `variable`."""
    answer = model.eval(variable, model_completion=True)
    return int(z3.is_true(answer)) if leaf.boolean else int(leaf.args[0].values[answer.as_long()])


def _bits(leaf: Term) -> int:
    return max(1, (len(leaf.args[0].values) - 1).bit_length())


class BitVectors(Formulas):
    """Terms over one state, whose fields are the variables `unknown(leaf, mark)`."""

    def __init__(self, leaves: Sequence[Term], mark: str, width: int) -> None:
        self.variables = {leaf: unknown(leaf, mark) for leaf in leaves}
        self._width = width
        super().__init__(self._decoded)

    def within_domains(self) -> Formula:
        """Each position is one that a value has."""
        numbers = [(leaf, variable) for leaf, variable in self.variables.items() if not leaf.boolean]
        return z3.And([z3.ULE(variable, len(leaf.args[0].values) - 1) for leaf, variable in numbers])

    def _decoded(self, leaf: Term) -> Formula:
        variable, values = self.variables[leaf], leaf.args[0].values
        if leaf.boolean:
            return variable
        if values[-1] - values[0] == len(values) - 1:
            return z3.ZeroExt(self._width - _bits(leaf), variable) + values[0]
        decoded = self._number(values[0])
        for position, value in enumerate(values[1:], start=1):
            decoded = z3.If(variable == position, self._number(value), decoded)
        return decoded

    def _number(self, value: int) -> Formula:
        return z3.BitVecVal(value, self._width)

    def _build(self, term: Term) -> Formula:
        if term.op not in ("div", "mod"):
            return super()._build(term)
        a, b = map(self._known, term.args)
        if min(terms.interval(part)[0] for part in term.args) >= 0:
            return z3.UDiv(a, b) if term.op == "div" else z3.URem(a, b)
        # As Python's: a quotient is rounded down, where that of bit-vectors is rounded towards zero.
        return z3.If(a < 0, (a - b + 1) / b, a / b) if term.op == "div" else a % b
