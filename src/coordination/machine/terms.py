"""Terms: what a rule computes when a state's values are not numbers but unknowns.

A term is an immutable, interned node: two equal terms are the same object, so sharing is free and `x == x` folds to
`True` by identity. Constants are plain Python `int` and `bool`; every constructor folds them, so that a rule read in a
finite instance shrinks to what really depends on the state. Terms are the one intermediate form: kernels, Z3 formulas
and Promela are all printed from them.

Python must never decide on a term (`if`, `and`, `or`, `not` would silently pick one branch for all states), so
`bool(term)` raises `NotReadable` and says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

Value = Any  # an `int`, a `bool`, or a `Term`: the three readings share one source, so one name stands for all.


class NotReadable(TypeError):
    """A rule uses Python in a way that only works on plain integers."""


class Term:
    """One node. `op` names the operation, `args` are terms, constants or, for leaves, what they stand for."""

    __slots__ = ("args", "boolean", "op", "uid")

    op: str
    args: tuple[Any, ...]
    boolean: bool
    uid: int

    def __init__(self, op: str, args: tuple[Any, ...], boolean: bool, uid: int) -> None:
        self.op, self.args, self.boolean, self.uid = op, args, boolean, uid

    __hash__ = object.__hash__

    def __add__(self, other: Value) -> Value:
        return add(self, other)

    def __radd__(self, other: Value) -> Value:
        return add(other, self)

    def __sub__(self, other: Value) -> Value:
        return sub(self, other)

    def __rsub__(self, other: Value) -> Value:
        return sub(other, self)

    def __mul__(self, other: Value) -> Value:
        return mul(self, other)

    def __rmul__(self, other: Value) -> Value:
        return mul(other, self)

    def __floordiv__(self, other: Value) -> Value:
        return div(self, other)

    def __rfloordiv__(self, other: Value) -> Value:
        return div(other, self)

    def __mod__(self, other: Value) -> Value:
        return mod(self, other)

    def __rmod__(self, other: Value) -> Value:
        return mod(other, self)

    def __eq__(self, other: object) -> Value:
        return eq(self, other)

    def __ne__(self, other: object) -> Value:
        return negation(eq(self, other))

    def __lt__(self, other: Value) -> Value:
        return lt(self, other)

    def __le__(self, other: Value) -> Value:
        return le(self, other)

    def __gt__(self, other: Value) -> Value:
        return lt(other, self)

    def __ge__(self, other: Value) -> Value:
        return le(other, self)

    def __and__(self, other: Value) -> Value:
        return conjunction((self, other))

    __rand__ = __and__

    def __or__(self, other: Value) -> Value:
        return disjunction((self, other))

    __ror__ = __or__

    def __bool__(self) -> NoReturn:
        raise NotReadable("a rule asks Python for the truth of a state value; use all_of, any_of, negate, implies, ite")

    def __index__(self) -> NoReturn:
        raise NotReadable("a rule uses a state value as a Python integer; index a Map with it, or compare it")

    __int__ = __index__

    def __invert__(self) -> NoReturn:
        raise NotReadable("~ is not a negation on plain integers; use negate(...)")

    def __iter__(self) -> NoReturn:
        raise NotReadable("a rule iterates over a state value; use forall, exists or total over a sort")

    def __repr__(self) -> str:
        if self.op == "field":
            return str(self.args[0])
        return f"({self.op} {' '.join(map(repr, self.args))})"


_interned: dict[tuple[Any, ...], Term] = {}


def _make(op: str, args: tuple[Any, ...], boolean: bool) -> Term:
    key = (op, boolean, *[a.uid if type(a) is Term else (a,) for a in args])
    term = _interned.get(key)
    if term is None:
        _check_kinds(op, args)
        term = _interned[key] = Term(op, args, boolean, len(_interned))
    return term


_OVER_NUMBERS = {"add", "sub", "mul", "div", "mod", "lt", "le"}
_OVER_TRUTHS = {"and", "or", "not"}


def _check_kinds(op: str, args: tuple[Any, ...]) -> None:
    """Numbers are not truth values here, though Python takes either for the other."""
    if op in _OVER_NUMBERS and any(map(_is_boolean, args)):
        raise NotReadable("a rule calculates with a truth value; write ite(fact, 1, 0) for its number")
    if op in _OVER_TRUTHS and not all(map(_is_boolean, args)):
        raise NotReadable("a rule takes a number for a truth value; compare it, as in number != 0")


def check_fact(value: object) -> None:
    """Raise NotReadable for what is no truth value, though Python would take it for one."""
    if not _is_boolean(value):
        what = "a number" if isinstance(value, int) or is_term(value) else f"a {type(value).__name__}"
        raise NotReadable(f"{what} stands where a fact belongs; write a comparison, all_of(...), or the like")


def is_term(value: object) -> bool:
    return type(value) is Term


class Reference(Protocol):
    """What a leaf stands for: something hashable that knows which values it can have, ascending."""

    @property
    def values(self) -> Sequence[int]: ...


def field(reference: Reference, boolean: bool) -> Term:
    """A leaf that stands for one variable of the state."""
    return _make("field", (reference,), boolean)


class Entries(Reference, Protocol):
    """A map with unknown entries, whichever keys it has; `boolean` if they are facts."""

    @property
    def boolean(self) -> bool: ...


def entry(entries: Entries, *key: Value) -> Term:
    """What an unknown map holds at `key`, which may be unknown too."""
    return _make("entry", (entries, *key), entries.boolean)


def quantified(op: str, variable: Term, body: Value) -> Value:
    """`body` of every (`op` "forall") or of some ("exists") value of `variable`, a leaf with a name of its own."""
    check_fact(body)
    return _make(op, (variable, body), True) if variable in leaves(body) else body


def summed(variable: Term, body: Value) -> Value:
    """The sum of `body` over every value of `variable`."""
    if variable not in leaves(body):
        low, high = interval(variable)
        return mul(body, high - low + 1)
    return _make("sum", (variable, body), False)


def leaves(value: Value) -> frozenset[Term]:
    """The leaves on which `value` depends: not those that a quantifier or a sum inside of it binds."""
    if type(value) is not Term:
        return frozenset()
    known = _leaves.get(value.uid)
    if known is None:
        if value.op == "field":
            known = frozenset((value,))
        else:
            known = frozenset[Term]().union(*map(leaves, value.args))
            known -= frozenset(value.args[:1]) if value.op in BINDERS else frozenset()
        _leaves[value.uid] = known
    return known


BINDERS = ("forall", "exists", "sum")
_leaves: dict[int, frozenset[Term]] = {}


_intervals: dict[int, tuple[int, int]] = {}


def interval(value: Value) -> tuple[int, int]:
    """Bounds on what an integer term can be, as far as they are easily seen."""
    if type(value) is not Term:
        return int(value), int(value)
    known = _intervals.get(value.uid)
    if known is None:
        known = _intervals[value.uid] = _interval(value)
    return known


def _interval(term: Term) -> tuple[int, int]:
    if term.op in ("field", "entry"):
        values = term.args[0].values
        return values[0], values[-1]
    if term.op == "sum":
        (first, last), (low, high) = map(interval, term.args)
        return (last - first + 1) * low, (last - first + 1) * high
    (low, high), (other_low, other_high) = map(interval, term.args[-2:])
    match term.op:
        case "ite":
            return min(low, other_low), max(high, other_high)
        case "add":
            return low + other_low, high + other_high
        case "sub":
            return low - other_high, high - other_low
        case "mul":
            corners = [a * b for a in (low, high) for b in (other_low, other_high)]
            return min(corners), max(corners)
        case "div" if other_low == 0:  # where it divides by zero it must be computed, to be found out
            return min(low, -(1 << 62)), max(high, 1 << 62)
        case "div":
            corners = [a // b for a in (low, high) for b in (other_low, other_high)]
            return min(corners), max(corners)
    return 0, other_high - 1  # a remainder


def _is_boolean(value: Value) -> bool:
    return value.boolean if type(value) is Term else isinstance(value, bool)


def add(a: Value, b: Value) -> Value:
    if type(a) is not Term:
        a, b = b, a
    if type(a) is not Term:
        return a + b
    if type(b) is not Term:
        if b == 0:
            return a
        if a.op == "add" and type(a.args[1]) is not Term:
            return add(a.args[0], a.args[1] + b)
    return _make("add", (a, b), False)


def sub(a: Value, b: Value) -> Value:
    if type(b) is not Term:
        return add(a, -b)
    if a is b:
        return 0
    return _make("sub", (a, b), False)


def mul(a: Value, b: Value) -> Value:
    if type(a) is not Term:
        a, b = b, a
    if type(a) is not Term:
        return a * b
    if type(b) is not Term and b in (0, 1):
        return a if b else 0
    return _make("mul", (a, b), False)


def div(a: Value, b: Value) -> Value:
    """Floor division by something positive, where Python, Solidity and SMT-LIB agree. By zero it is an error."""
    _check_divisor(b)
    if type(a) is not Term and type(b) is not Term:
        return a // b
    if type(b) is not Term and b == 1:
        return a
    return _make("div", (a, b), False)


def _check_divisor(divisor: Value) -> None:
    if interval(divisor)[0] < 0 or interval(divisor)[1] == 0:
        raise NotReadable("a rule divides by what may be negative, or is zero; give its sort a positive domain")


def mod(a: Value, b: Value) -> Value:
    _check_divisor(b)
    if type(a) is not Term and type(b) is not Term:
        return a % b
    if type(b) is not Term and b == 1:
        return 0
    return _make("mod", (a, b), False)


def eq(a: Value, b: Value) -> Value:
    if a is b:
        return True
    if type(a) is not Term:
        a, b = b, a
    if type(a) is not Term:
        return bool(a == b)
    if type(b) is not Term:
        if not isinstance(b, int):
            raise NotReadable(f"a rule compares a state value with {b!r}, which is no number and no name of one")
        if a.boolean:
            return False if b not in (0, 1) else a if b else negation(a)
        b = int(b)
        if a.op == "ite":
            return ite(a.args[0], eq(a.args[1], b), eq(a.args[2], b))
        if a.op in ("field", "entry") and b not in a.args[0].values:
            return False
        if a.op == "add" and type(a.args[1]) is not Term:
            return eq(a.args[0], b - a.args[1])
    elif _is_shifted(a, b) or _is_shifted(b, a):
        return False
    elif a.uid > b.uid:
        a, b = b, a
    if not a.boolean and _are_apart(interval(a), interval(b)):
        return False
    return _make("eq", (a, b), True)


def _is_shifted(a: Term, b: Term) -> bool:
    """Whether `a` is `b` plus a constant, which is not zero."""
    return a.op == "add" and a.args[0] is b and type(a.args[1]) is not Term


def _are_apart(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[1] < b[0] or b[1] < a[0]


def _compare(op: str, a: Value, b: Value, same: bool) -> Value:
    if a is b:
        return same
    if type(a) is not Term and type(b) is not Term:
        return bool(a < b if op == "lt" else a <= b)
    if type(a) is Term and type(b) is not Term:
        if a.op == "ite":
            return ite(a.args[0], _compare(op, a.args[1], b, same), _compare(op, a.args[2], b, same))
        if a.op == "add" and type(a.args[1]) is not Term:
            return _compare(op, a.args[0], b - a.args[1], same)
    if type(b) is Term and type(a) is not Term:
        if b.op == "ite":
            return ite(b.args[0], _compare(op, a, b.args[1], same), _compare(op, a, b.args[2], same))
        if b.op == "add" and type(b.args[1]) is not Term:
            return _compare(op, a - b.args[1], b.args[0], same)
    (low, high), (other_low, other_high) = interval(a), interval(b)
    if high < other_low or (same and high == other_low):
        return True
    if low > other_high or (not same and low == other_high):
        return False
    return _make(op, (a, b), True)


def lt(a: Value, b: Value) -> Value:
    return _compare("lt", a, b, same=False)


def le(a: Value, b: Value) -> Value:
    return _compare("le", a, b, same=True)


def negation(a: Value) -> Value:
    if type(a) is not Term:
        check_fact(a)
        return not a
    if a.op == "not":
        return a.args[0]
    if a.op in ("and", "or") and 2 * sum(part.op == "not" for part in a.args) >= len(a.args):
        return _connect("or" if a.op == "and" else "and", map(negation, a.args), a.op == "and")
    if a.op == "lt":
        return le(a.args[1], a.args[0])
    if a.op == "le":
        return lt(a.args[1], a.args[0])
    return _make("not", (a,), True)


def _connect(op: str, facts: Iterable[Value], absorbing: bool) -> Value:
    seen: dict[int, Term] = {}
    for fact in facts:
        if type(fact) is not Term:
            check_fact(fact)
            if fact is absorbing:
                return absorbing
            continue
        for part in fact.args if fact.op == op else (fact,):
            seen[part.uid] = part
    if _is_contradictory(seen, absorbing):
        return absorbing
    if not seen:
        return not absorbing
    if len(seen) == 1:
        return next(iter(seen.values()))
    return _make(op, tuple(seen[uid] for uid in sorted(seen)), True)


def _is_contradictory(parts: Mapping[int, Term], absorbing: bool) -> bool:
    """Whether two parts exclude each other: a fact and its negation, or a term being equal to two constants."""
    equal: dict[int, Value] = {}
    for part in parts.values():
        if part.op == "not" and part.args[0].uid in parts:
            return True
        fact = part.args[0] if absorbing and part.op == "not" else part  # in a disjunction: unequal to two constants
        is_equality = fact.op == "eq" and (fact is part) is not absorbing and type(fact.args[1]) is not Term
        if is_equality and equal.setdefault(fact.args[0].uid, fact.args[1]) != fact.args[1]:
            return True
    return False


def conjunction(facts: Iterable[Value]) -> Value:
    return _connect("and", facts, absorbing=False)


def disjunction(facts: Iterable[Value]) -> Value:
    return _connect("or", facts, absorbing=True)


def ite(condition: Value, then: Value, other: Value) -> Value:
    if type(condition) is not Term:
        return then if condition else other
    if then is other or (type(then) is not Term and type(other) is not Term and then == other):
        return then
    if _is_boolean(then):
        return disjunction((conjunction((condition, then)), conjunction((negation(condition), other))))
    if condition.op == "not":
        condition, then, other = condition.args[0], other, then
    return _make("ite", (condition, then, other), False)


def implication(premise: Value, conclusion: Value) -> Value:
    return disjunction((negation(premise), conclusion))


CONSTRUCTORS: Mapping[str, Callable[..., Value]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "mod": mod,
    "eq": eq,
    "lt": lt,
    "le": le,
    "not": negation,
    "and": lambda *facts: conjunction(facts),
    "or": lambda *facts: disjunction(facts),
    "ite": ite,
}
WITHOUT_BOUNDS: Mapping[str, Callable[..., Value]] = {  # in an instance, all of these are written out
    "entry": entry,
    "forall": lambda variable, body: quantified("forall", variable, body),
    "exists": lambda variable, body: quantified("exists", variable, body),
    "sum": summed,
}


def substitute(value: Value, replacements: Mapping[Term, Value]) -> Value:
    """`value` with each term of `replacements` replaced, folded again on the way up."""
    memo: dict[Term, Value] = dict(replacements)

    def visit(node: Value) -> Value:
        if type(node) is not Term:
            return node
        if node in memo:
            return memo[node]
        result: Value = node
        if node.op != "field":
            args = tuple(visit(a) for a in node.args)
            if any(new is not old for new, old in zip(args, node.args, strict=True)):
                result = (CONSTRUCTORS.get(node.op) or WITHOUT_BOUNDS[node.op])(*args)
        memo[node] = result
        return result

    return visit(value)


def walk(values: Iterable[Value]) -> Iterable[Term]:
    """Every distinct term below `values`, arguments before their users."""
    done: set[int] = set()
    stack: list[tuple[Value, bool]] = [(value, False) for value in reversed(list(values))]
    while stack:
        node, ready = stack.pop()
        if type(node) is not Term or node.uid in done:
            continue
        if ready or node.op == "field":
            done.add(node.uid)
            yield node
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args))
