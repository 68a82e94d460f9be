"""The reading for all sizes: rules run on terms over maps of which nothing is known, not even how many keys they have.

A map of the state is an unknown function; what a step writes are layers on top of it. `forall` and `exists` stay
quantifiers, `total` stays a sum (see `sums`). The constants are unknown too: numbers, and functions such as a schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, get_args, get_origin, get_type_hints

from coordination.machine import terms
from coordination.machine.action import Action
from coordination.machine.language import Sort, current, reading
from coordination.machine.machine import Machine, Unbounded
from coordination.machine.property import Kind, Property
from coordination.machine.state import (
    Function,
    Map,
    SpecificationError,
    State,
    Variable,
    flat_key,
    flat_sorts,
    sort_name,
    variables,
)
from coordination.machine.terms import Term, Value
from coordination.prove.reading import sums
from coordination.prove.reading.sorts import Sorts
from coordination.prove.reading.symbols import Symbol, within


@dataclass(frozen=True)
class _Layer:
    """Where `applies(index)`, a map holds `value` instead of what lies below."""

    applies: Callable[[tuple[Value, ...]], Value]
    value: Value


class UnknownMap(Map[Any, Any]):
    """A map of the state: what it held before, an unknown function or the default everywhere, and what was written."""

    def __init__(self, variable: Variable, symbol: Symbol | None, sorts: Sorts, fresh: Callable[[range], Term]) -> None:
        self._variable, self._symbol, self._sorts, self._fresh = variable, symbol, sorts, fresh
        self._layers: tuple[_Layer, ...] = ()
        self.written: tuple[Value, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        index = flat_key(key)
        value: Value = self._variable.default if self._symbol is None else terms.entry(self._symbol, *index)
        for layer in self._layers:
            value = terms.ite(layer.applies(index), layer.value, value)
        return terms.ite(self._holds(index), value, self._variable.default)

    def __setitem__(self, key: Any, value: Any) -> None:
        index = flat_key(key)
        current().bound(self._holds(index))

        def applies(asked: tuple[Value, ...]) -> Value:
            return terms.conjunction(terms.eq(a, b) for a, b in zip(asked, index, strict=True))

        self.written = (*self.written, value)
        self._layers = (*self._layers, _Layer(applies, value))

    def __copy__(self) -> UnknownMap:
        twin = UnknownMap(self._variable, self._symbol, self._sorts, self._fresh)
        twin._layers, twin.written = self._layers, self.written
        return twin

    def reset(self, where: Callable[..., bool] | None = None) -> None:
        key = [self._fresh(self._sorts.range(sort)) for sort in self._variable.index]
        chosen = True if where is None else where(*key)  # asked now: what `where` reads may be written later

        def applies(asked: tuple[Value, ...]) -> Value:
            return terms.substitute(chosen, dict(zip(key, asked, strict=True)))

        self._layers = (*self._layers, _Layer(applies, self._variable.default))

    def keep_where(self, condition: bool, before: Map[Any, Any]) -> None:
        assert isinstance(before, UnknownMap)
        kept = len(before._layers)

        def only_there(layer: _Layer) -> _Layer:
            return _Layer(lambda asked: terms.conjunction((condition, layer.applies(asked))), layer.value)

        self._layers = (*self._layers[:kept], *map(only_there, self._layers[kept:]))

    def _holds(self, index: tuple[Value, ...]) -> Value:
        return terms.conjunction(self._sorts.has(*place) for place in zip(self._variable.index, index, strict=True))


class UnknownFunction(Function[Any, Any]):
    """A constant map of which nothing is known."""

    def __init__(self, symbol: Symbol) -> None:
        self._symbol = symbol

    def __getitem__(self, key: Any) -> Any:
        return terms.entry(self._symbol, *flat_key(key))


@dataclass(frozen=True)
class Check:
    """One `require` of an action; it is reached where all before it hold."""

    rule: str
    holds: Value
    error: str


@dataclass(frozen=True)
class Move:
    """An action with unknown arguments. It exists where all of `when` hold; the first check that fails rejects it.

    Where it is accepted, `after` is the state that it leads to; `stays` says that what it writes has a place, and is a
    value that can stand there.
    """

    action: str
    parameters: tuple[Symbol, ...]
    when: tuple[Value, ...]
    checks: tuple[Check, ...]
    after: State
    stays: tuple[Value, ...]

    def accepted(self) -> Value:
        return terms.conjunction([*self.when, *(check.holds for check in self.checks)])


class _Reading:
    """Rules on unknowns: collects checks, keeps quantifiers. Each variable that it binds has a name of its own."""

    def __init__(self, machine: Machine, sorts: Sorts, prefix: str) -> None:
        self.dropped, self.action, self._sorts = machine.dropped, machine.action, sorts
        self._names = (f"{prefix}{number}" for number in count(1))
        self.conditions: list[Value] = []
        self.checks: list[Check] = []
        self.bounds: list[Value] = []

    def fresh(self, domain: range, boolean: bool = False) -> Term:
        return Symbol(next(self._names), (), domain, boolean).term

    def when(self, condition: Value, rule: str) -> None:
        if not rule or rule not in self.dropped:
            self.conditions.append(condition)

    def require(self, rule: str, condition: Value, error: str) -> None:
        if rule not in self.dropped:
            self.checks.append(Check(rule, condition, error))

    def bound(self, condition: Value) -> None:
        self.bounds.append(condition)

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """Events change nothing."""

    def implies(self, premise: Value, conclusion: Value) -> Value:
        return terms.implication(premise, conclusion)

    def forall(self, sorts: Sequence[Sort], fact: Callable[..., Value]) -> Value:
        return self._quantify("forall", sorts, fact)

    def exists(self, sorts: Sequence[Sort], fact: Callable[..., Value]) -> Value:
        return self._quantify("exists", sorts, fact)

    def total(self, sorts: Sequence[Sort], amount: Callable[..., Value]) -> Value:
        if len(sorts) > 1:
            first, *rest = sorts
            return self.total([first], lambda one: self.total(rest, lambda *others: amount(one, *others)))
        variable = self.fresh(self._sorts.range(sorts[0]))
        return sums.add_up(variable, terms.ite(self._sorts.counts(sorts[0], variable), amount(variable), 0))

    def _quantify(self, op: str, sorts: Sequence[Sort], fact: Callable[..., Value]) -> Value:
        flat = [part for sort in sorts for part in flat_sorts(sort)]
        bound = [self.fresh(self._sorts.range(sort), sort is bool) for sort in flat]
        counted = [self._sorts.counts(*each) for each in zip(flat, bound, strict=True)]
        if op == "forall":
            body = terms.disjunction([fact(*bound), *map(terms.negation, counted)])
        else:
            body = terms.conjunction([fact(*bound), *counted])
        for variable in reversed(bound):
            body = terms.quantified(op, variable, body)
        return body


class AllSizes:
    """A machine read for all sizes at once."""

    def __init__(self, machine: Machine) -> None:
        if machine.unbounded is None:
            raise SpecificationError(
                f"{machine.name} says nothing about sizes beyond its instances; give it `unbounded` to prove anything"
            )
        self.machine, self.scope = machine, machine.unbounded
        self.sorts = Sorts(machine.name, self.scope)
        self.variables = variables(machine.state)
        for variable in self.variables:
            if variable.sort in self.scope.counted:
                raise SpecificationError(
                    f"{variable.name} holds a {sort_name(variable.sort)}, which is counted: a key only"
                )
            if not variable.boolean and 0 not in self.domain(variable.sort):
                raise SpecificationError(
                    f"{variable.name} starts as 0, which is not in the unbounded range of {sort_name(variable.sort)}"
                )
        self.symbols = {v.name: self._symbol(f"s.{v.name}", v.index, v.sort) for v in self.variables}
        self.constants = self._constants(self.scope)
        self.before = self.open()

    def domain(self, sort: Sort) -> range:
        return self.sorts.range(sort)

    def open(self, varied: Sequence[str] | None = None) -> State:
        """A state of which nothing is known; or, of which all but the `varied` variables are zero."""
        live = self.machine.state.__new__(self.machine.state)
        fresh = _Reading(self.machine, self.sorts, "?key").fresh
        for variable in self.variables:
            symbol = self.symbols[variable.name] if varied is None or variable.name in varied else None
            if variable.index:
                value: Any = UnknownMap(variable, symbol, self.sorts, fresh)
            else:
                value = variable.default if symbol is None else symbol.term
            setattr(live, variable.name, value)
        return live

    def fact(self, holds: Callable[..., Any], *states: State) -> Value:
        """A property, an assumption or the like, as one term over `states` and the constants."""
        with reading(_Reading(self.machine, self.sorts, "?")):
            fact = holds(*states, self.constants)
        terms.check_fact(fact)
        self._check_divisors([fact])
        return fact

    def holds(self, prop: Property, after: State) -> Value:
        """`prop` of the state `after`, or of the step from `before` to it."""
        return self.fact(prop.holds, *((self.before, after) if prop.kind is Kind.STEP else (after,)))

    def move(self, action: Action) -> Move:
        named = zip(action.labels(), action.sorts(), strict=True)
        parameters = tuple(self._symbol(f"{action.name}({label})", (), sort) for label, sort in named)
        reader, after = _Reading(self.machine, self.sorts, "?step"), self.open()
        for sort, symbol in zip(action.sorts(), parameters, strict=True):
            reader.conditions.append(self.sorts.counts(sort, symbol.term))
        with reading(reader):
            action.run(after, self.constants, *action.bind(tuple[Any, ...](symbol.term for symbol in parameters)))
        move = Move(
            action.name,
            parameters,
            tuple(condition for condition in reader.conditions if condition is not True),
            tuple(reader.checks),
            after,
            tuple(fact for fact in [*reader.bounds, *self._fits(after)] if fact is not True),
        )
        self._check_divisors([move.accepted(), *move.stays, *(value for _, value in self._written(after))])
        return move

    def _fits(self, after: State) -> Iterator[Value]:
        """That each value written is one that can stand there."""
        for variable, written in self._written(after):
            if not variable.boolean:
                yield within(written, self.domain(variable.sort))

    def _written(self, after: State) -> Iterator[tuple[Variable, Value]]:
        for variable in self.variables:
            value = getattr(after, variable.name)
            yield from ((variable, each) for each in (value.written if isinstance(value, UnknownMap) else [value]))

    def _check_divisors(self, values: Sequence[Value]) -> None:
        """Nothing is known of a quotient where the divisor is zero, where the reading on integers has an error."""
        for term in terms.walk(values):
            if term.op in ("div", "mod") and terms.interval(term.args[1])[0] <= 0:
                raise SpecificationError(
                    f"{self.machine.name} divides by what may be zero, of which no proof speaks; give its sort a range "
                    f"above zero"
                )

    def _symbol(self, name: str, index: Sequence[Sort], sort: Sort) -> Symbol:
        if bool in index:
            raise SpecificationError(f"{name[2:]} has a truth value in its key, which no proof reads; use an IntEnum")
        return Symbol(name, tuple(map(self.domain, index)), self.domain(sort), sort is bool)

    def _constants(self, scope: Unbounded) -> Any:
        """The constants as an object like those of instances, but made of unknowns."""
        made: Any = object.__new__(scope.constants)
        for name, hint in get_type_hints(scope.constants).items():
            value = scope.given.get(name)
            if value is None and get_origin(hint) is Function:
                index, sort = get_args(hint)
                value = UnknownFunction(self._symbol(f"w.{name}", flat_sorts(index), sort))
            elif value is None:
                value = self._symbol(f"w.{name}", (), hint).term
            object.__setattr__(made, name, value)
        return made
