"""A finite machine written as Promela, for a second opinion on it: that of Spin, which shares no search with ours.

Three choices keep the model fair to Spin, whose speed ours is compared with:

- The clock is where the process stands, not a variable. Spin tries only the steps of the present clock value, and in
  them the clock is a constant.
- A step is one `d_step`: one transition, and no state in between.
- A property is judged by an option that cannot be taken while the property holds, so that judging adds no state and no
  transition. That something has been told is remembered outside of the state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from coordination.explore.values import clock_values, narrowed
from coordination.machine import terms
from coordination.machine.machine import Instance, Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import SpecificationError
from coordination.machine.terms import Term, Value
from coordination.machine.unrolled import Field, StepTerms

INT_MAX = 2**31 - 1  # Promela computes in C's `int`; its least value has no literal, so the range used is symmetric
MAX_NODES = 100_000  # of one expression, printed: with more, neither Spin nor gcc would end in reasonable time
OUTSIDE = "OUTSIDE"  # what the verifier prints before it stops, when a variable would leave its domain
ANNOUNCED = {Kind.INVARIANT: "VIOLATED", Kind.STEP: "VIOLATED", Kind.SITUATION: "REACHED"}

Range = tuple[int, int]  # the least and the greatest value


def to_promela(machine: Machine, instance: Instance, properties: Sequence[Property] = ()) -> str:
    """`machine` in `instance` as Promela; its verifier prints `VIOLATED name` or `REACHED name` of `properties`, once.

    Raises SpecificationError where a value may leave Promela's 32-bit integers.
    """
    return "\n".join(_Model(machine, instance, properties).lines()) + "\n"


def announcement(prop: Property) -> str:
    """The line that the verifier prints when it finds `prop` violated, or reached."""
    return f"{ANNOUNCED[prop.kind]} {prop.name}"


class _Model:
    """One model, printed from top to bottom."""

    def __init__(self, machine: Machine, instance: Instance, properties: Sequence[Property]) -> None:
        self._machine, self._instance, self._properties = machine, instance, tuple(properties)
        self._unrolled = narrowed(machine, instance).unrolled
        self._clocks = clock_values(machine, instance)
        self._actions = {action.name: action for action in machine.actions}
        self._domains = {v.name: instance.domain(v.sort) for v in self._unrolled.variables}
        fields: list[Field] = [leaf.args[0] for leaf in self._unrolled.fields.values() if terms.is_term(leaf)]
        self._names = _names(place for place in fields if place.variable != machine.clock)
        self._print = _Printer(self._names)
        self._temporaries = 0

    def lines(self) -> Iterator[str]:
        process = list(self._process())  # first, since it finds how many temporaries there are
        yield from self._head()
        yield from self._declarations()
        yield from process

    def _head(self) -> Iterator[str]:
        design = f" {self._machine.design}" if self._machine.design else ""
        yield f"/* {_plain(f'{self._machine.name}{design}, instance {self._instance.name}: {self._instance.about}.')}"
        yield " *"
        yield " * Rejected calls change nothing and are left out. What never changes is printed as a constant."
        if self._machine.clock:
            yield f" * The clock, {self._machine.clock}, is the label behind which the process stands."
        yield " * Count its states with"
        yield " *     spin -o1 -o2 -o3 -a FILE && gcc -O3 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -E -n -m1000000"
        yield " * (-o2 switches an optimisation off which merges states that differ in variables only ever written)."
        yield " */"

    def _declarations(self) -> Iterator[str]:
        for place, name in self._names.items():
            yield f"{_type(place)} {name} = {self._unrolled.initial.entry(place.variable, place.key)};"
        for number in range(self._temporaries):
            yield f"hidden int {_temporary(number)};"
        if self._properties:
            yield f"c_code {{ static char told[{len(self._properties)}]; }}"
        yield ""

    def _process(self) -> Iterator[str]:
        yield "active proctype machine()"
        yield "{"
        for fixed in self._clocks:
            if self._machine.clock:
                yield f"{_label(fixed[self._machine.clock])}:"
            options = [*self._judgements(fixed), *self._steps(fixed)]
            yield from ["do", *(options or [":: false"]), "od;"]
        yield "}"

    def _judgements(self, fixed: Mapping[str, int]) -> Iterator[str]:
        """What is judged in every state with this clock value."""
        for number, prop in enumerate(self._properties):
            if prop.kind is not Kind.STEP:
                holds = self._unrolled.holds(prop, fixed)
                found = holds if prop.kind is Kind.SITUATION else terms.negation(holds)
                if found is not False:
                    yield f":: d_step {{ {self._announce(number, found)} }}"

    def _announce(self, number: int, found: Value) -> str:
        """Promela that announces a property where `found` is true, and cannot be executed ever after."""
        line = _c_string(announcement(self._properties[number]))
        condition = self._print.text(found, self._properties[number].name)
        return f"c_expr {{ !told[{number}] }} && {condition} -> c_code {{ told[{number}] = 1; puts({line}); }}"

    def _steps(self, fixed: Mapping[str, int]) -> Iterator[str]:
        for step in self._unrolled.steps(fixed):
            accepted = step.accepted()
            if accepted is not False:
                call = self._call(step)
                yield f"/* {_plain(call)} */"
                effects = [*self._step_judgements(step, fixed), *self._effects(step, call)]
                yield f":: d_step {{ {self._print.text(accepted, call)}"
                yield from (f"   {'; ' if number else '->'} {effect}" for number, effect in enumerate(effects))
                yield f"   }}{self._jump(step)}"

    def _call(self, step: StepTerms) -> str:
        action = self._actions[step.action]
        shown = (self._instance.show(sort, value) for sort, value in zip(action.sorts(), step.arguments, strict=True))
        return f"{step.action}({', '.join(map('{} = {}'.format, action.labels(), shown))})"

    def _step_judgements(self, step: StepTerms, fixed: Mapping[str, int]) -> Iterator[str]:
        for number, prop in enumerate(self._properties):
            if prop.kind is Kind.STEP:
                broken = terms.negation(self._unrolled.holds(prop, fixed, step))
                if broken is not False:
                    yield f"if :: {self._announce(number, broken)} :: else fi"

    def _effects(self, step: StepTerms, call: str) -> Iterator[str]:
        updates = {place: value for place, value in step.updates.items() if place.variable != self._machine.clock}
        for place, value in updates.items():
            allowed = self._allowed(place)
            if not self._print.fits(value, allowed, call):
                inside = _membership(self._print.text(value, call), allowed)
                line = _c_string(f"{OUTSIDE} {place}, in {call}")
                yield f"if :: {inside} :: else -> c_code {{ puts({line}); }}; assert(false) fi"
        yield from self._assignments({place: value for place, value in updates.items() if place in self._names}, call)

    def _allowed(self, place: Field) -> Sequence[int]:
        """What may be assigned: in the domain, and among what we say the field can hold, which Spin so checks too."""
        domain = self._domains[place.variable]
        return domain if place.values == domain else tuple(value for value in place.values if value in domain)

    def _assignments(self, updates: Mapping[Field, Value], call: str) -> Iterator[str]:
        """Assignments one by one that do what `updates` do at once: none reads what another has overwritten."""
        waiting = {place: _fields_of(value) for place, value in updates.items()}
        last: list[str] = []
        while waiting:
            unread = [p for p in waiting if not any(p in read for other, read in waiting.items() if other != p)]
            place = unread[0] if unread else next(iter(waiting))
            del waiting[place]
            text = self._print.text(updates[place], call)
            if unread:
                yield f"{self._names[place]} = {text}"
            else:
                yield f"{_temporary(len(last))} = {text}"
                last.append(f"{self._names[place]} = {_temporary(len(last))}")
        self._temporaries = max(self._temporaries, len(last))
        yield from last

    def _jump(self, step: StepTerms) -> str:
        """To the options of the clock value that the step leads to, if it is another one."""
        for place, value in step.updates.items():
            if place.variable == self._machine.clock:
                if any(fixed[self._machine.clock] == value for fixed in self._clocks):
                    return f"; goto {_label(value)}"
                line = _c_string(f"{OUTSIDE} {place}, in {self._call(step)}")
                return f"; c_code {{ puts({line}); }}; assert(false)"
        return ""


def _fields_of(value: Value) -> set[Field]:
    """The fields that a value is computed from."""
    return {term.args[0] for term in terms.walk([value]) if term.op == "field"}


def _names(places: Iterable[Field]) -> dict[Field, str]:
    """A name for each field that is neither a token of Spin's, nor a name or a macro of its C, nor another field's."""
    names: dict[Field, str] = {}
    taken: set[str] = set()
    for place in places:
        name = re.sub(r"\W", "_", "_".join(["the", place.variable, *map(_numeral, place.key)]), flags=re.ASCII)
        names[place] = name if name not in taken else f"{name}_again_{len(names)}"
        taken.add(names[place])
    return names


def _numeral(value: int) -> str:
    """`value` as part of a name."""
    return str(value).replace("-", "minus_")


def _label(clock: int) -> str:
    return f"at_{_numeral(clock)}"


def _temporary(number: int) -> str:
    return f"new_{number}"


def _type(place: Field) -> str:
    """The smallest type of Promela's that holds what the field may hold."""
    low, high = _ends(place.values)
    for name, least, greatest in (("bit", 0, 1), ("byte", 0, 2**8 - 1), ("short", -(2**15), 2**15 - 1)):
        if least <= low and high <= greatest:
            return name
    _check_range((low, high), str(place))
    return "int"


