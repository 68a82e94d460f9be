"""Which part of a property failed, in words: computed from the property itself, not from a second description of it.

The property is read as a formula over a state whose fields are all unknown. Its top-level conjunction is split, and of
each part that is false in the state at hand we look for a small set of facts that make it false whatever all other
fields hold. These facts are the explanation: most of a large formula has nothing to do with any one failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from coordination.machine import terms
from coordination.machine.language import Sort
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Key, Variable, variables
from coordination.machine.terms import Term, Value
from coordination.machine.trace import Valuation
from coordination.machine.unrolled import Field, StepTerms, Unrolled

F = TypeVar("F")
PARTS, FACTS, OPERANDS, DEPTH = 5, 6, 6, 8  # how much is printed: failing parts, facts of each, operands, nesting
SHORT = 12  # a comparison of so many terms reads better than the single fields that it follows from
AFTER = "'"  # marks a field of the state after a step
ELLIPSIS = "…"


def explain(machine: Machine, instance: Instance, prop: Property, *states: Valuation) -> list[str]:
    """Why `prop` fails in a state, or (a step property) between two; why a situation is reached. One line a reason.

    There is no line if the property holds, or if the situation is not reached.
    """
    formula, known = _formula(machine, instance, prop, states)
    if terms.is_term(formula):
        wording = _Wording(machine, instance, known)
        is_wanted = prop.kind is Kind.SITUATION
        return _failing_parts(_Formula(formula).without_same(), known, wording, is_wanted=is_wanted)
    return [] if formula else [f"{prop.name} does not depend on the state"]


def show_place(instance: Instance, variable: Variable, key: Key, mark: str = "") -> str:
    """One unknown of the state as a person reads it: `status[0]`, `taken[4, mallory, 0, 2_500]`."""
    shown = ", ".join(instance.show(sort, part) for sort, part in zip(variable.index, key, strict=True))
    return variable.name + mark + (f"[{shown}]" if key else "")


def _formula(
    machine: Machine, instance: Instance, prop: Property, states: Sequence[Valuation]
) -> tuple[Value, Mapping[Term, Value]]:
    """What should be true, over unknown fields, and what these fields hold."""
    unrolled = Unrolled(machine, instance)
    before = list(unrolled.fields.values())
    after = [_after(leaf) for leaf in before]
    known = _known(before, states[0])
    step = None
    if prop.kind is Kind.STEP:
        known.update(_known(after, states[1]))
        step = StepTerms("", (), (), (), {old.args[0]: new for old, new in zip(before, after, strict=True)})
    holds = unrolled.holds(prop, {}, step)
    return terms.negation(holds) if prop.kind is Kind.SITUATION else holds, known


def _after(leaf: Term) -> Term:
    place: Field = leaf.args[0]
    return terms.field(replace(place, variable=place.variable + AFTER), leaf.boolean)


def _known(leaves: Iterable[Term], state: Valuation) -> dict[Term, Value]:
    """The value of every field in `state`."""
    found: dict[Term, Value] = {}
    for leaf in leaves:
        value = state.entry(leaf.args[0].variable.removesuffix(AFTER), leaf.args[0].key)
        found[leaf] = bool(value) if leaf.boolean else value
    return found


class _Formula:
    """A term that is folded many times over, each time knowing other parts of it."""

    def __init__(self, root: Value) -> None:
        self.root, self._nodes = root, list(terms.walk([root]))
        self._memo: dict[Term, Value] = {}

    def without_same(self) -> _Formula:
        """This formula without equality between facts: that both hold or neither does is said with and, or, not."""
        return _Formula(self._fold({}, _expand_same))

    def under(self, known: Mapping[Term, Value]) -> Value:
        """What is left of the formula once `known` terms are replaced."""
        return self._fold(known, lambda node: node)

    def values(self, known: Mapping[Term, Value]) -> Mapping[Term, Value]:
        """What every term of the formula is worth."""
        self._fold(known, lambda node: node)
        return dict(self._memo)

    def _fold(self, known: Mapping[Term, Value], change: Callable[[Term], Value]) -> Value:
        """From the leaves up, without recursion: a map read at an unknown index nests as deep as its domain is wide."""
        memo: dict[Term, Value] = {}
        result = self.root
        for node in self._nodes:
            result = known[node] if node in known else _rebuilt(node, memo)
            memo[node] = result = change(result) if terms.is_term(result) else result
        self._memo = memo
        return result


def _rebuilt(node: Term, memo: Mapping[Term, Value]) -> Value:
    if node.op == "field":
        return node
    args = [memo[arg] if terms.is_term(arg) else arg for arg in node.args]
    if all(new is old for new, old in zip(args, node.args, strict=True)):
        return node
    return terms.CONSTRUCTORS[node.op](*args)


def _expand_same(node: Term) -> Value:
    if node.op != "eq" or not (terms.is_term(node.args[1]) and node.args[1].boolean):
        return node
    a, b = node.args
    return terms.disjunction((terms.conjunction((a, b)), terms.conjunction((terms.negation(a), terms.negation(b)))))


def _failing_parts(formula: _Formula, known: Mapping[Term, Value], wording: _Wording, *, is_wanted: bool) -> list[str]:
    """`is_wanted` says that the failure is what somebody looked for: nothing is missing then."""
    failing = [part for part in _conjuncts(formula.root) if _Formula(part).under(known) is False]
    failing.sort(key=wording.order)
    lines = [_reason(_Formula(part), known, wording, is_wanted=is_wanted) for part in failing[:PARTS]]
    distinct = list(dict.fromkeys(lines))
    if len(failing) > PARTS:
        distinct.append(f"and {len(failing) - PARTS} more parts fail")
    return distinct


def _conjuncts(root: Value) -> Iterator[Value]:
    """The facts that must all hold for `root` to hold."""
    if terms.is_term(root) and root.op == "and":
        for part in root.args:
            yield from _conjuncts(part)
    elif terms.is_term(root) and root.op == "not" and root.args[0].op == "or":
        for part in root.args[0].args:
            yield from _conjuncts(terms.negation(part))
    else:
        yield root


def _fields(term: Value) -> list[Term]:
    return [node for node in terms.walk([term]) if node.op == "field"]


def _atoms(root: Value) -> list[Term]:
    """The facts that the formula connects by and, or, not: boolean fields and comparisons."""
    return list(_demands(root))


SUPPOSED = -1


def _demands(root: Value) -> dict[Term, int]:
    """The atoms, and of each below how many conjunctions it is demanded; SUPPOSED if it is nowhere.

    `implies(all_of(a, b), all_of(c, d))` is read as `not (a and b) or (c and d)`: there `a` and `b` are supposed, `c`
    and `d` are demanded. It may also reach us as `not a or not b or (c and d)`, where a premise `x != 0` has become an
    alternative `x == 0`, which looks like a demand; but a demand proper is rarely less nested than a premise.
    """
    found: dict[Term, int] = {}
    seen: set[tuple[int, bool, int]] = set()
    stack = [(root, True, 0)]
    while stack:
        node, helps, depth = stack.pop()
        if not terms.is_term(node) or (node.uid, helps, depth) in seen:
            continue
        seen.add((node.uid, helps, depth))
        if node.op == "not":
            is_premise = node.args[0].op in ("and", "or")
            stack.append((node.args[0], not helps, SUPPOSED if is_premise else depth))
        elif node.op in ("and", "or"):
            below = depth + 1 if node.op == "and" and depth != SUPPOSED else depth
            stack.extend((arg, helps, below) for arg in reversed(node.args))
        else:
            found[node] = max(found.get(node, SUPPOSED), depth if helps else SUPPOSED)
    return found


def _features(atoms: Iterable[Term], values: Mapping[Term, Value], wording: _Wording) -> list[Term]:
    """What an explanation may be made of, the most telling first: short comparisons, numbers, long ones, facts.

    A comparison of one field with constants says no more than what that field holds, so the field stands for it.
    """
    fields = {atom: _fields(atom) for atom in atoms}
    found = dict.fromkeys(fields[atom][0] if len(fields[atom]) == 1 else atom for atom in fields)

    def rank(term: Term) -> tuple[Any, ...]:
        if term.op == "field":
            return 1 if not term.boolean else 3 if values[term] else 4, wording.order(term)
        return 0 if len(list(terms.walk([term]))) <= SHORT else 2, wording.order(term)

    return sorted(found, key=rank)


def _needed(is_enough: Callable[[Sequence[F]], bool], facts: Sequence[F]) -> list[F]:
    """Facts that are enough together, none of them dispensable, earlier ones preferred (Junker's QuickXplain)."""

    def search(kept: list[F], candidates: list[F], grew: bool) -> list[F]:
        if grew and is_enough(kept):
            return []
        if len(candidates) == 1:
            return candidates
        half = len(candidates) // 2
        late = search(kept + candidates[:half], candidates[half:], True)
        early = search(kept + late, candidates[:half], bool(late))
        return early + late

    return search([], list(facts), True) if facts else []


@dataclass(frozen=True, eq=False)
class _Fact:
    """A term, whether it holds, and how nested it is demanded. `order` is where it stands in the state."""

    term: Value
    holds: bool
    demand: int
    order: tuple[Any, ...]


def _reason(part: _Formula, known: Mapping[Term, Value], wording: _Wording, *, is_wanted: bool) -> str:
    """One line on a part that is false: the facts that hold, then what does not."""
    values, demands = part.values(known), _demands(part.root)
    features = _features(demands, values, wording)

    def left_of(chosen: Sequence[Term]) -> Value:
        return part.under({feature: values[feature] for feature in chosen})

    needed = _needed(lambda chosen: left_of(chosen) is False, features)
    facts: list[_Fact] = []
    for feature in needed:
        left = left_of([other for other in needed if other is not feature])
        wrong = _focus(left, feature, values, known, wording)
        facts.extend(_conditions(wrong, known, wording))
        facts.append(_fact(wrong, demands, known, wording.order(feature)))
    return wording.sentence(*_told_apart(facts, is_wanted=is_wanted))


def _focus(
    left: Value, feature: Term, values: Mapping[Term, Value], known: Mapping[Term, Value], wording: _Wording
) -> Value:
    """What `feature` does wrong. `left` is what the formula comes to, given all the other facts that are needed.

    A part of it that is false and speaks of nothing else says it best; otherwise what the feature holds says it.
    """
    of_feature = set(_fields(feature))
    for part in sorted(_conjuncts(left), key=wording.order):
        if set(_fields(part)) <= of_feature and _Formula(part).under(known) is False:
            if _is_any_other(part, feature, values):
                break
            return part
    if feature.op == "field" and not feature.boolean:
        return terms.negation(terms.eq(feature, values[feature]))
    return terms.negation(feature) if values[feature] else feature


def _is_any_other(part: Value, feature: Term, values: Mapping[Term, Value]) -> bool:
    """Whether `part` lists all that `feature` could hold, but for what it does hold."""
    if part.op != "or" or feature.op != "field" or len(part.args) != len(feature.args[0].values) - 1:
        return False
    others = (value for value in feature.args[0].values if value != values[feature])
    return part is terms.disjunction(terms.eq(feature, other) for other in others)


def _conditions(wrong: Value, known: Mapping[Term, Value], wording: _Wording) -> Iterator[_Fact]:
    """What decides which numbers a false comparison compares."""
    conditions = _live_conditions(wrong, known)
    for place in dict.fromkeys(place for condition in conditions for place in _pinned(condition)):
        fact = place if place.boolean else terms.eq(place, known[place])
        yield _Fact(fact, not place.boolean or known[place], SUPPOSED, wording.order(place))


def _fact(wrong: Value, demands: Mapping[Term, int], known: Mapping[Term, Value], order: tuple[Any, ...]) -> _Fact:
    """`wrong`, which is false, as the property has it: a fact that does not hold, or the contrary of one that does.

    A comparison that the property does not have in this form, as it was folded, counts as demanded.
    """
    atoms = [atom for atom in _atoms(wrong) if atom in demands]
    opposite = terms.negation(wrong)
    holds = wrong.op == "not" or (not atoms and opposite in demands)
    settled = _Formula(opposite if holds else wrong).under(_live_conditions(wrong, known))
    term = settled if terms.is_term(settled) else opposite if holds else wrong
    return _Fact(term, holds, max(demands[atom] for atom in atoms or demands), order)


def _live_conditions(root: Value, known: Mapping[Term, Value]) -> dict[Term, bool]:
    """The conditions that decide what the numbers in `root` are made of, and whether they hold."""
    conditions: dict[Term, bool] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if not terms.is_term(node) or node.op == "field":
            continue
        if node.op == "ite":
            condition, then, other = node.args
            conditions[condition] = bool(_Formula(condition).under(known))
            stack.append(then if conditions[condition] else other)
        else:
            stack.extend(node.args)
    return conditions


def _pinned(condition: Term) -> Iterator[Term]:
    """The fields that a condition compares with a constant, or that are facts themselves."""
    for atom in _atoms(condition):
        if atom.op == "field":
            yield atom
        elif atom.op == "eq" and atom.args[0].op == "field" and not terms.is_term(atom.args[1]):
            yield atom.args[0]


def _told_apart(facts: Iterable[_Fact], *, is_wanted: bool) -> tuple[list[Value], list[Value]]:
    """What holds, and what should hold but does not.

    A formula does not say which of its false facts its author demanded: `a < b` fails exactly where `b <= a` holds. So
    what is false counts as missing unless it was supposed, or something else that is missing is more nested, speaks of
    the state after the step, is no inequality, or is no comparison with zero; the rest is told as what holds instead.
    So are several inequalities, of which none is more likely to have been demanded than another.
    """
    ordered = sorted({fact.term: fact for fact in facts}.values(), key=lambda fact: fact.order)
    missing = [fact for fact in ordered if not fact.holds and fact.demand != SUPPOSED and not is_wanted]
    nesting = max((fact.demand for fact in missing), default=0)
    for is_telling in (lambda fact: fact.demand == nesting, _is_of_after, _is_no_inequality, _is_not_about_zero):
        missing = [fact for fact in missing if is_telling(fact)] or missing
    if 1 < len(missing) < len(ordered) and not any(map(_is_no_inequality, missing)):
        missing = []
    held = [fact for fact in ordered if fact not in missing]
    return [fact.term if fact.holds else terms.negation(fact.term) for fact in held], [fact.term for fact in missing]


def _is_of_after(fact: _Fact) -> bool:
    return any(leaf.args[0].variable.endswith(AFTER) for leaf in _fields(fact.term))


def _is_no_inequality(fact: _Fact) -> bool:
    return fact.term.op not in ("lt", "le")


def _is_not_about_zero(fact: _Fact) -> bool:
    """`x == 0` is mostly what became of a premise: there is an `x` at all."""
    return fact.term.op != "eq" or terms.is_term(fact.term.args[1]) or fact.term.args[1] != 0


class _Wording:
    """Terms as a person reads them, with the names that the instance gives to values."""

    def __init__(
        self, machine: Machine, instance: Instance, known: Mapping[Term, Value], *, in_figures: bool = False
    ) -> None:
        """`in_figures` says what fields hold in place of their names."""
        self._instance, self._known = instance, known
        self._is_in_figures = in_figures
        self._figures = self if in_figures else _Wording(machine, instance, known, in_figures=True)
        self._variables = {variable.name: variable for variable in variables(machine.state)}
        self._rank = {name: number for number, name in enumerate(self._variables)}

    def order(self, term: Term) -> tuple[Any, ...]:
        """Where a term's fields stand in the state; comparisons come after the fields that they follow from.

        Terms are told apart by when they were first made, which is no order to print in: it depends on what else has
        run in this process, and the same trace must read the same.
        """
        nodes = list(terms.walk([term]))
        constants = sorted(arg for node in nodes if node.op != "field" for arg in node.args if not terms.is_term(arg))
        places = sorted(self._position(node) for node in nodes if node.op == "field")
        return term.op != "field", places, sorted(node.op for node in nodes), constants

    def _position(self, leaf: Term) -> tuple[Any, ...]:
        variable, is_after = self._variable(leaf)
        return is_after, self._rank[variable.name], leaf.args[0].key

    def _variable(self, leaf: Term) -> tuple[Variable, bool]:
        name: str = leaf.args[0].variable
        return self._variables[name.removesuffix(AFTER)], name.endswith(AFTER)

    def sentence(self, held: Sequence[Value], wrong: Sequence[Value]) -> str:
        """`a == 1, b, but not c`: what holds, then what does not."""
        premises = ", ".join(_first([self._with_values(term, is_missing=False) for term in held]))
        missing = [self._with_values(term, is_missing=True) for term in wrong]
        if not missing:
            return premises
        conclusion = f"not {missing[0]}" if len(missing) == 1 else f"none of: {'; '.join(_first(missing))}"
        return f"{premises}, but {conclusion}" if premises else conclusion

    def _with_values(self, term: Value, *, is_missing: bool) -> str:
        """A fact, and what the fields in it hold where the fact alone does not say so."""
        text = self._text(term, DEPTH)
        if is_missing and term.op in ("and", "or"):
            text = f"({text})"
        is_evident = term.op == "field" or (term.op == "eq" and not is_missing and not terms.is_term(term.args[1]))
        notes = [] if is_evident else [note for node in _atoms(term) for note in self._notes(node)]
        return f"{text} ({', '.join(_first(list(dict.fromkeys(notes))))})" if notes else text

    def _notes(self, atom: Term) -> Iterator[str]:
        """What the two sides of a comparison come to, and how: `now is 7`, `3 + 2 is 5`."""
        for side in self._ordered(atom) if atom.op != "field" else ():
            if terms.is_term(side):
                worth = self._constant(_Formula(side).under(self._known), self._sort(side))
                how = self if side.op == "field" else self._figures
                yield f"{how._text(side, DEPTH)} is {worth}"

    def _sort(self, term: Value) -> Sort | None:
        """The sort of what a term is worth, where it is plain."""
        if not terms.is_term(term):
            return None
        if term.op == "ite":
            return self._sort(term.args[1]) or self._sort(term.args[2])
        return self._variable(term)[0].sort if term.op == "field" else None

    def _constant(self, value: Value, sort: Sort | None) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if sort is not None and value in self._instance.domain(sort):
            return self._instance.show(sort, value)
        return f"{value:_}"

    def _text(self, value: Value, depth: int, sort: Sort | None = None) -> str:
        """A term in Python's notation. `sort` is what a constant is, where its neighbour tells."""
        if not terms.is_term(value):
            return self._constant(value, sort)
        if value.op == "field":
            return self._leaf(value)
        if depth == 0:
            return ELLIPSIS
        if value.op == "ite":
            condition, then, other = (self._text(arg, depth - 1, self._sort(value)) for arg in value.args)
            return f"({then} if {condition} else {other})"
        if value.op == "not":
            inner = value.args[0]
            return self._comparison(inner, "!=", depth) if inner.op == "eq" else f"not {self._operand(inner, 3, depth)}"
        if value.op in ("eq", "lt", "le"):
            return self._comparison(value, _COMPARISONS[value.op], depth)
        return self._joined(value, depth)

    def _leaf(self, leaf: Term) -> str:
        if self._is_in_figures:
            return self._constant(self._known[leaf], self._sort(leaf))
        variable, is_after = self._variable(leaf)
        return show_place(self._instance, variable, leaf.args[0].key, AFTER if is_after else "")

    def _comparison(self, term: Term, symbol: str, depth: int) -> str:
        """Constants stand on the right."""
        left, right = self._ordered(term) if term.op == "eq" else term.args
        if not terms.is_term(left):
            left, right, symbol = right, left, symbol.replace("<", ">")
        shown = self._text(left, depth - 1, self._sort(right)), self._text(right, depth - 1, self._sort(left))
        return f"{shown[0]} {symbol} {shown[1]}"

    def _joined(self, term: Term, depth: int) -> str:
        """Operands in one row, the first few of many."""
        operands, binding = self._ordered(term), _BINDING[term.op]
        shown = [self._operand(operands[0], binding, depth)]
        shown += [self._operand(operand, binding + 1, depth) for operand in operands[1:OPERANDS]]
        if len(operands) > OPERANDS:
            shown.append(f"{ELLIPSIS} ({len(operands) - OPERANDS} more)")
        return f" {_SYMBOLS[term.op]} ".join(shown).replace("+ -", "- ")

    def _ordered(self, term: Term) -> list[Value]:
        """Operands as the author wrote them, as far as the term still knows."""
        operands = list(_operands(term))
        is_shuffled = term.op in ("and", "or", "eq") and all(map(terms.is_term, operands))
        return sorted(operands, key=self.order) if is_shuffled else operands

    def _operand(self, value: Value, binding: int, depth: int) -> str:
        text = self._text(value, depth - 1)
        is_loose = terms.is_term(value) and _BINDING.get(value.op, 7) < binding and text != ELLIPSIS
        return f"({text})" if is_loose else text


_COMPARISONS = {"eq": "==", "lt": "<", "le": "<="}
_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "//", "mod": "%", "and": "and", "or": "or"}
_BINDING = {"or": 1, "and": 2, "not": 3, "eq": 4, "lt": 4, "le": 4, "add": 5, "sub": 5, "mul": 6, "div": 6, "mod": 6}


def _operands(term: Term) -> Iterator[Value]:
    """The operands of a sum, a conjunction, ..., in one row: nested sums are one sum."""
    is_associative = term.op in ("add", "mul", "and", "or")
    for arg in term.args:
        if is_associative and terms.is_term(arg) and arg.op == term.op:
            yield from _operands(arg)
        else:
            yield arg


def _first(texts: Sequence[str]) -> list[str]:
    """The first few of many."""
    rest = len(texts) - FACTS
    return list(texts) if rest <= 0 else [*texts[:FACTS], f"and {rest} more"]
