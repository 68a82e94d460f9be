"""Terms as SMT-LIB 2.6: one text that every solver reads, and that a person can.

Numbers are mathematical integers, as in the reading on plain integers. Divisors are positive in every rule, and there
SMT-LIB's `div` and `mod` round as Python's `//` and `%` do: towards minus infinity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from coordination.machine import terms
from coordination.machine.terms import Term, Value
from coordination.prove.reading import products, sums
from coordination.prove.reading.symbols import Symbol

_OPERATORS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "ite": "ite",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "div",
    "mod": "mod",
    "eq": "=",
    "lt": "<",
    "le": "<=",
}
# Division by an unknown, by what a proof needs of it and in linear terms; both are true of integers.
QUOTIENTS = (
    "(declare-fun quotient (Int Int) Int)",
    "(declare-fun remainder (Int Int) Int)",
    "(assert (forall ((a Int) (b Int)) (! (=> (< 0 b) (and (<= 0 (remainder a b)) (< (remainder a b) b)"
    " (=> (<= 0 a) (<= 0 (quotient a b) a)))) :pattern ((remainder a b)) :pattern ((quotient a b)))))",
    "(assert (forall ((a Int) (c Int) (b Int)) (! (=> (< 0 b) (and"
    " (=> (= (quotient a b) (quotient c b)) (= (- a (remainder a b)) (- c (remainder c b))))"
    " (=> (< (quotient a b) (quotient c b)) (<= (+ (- a (remainder a b)) b) (- c (remainder c b))))))"
    " :pattern ((quotient a b) (quotient c b)))))",
)
Shown = Callable[[Value], str]


def problem(named: Mapping[str, Value], about: Iterable[str], core: Collection[str] | None = None) -> str:
    """A text that asks whether all of the `named` facts can be true at once; `about` are lines for a person.

    Of the facts, those only that are in `core`; what every text says of sums and products is that of all of them.
    """
    below = list(terms.walk(named.values()))
    bound = {term.args[0] for term in below if term.op in terms.BINDERS}
    ground = [term for term in below if not terms.leaves(term) & bound]
    facts = [*sums.facts(ground), *products.facts(ground)]
    below = list(terms.walk([*named.values(), *facts]))
    totals = {_name_of_sum(term): term for term in below if term.op == "sum"}
    show = _printer(bound)
    lines = [*(f"; {line}".rstrip() for line in about), "(set-logic UFNIA)"]
    for symbol in _symbols(below, bound):
        lines += _declaration(symbol)
    for _, total in sorted(totals.items()):
        lines += _declaration_of_sum(total, bound)
    if any(_divides_by_an_unknown(term) for term in below):
        lines += QUOTIENTS
    lines += sorted(f"(assert {show(fact)})" for fact in facts)
    lines += [
        f"(assert (! {show(fact)} :named {_quoted(name)}))"
        for name, fact in named.items()
        if core is None or name in core
    ]
    return "\n".join([*lines, "(check-sat)", ""])


def _symbols(below: Iterable[Term], bound: set[Term]) -> list[Symbol]:
    """Every symbol that is used and not bound, by name."""
    used = {term.args[0] for term in below if term.op in ("field", "entry") and term not in bound}
    return sorted(used, key=lambda symbol: symbol.name)


def _declaration(symbol: Symbol) -> Iterator[str]:
    name, sort = _quoted(symbol.name), "Bool" if symbol.boolean else "Int"
    yield f"(declare-fun {name} ({' '.join('Int' for _ in symbol.index)}) {sort})"
    if symbol.boolean:
        return
    if not symbol.index:
        yield f"(assert {_between(symbol.values, name)})"
        return
    keys = [f"k{number}" for number, _ in enumerate(symbol.index)]
    entry = f"({name} {' '.join(keys)})"
    bound = " ".join(f"({key} Int)" for key in keys)
    yield f"(assert (forall ({bound}) (! {_between(symbol.values, entry)} :pattern ({entry}))))"


def _declaration_of_sum(total: Term, bound: set[Term]) -> Iterator[str]:
    name, around = _name_of_sum(total), _around(total, bound)
    yield f"(declare-fun {name} ({' '.join('Int' for _ in around)}) Int)"
    if not around:
        low, high = terms.interval(total)
        yield f"(assert {_between(range(low, high + 1), name)})"


def _around(total: Term, bound: set[Term]) -> list[Term]:
    """The variables bound outside of a sum on which it depends."""
    return sorted(terms.leaves(total) & bound, key=str)


def _name_of_sum(total: Term) -> str:
    variable, summand = total.args
    low, high = terms.interval(variable)
    return f"|sum over {low} <= {variable} <= {high} of {_printer(set())(summand).replace('|', '')}|"


def _printer(bound: set[Term]) -> Shown:
    known: dict[Term, str] = {}

    def show(value: Value) -> str:
        for term in terms.walk([value]):
            if term not in known:
                known[term] = _expression(term, show_known, bound)
        return show_known(value)

    def show_known(value: Value) -> str:
        return known[value] if terms.is_term(value) else _constant(value)

    return show


def _expression(term: Term, show: Shown, bound: set[Term]) -> str:
    if term.op == "field":
        return _quoted(str(term))
    if term.op == "entry":
        return f"({_quoted(str(term.args[0]))} {' '.join(map(show, term.args[1:]))})"
    if term.op == "sum":
        around = _around(term, bound)
        return f"({_name_of_sum(term)} {' '.join(map(show, around))})" if around else _name_of_sum(term)
    if term.op in ("forall", "exists"):
        return _quantified(term, show)
    if _divides_by_an_unknown(term):
        return f"({'quotient' if term.op == 'div' else 'remainder'} {' '.join(map(show, term.args))})"
    args = map(show, term.args)  # sorted where their order says nothing: it depends on which terms there were before
    return f"({_OPERATORS[term.op]} {' '.join(sorted(args) if term.op in ('and', 'or', 'eq') else args)})"


def _divides_by_an_unknown(term: Term) -> bool:
    return term.op in ("div", "mod") and terms.is_term(term.args[1])


def _quantified(term: Term, show: Shown) -> str:
    """`term` with the quantifiers of its kind directly inside of it taken together."""
    variables, body = [], term
    while terms.is_term(body) and body.op == term.op:
        variables.append(body.args[0])
        body = body.args[1]
    ranges = [_between(variable.args[0].values, show(variable)) for variable in variables if not variable.boolean]
    bound = " ".join(f"({show(variable)} {'Bool' if variable.boolean else 'Int'})" for variable in variables)
    connective = "=>" if term.op == "forall" else "and"
    premise = f"(and {' '.join(ranges)})" if ranges else "true"
    return f"({term.op} ({bound}) ({connective} {premise} {show(body)}))"


def _between(values: range, shown: str) -> str:
    return f"(<= {_constant(values[0])} {shown} {_constant(values[-1])})"


def _constant(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value >= 0 else f"(- {-int(value)})"


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z?][\w.?]*", name, re.ASCII) else f"|{name}|"