def _check_range(bounds: Range, where: str) -> None:
    if bounds[0] < -INT_MAX or bounds[1] > INT_MAX:
        raise SpecificationError(
            f"{where} may be anything from {bounds[0]:_} to {bounds[1]:_}, beyond Promela's 32-bit integers; "
            f"scale the instance down"
        )


def _ends(values: Sequence[int]) -> Range:
    return values[0], values[-1]


def _is_contiguous(values: Sequence[int]) -> bool:
    return values[-1] - values[0] == len(values) - 1


def _membership(text: str, domain: Sequence[int]) -> str:
    """`text`, an expression, is one of `domain`."""
    if _is_contiguous(domain):
        return f"{text} >= {_number(domain[0])} && {text} <= {_number(domain[-1])}"
    return " || ".join(f"{text} == {_number(value)}" for value in domain)


def _number(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


def _plain(text: str) -> str:
    """`text` as it may stand in a comment."""
    return " ".join(text.split()).replace("*/", "* /")


def _c_string(text: str) -> str:
    """A C literal, in which everything that Spin, its preprocessor or C might take for something else is a number."""
    plain = (chr(byte) if re.match(rb"[\w .,=()\[\]]", bytes([byte])) else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(plain)}"'


class _Printer:
    """Prints terms as Promela expressions, and knows what each can be at most."""

    _SIGNS: Mapping[str, str] = {"add": "+", "sub": "-", "mul": "*", "eq": "==", "lt": "<", "le": "<="}

    def __init__(self, names: Mapping[Field, str]) -> None:
        self._names = names
        self._texts: dict[Term, str] = {}
        self._nodes: dict[Term, int] = {}
        self._ranges: dict[Term, Range] = {}

    def text(self, value: Value, where: str) -> str:
        """`value` as an expression; `where` names it in an error."""
        if not terms.is_term(value):
            return _number(int(value)) if not isinstance(value, bool) else str(value).lower()
        for term in terms.walk([value]):
            if term not in self._texts:
                self._visit(term, where)
        return self._texts[value]

    def fits(self, value: Value, domain: Sequence[int], where: str) -> bool:
        """Whether `value` is in `domain` whatever the state is."""
        if not terms.is_term(value):
            return int(value) in domain
        if value.op == "field" and not _is_contiguous(domain):
            return all(possible in domain for possible in value.args[0].values)
        if value.op == "ite":
            return self.fits(value.args[1], domain, where) and self.fits(value.args[2], domain, where)
        self.text(value, where)  # computes the range
        low, high = self._ranges[value]
        return low in domain and high in domain and _is_contiguous(domain)

    def _visit(self, term: Term, where: str) -> None:
        arguments = [] if term.op == "field" else [a for a in term.args if terms.is_term(a)]
        self._nodes[term] = 1 + sum(self._nodes[a] for a in arguments)
        if self._nodes[term] > MAX_NODES:
            raise SpecificationError(f"{where} unfolds to more than {MAX_NODES:_} operations; too much for Spin")
        self._ranges[term] = self._range_of(term)
        _check_range(self._ranges[term], f"{where}: a value on the way")
        self._texts[term] = self._expression(term, where)

    def _expression(self, term: Term, where: str) -> str:
        if term.op == "field":
            return self._names[term.args[0]]
        args = [self.text(a, where) for a in term.args]
        if term.op == "not":
            return f"!{args[0]}"
        if term.op in ("and", "or"):
            return f"({(' && ' if term.op == 'and' else ' || ').join(args)})"
        if term.op == "ite":
            return f"({args[0]} -> {args[1]} : {args[2]})"
        if term.op in ("div", "mod"):
            return self._division(term, args[0], args[1], where)
        return f"({args[0]} {self._SIGNS[term.op]} {args[1]})"

    def _division(self, term: Term, a: str, b: str, where: str) -> str:
        """Division rounds down, where C's rounds towards zero. No rule divides by zero where its guards hold."""
        (low, _), (least, greatest) = self._range(term.args[0]), self._range(term.args[1])
        if least < 0:
            raise SpecificationError(f"{where} may divide by a negative number, {b}; divisors are positive")
        _check_range((low - greatest, 2 * greatest), f"{where}: a value on the way")
        if term.op == "div":
            result = f"({a} / {b})" if low >= 0 else f"({a} >= 0 -> {a} / {b} : 0 - ({b} - 1 - {a}) / {b})"
        else:
            result = f"({a} % {b})" if low >= 0 else f"(({a} % {b} + {b}) % {b})"
        return result if least > 0 else f"({b} > 0 -> {result} : 0)"

    def _range(self, value: Value) -> Range:
        return self._ranges[value] if terms.is_term(value) else (int(value), int(value))

    def _range_of(self, term: Term) -> Range:
        """Bounds on `term`, from those of its arguments."""
        if term.boolean:
            return 0, 1
        if term.op == "field":
            return _ends(term.args[0].values)
        if term.op == "ite":
            (a, b), (c, d) = map(self._range, term.args[1:])
            return min(a, c), max(b, d)
        (a, b), (c, d) = map(self._range, term.args)
        if term.op == "add":
            return a + c, b + d
        if term.op == "sub":
            return a - d, b - c
        if term.op == "mul":
            corners = [a * c, a * d, b * c, b * d]
            return min(corners), max(corners)
        if term.op == "div":
            return min(a, 0), max(b, 0)
        assert term.op == "mod", term.op
        return 0, max(min(b, d - 1) if a >= 0 else d - 1, 0)
