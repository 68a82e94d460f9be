"""The linter: finds what a specification says in Python that cannot be read all three ways.

A rule runs on plain integers, and must mean the same when its values are terms. Plain Python often runs on both and
means something else (`~`, `+` on truth values, `==` on maps), or fails only on terms, far from the line at fault. So
rules are checked before they are read: the functions of actions and properties, and whatever they call. What only
builds instances is ordinary Python and is not looked at.

All rules of the linter are in one table, `RULES`. Syntax that no line of it names must be on the list of what is
readable, so new syntax is rejected until somebody decides how to read it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, NewType, get_args, get_origin, get_type_hints

import coordination.machine as words
from coordination.machine.machine import Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Function, Map, State


@dataclass(frozen=True)
class Rule:
    """Why a thing cannot be read, what to write, and the syntax that shows it (none: it takes more than syntax)."""

    reason: str
    instead: str
    syntax: tuple[type[ast.AST], ...] = ()


RULES: Mapping[str, Rule] = {
    "if-statement": Rule("`if` picks one branch for all states", "ite(condition, then, other), or a guard", (ast.If,)),
    "conditional-expression": Rule("`a if c else b` picks one side for all states", "ite(c, a, b)", (ast.IfExp,)),
    "match-statement": Rule("`match` picks one case for all states", "ite(condition, then, other)", (ast.Match,)),
    "and-or": Rule("`and` and `or` pick one side for all states", "all_of(...) or any_of(...)", (ast.BoolOp,)),
    "not": Rule("`not` decides on the truth of a state value", "negate(...)", (ast.Not,)),
    "invert": Rule("`~` is -2 of True on plain integers", "negate(...)", (ast.Invert,)),
    "chained-comparison": Rule("`a <= b < c` has a hidden `and`", "all_of(a <= b, b < c)"),
    "membership": Rule(
        "`in` decides on every comparison", "any_of(x == a, x == b), or exists(...)", (ast.In, ast.NotIn)
    ),
    "identity": Rule("`is` asks which object, not which value", "== or !=", (ast.Is, ast.IsNot)),
    "while-loop": Rule("a loop's length depends on the state", "forall, exists or total over a sort", (ast.While,)),
    "for-loop": Rule("a loop has no term", "forall, exists or total over a sort", (ast.For, ast.AsyncFor)),
    "comprehension": Rule(
        "a comprehension is a loop, and a loop has no term",
        "forall, exists or total over a sort",
        (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    ),
    "recursion": Rule("{what} calls itself, and ite computes both sides, so it never ends", "forall, exists or total"),
    "builtin": Rule("`{what}` works on plain values only", "a word of coordination.machine"),
    "operator": Rule(
        "this operator means something else, or nothing, on terms",
        "+, -, *, // or %, and & or | between truth values only,",
        (ast.Div, ast.Pow, ast.LShift, ast.RShift, ast.BitXor, ast.MatMult),
    ),
    "unary-sign": Rule("terms have no unary sign", "0 - x", (ast.USub, ast.UAdd)),
    "boolean-arithmetic": Rule("a truth value is counted or ordered like a number", "ite(fact, 1, 0), or implies(a, b),"),
    "float": Rule("a float is rounded, and neither a term nor the contract has one", "an integer in a smaller unit"),
    "whole-map": Rule(
        "a map as a whole is neither compared nor replaced, only its entries are",
        "forall(sort, lambda k: a[k] == b[k]), m[key] = value or m.reset(...)",
    ),
    "whole-record": Rule("Python compares or picks a record as one value", "all_of or ite over its fields, one by one,"),
    "assert": Rule("`assert` is no step of the specification", "require(rule, condition, error)", (ast.Assert,)),
    "raise": Rule("`raise` is no step of the specification", "require(rule, condition, error)", (ast.Raise,)),
    "try": Rule("a guard that fails ends the step; nothing catches it", "require(...)", (ast.Try, ast.TryStar)),
    "with": Rule("a block's entry and exit have no term", "its statements, guarded by require,", (ast.With, ast.AsyncWith)),
    "global-name": Rule("only the state changes", "a variable of the state", (ast.Global, ast.Nonlocal)),
    "nested-definition": Rule(
        "a definition inside of a rule is hidden from its reader",
        "a function of the module, or a lambda,",
        (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    ),
    "coroutine": Rule("a rule is one step and never pauses", "return", (ast.Await, ast.Yield, ast.YieldFrom)),
    "walrus": Rule("an assignment hides in an expression", "a line `name = value` before it", (ast.NamedExpr,)),
    "delete": Rule("nothing of a state can be removed", "m.reset(where=...), or the value zero,", (ast.Delete,)),
    "rebinding": Rule("{what} is a parameter, and stands for one value throughout", "a new local name"),
    "foreign-write": Rule("{what} is not a variable of the state, and only those change", "s.name or s.name[key]"),
    "unknown-variable": Rule("{what} is not declared by the state, so the write would be lost", "a declared variable"),
    "property-effect": Rule("a property only asks: it has no guards, events or effects", "an expression over the state"),
    "guard-after-effect": Rule("a rejected call must change nothing, but here it already has", "guards first, effects last,"),
    "action-returns": Rule("an action's value goes nowhere", "emit(...), or an effect,"),
    "unknown-call": Rule(
        "{what} is neither a word of coordination.machine nor readable as part of this specification",
        "a function beside the rules, with its parameters annotated,",
    ),
    "not-in-the-language": Rule("`{what}` is not Python that a specification is written in", "the words of a rule"),
}

_RULE_OF = {syntax: name for name, rule in RULES.items() for syntax in rule.syntax}
_NOT_ENTERED = {"match-statement", "nested-definition", "not-in-the-language"}
_READABLE = {
    *(ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Pass),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.Constant, ast.Load, ast.Store),
    *(ast.Call, ast.keyword, ast.Lambda, ast.arguments, ast.arg, ast.Compare, ast.BinOp, ast.UnaryOp),
    *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    # These come inside of something that is rejected anyway.
    *(ast.And, ast.Or, ast.Break, ast.Continue, ast.comprehension, ast.ExceptHandler, ast.withitem, ast.Del),
}
_INSTEAD_OF_BUILTIN = {
    "abs": "ite(a <= b, b - a, a - b)",
    "all": "forall(sort, fact) or all_of(...)",
    "any": "exists(sort, fact) or any_of(...)",
    "bool": "the value itself, or x != 0,",
    "int": "the value itself, or ite(fact, 1, 0),",
    "len": "total(sort, lambda x: ite(fact, 1, 0))",
    "max": "ite(a <= b, b, a)",
    "min": "least(a, b)",
    "range": "forall, exists or total over a sort",
    "sum": "total(sort, amount)",
}


@dataclass(frozen=True, order=True)
class Finding:
    """One place that cannot be read all three ways."""

    file: str
    line: int
    column: int
    rule: str
    reason: str
    instead: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.rule}: {self.reason}; write {self.instead} instead"


def lint(machine: Machine, *properties: Property) -> list[Finding]:
    """What cannot be read in the machine's actions, in its properties, in `properties`, or in what any of them call."""
    state, constants = _ValueOf(machine.state), {type(instance.constants) for instance in machine.instances.values()}
    world = _ValueOf(constants.pop()) if len(constants) == 1 else _UNKNOWN
    routes = (route for expected in machine.expected.values() for route in expected.routes)
    asked = (*machine.properties, *properties, *routes)
    linter = _Linter([machine.state, *(action.run for action in machine.actions), *(prop.holds for prop in asked)])
    for action in machine.actions:
        linter.read(action.run, (state, world), asks=False, returns=False)
    for prop in asked:
        linter.read(prop.holds, (state, state, world) if prop.kind is Kind.STEP else (state, world), asks=True)
    return sorted(linter.findings)


def lint_expression(source: str, names: Mapping[str, Any] | None = None, **variables: type) -> list[Finding]:
    """What cannot be read in one expression about a state. `names` are the objects that it may name besides the
    words, and `variables` the classes of its free variables: `lint_expression(text, vars(spec), s=Rollup, w=Constants)`.
    """
    linter = _Linter(list(variables.values()))
    scope = ChainMap(dict(names or {}), {name: getattr(words, name) for name in words.__all__}, vars(builtins))
    known = {name: _ValueOf(kind) for name, kind in variables.items()}
    reader = _Reader(linter, "<expression>", scope, known, asks=True)
    try:
        reader.visit(ast.parse(source.strip(), mode="eval").body)
    except SyntaxError as error:
        place = ast.Constant(None, lineno=error.lineno or 1, col_offset=max(error.offset or 1, 1) - 1)
        reader.report("not-in-the-language", place, source.strip())
    return sorted(linter.findings)


@dataclass(frozen=True)
class _ValueOf:
    """Something that has a value only when a rule runs: what is known of it is its type, and the code that makes it."""

    hint: Any = Any
    getter: MethodType | None = None


_UNKNOWN = _ValueOf()


@dataclass
class _Acts:
    """What running a function may do, itself or through what it calls."""

    guards: bool = False
    effects: bool = False


def _hints(annotated: Any) -> dict[str, Any]:
    try:
        return get_type_hints(annotated)
    except (NameError, TypeError):  # a name that exists for type checkers only, or nothing that has annotations
        return {}


def _class_of(hint: Any) -> type:
    origin = get_origin(hint) or hint
    return origin if isinstance(origin, type) else object


def _member(hint: Any, name: str) -> Any:
    """What `.name` is on a value of a type."""
    owner = _class_of(hint)
    declared = _hints(owner).get(name)
    if declared is not None:
        return _ValueOf(declared)
    found = inspect.getattr_static(owner, name, _UNKNOWN)
    if isinstance(found, property) and found.fget is not None:
        return _ValueOf(_hints(found.fget).get("return", Any), MethodType(found.fget, _ValueOf(hint)))
    if isinstance(found, FunctionType):
        return MethodType(found, _ValueOf(hint))
    return getattr(owner, name) if isinstance(found, (staticmethod, classmethod)) else found


def _parameters(arguments: ast.arguments) -> list[str]:
    rest = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest)]


def _scope(function: FunctionType) -> ChainMap[str, Any]:
    """The names that `function` sees outside of itself."""
    closed: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            closed[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return ChainMap(closed, function.__globals__, vars(builtins))


class _Linter:
    """Follows functions, each once for every use it has. The packages and folders of `roots` are the specification."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.findings: set[Finding] = set()
        self._packages = {root.__module__.partition(".")[0] for root in roots}
        self._folders = {Path(root.__code__.co_filename).parent for root in roots if isinstance(root, FunctionType)}
        self._trees: dict[Path, ast.Module] = {}
        self._acts: dict[tuple[FunctionType, bool, bool], _Acts | None] = {}  # None while it is being read

    def is_specification(self, function: FunctionType) -> bool:
        here = Path(function.__code__.co_filename).parent
        return function.__module__.partition(".")[0] in self._packages or here in self._folders

    def read(
        self, function: Callable[..., Any], given: tuple[Any, ...], asks: bool, returns: bool = True
    ) -> _Acts | None:
        """Check a function; None if it is being checked. `given` is what its first parameters are by their role."""
        function = inspect.unwrap(function)
        assert isinstance(function, FunctionType)
        key = (function, asks, returns)
        if key in self._acts:
            return self._acts[key]
        self._acts[key] = None
        file, node = self._locate(function)
        hints, known = _hints(function), dict[str, Any]()
        names = _parameters(node.args)
        for position, name in enumerate(names):
            by_role = given[position] if position < len(given) else _UNKNOWN
            known[name] = _ValueOf(hints[name]) if hints.get(name, Any) is not Any else by_role
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                known.setdefault(inner.id, _UNKNOWN)
        reader = _Reader(self, file, _scope(function), known, asks, returns, frozenset(names))
        for statement in [node.body] if isinstance(node, ast.Lambda) else node.body:
            reader.visit(statement)
        self._acts[key] = reader.acts
        return reader.acts

    def _locate(self, function: FunctionType) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
        """Where a function is written. A function without source is shown as a call of itself, which is unknown."""
        code = function.__code__
        path = Path(inspect.getsourcefile(function) or code.co_filename)
        if path not in self._trees:
            self._trees[path] = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        for node in ast.walk(self._trees[path]):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                first = node if isinstance(node, ast.Lambda) else [*node.decorator_list, node][0]
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                same = (first.lineno, name) == (code.co_firstlineno, code.co_name)
                if same and set(_parameters(node.args)) <= set(code.co_varnames):
                    return str(shown), node
        place = ast.Constant(None, lineno=code.co_firstlineno, col_offset=0)
        reader = _Reader(self, str(shown), ChainMap(), {}, asks=True)
        reader.report("unknown-call", place, f"{function.__qualname__}, whose source is not to be found,")
        return str(shown), ast.Lambda(ast.arguments([], [], None, [], [], None, []), place)


@dataclass
class _Reader(ast.NodeVisitor):
    """Walks one function in the order in which it runs. `asks`: for a property; `known`: what its names stand for."""

    linter: _Linter
    file: str
    scope: Mapping[str, Any]
    known: dict[str, Any]
    asks: bool
    returns: bool = True
    parameters: frozenset[str] = frozenset()
    acts: _Acts = field(default_factory=_Acts)
    here: ast.AST = field(default_factory=lambda: ast.Constant(None, lineno=1, col_offset=0))

    def report(self, rule: str, place: ast.AST, what: str = "", instead: str = "") -> None:
        at, said = getattr(place, "lineno", 0), RULES[rule]
        column = getattr(place, "col_offset", 0) + 1
        reason = said.reason.format(what=what)
        self.linter.findings.add(Finding(self.file, at, column, rule, reason, instead or said.instead))

    def visit(self, node: ast.AST) -> None:
        outer = self.here
        if hasattr(node, "lineno"):  # an operator has no place of its own: it is where its expression is
            self.here = node
        rule = _RULE_OF.get(type(node), "" if type(node) in _READABLE else "not-in-the-language")
        if rule:
            self.report(rule, self.here, ast.unparse(node).partition("\n")[0])
        if rule not in _NOT_ENTERED:
            super().visit(node)
        self.here = outer

    # What names and expressions stand for.

    def resolve(self, node: ast.AST) -> Any:
        """The object that an expression denotes, or a `_ValueOf` where that depends on the state."""
        match node:
            case ast.Name(id=name):
                return self.known.get(name, self.scope.get(name, _UNKNOWN))
            case ast.Attribute(value=inner, attr=name):
                base = self.resolve(inner)
                return _member(base.hint, name) if isinstance(base, _ValueOf) else getattr(base, name, _UNKNOWN)
            case ast.Subscript(value=inner):
                hint = self.hint(inner)
                return _ValueOf(get_args(hint)[1]) if _class_of(hint) in (Map, Function) and get_args(hint) else _UNKNOWN
            case ast.Call(func=inner):
                called = self.resolve(inner)
                makes = isinstance(called, (type, NewType))
                return _ValueOf(called if makes else _hints(inspect.unwrap(called)).get("return", Any))
            case ast.Constant(value=value):
                return _ValueOf(type(value))
            case ast.Tuple():
                return _ValueOf(tuple)
            case ast.Compare():
                return _ValueOf(bool)
        return _UNKNOWN

    def hint(self, node: ast.AST) -> Any:
        value = self.resolve(node)
        return value.hint if isinstance(value, _ValueOf) else type(value)

    def use(self, node: ast.AST, called: bool) -> None:
        """A function counts wherever it is named: what is handed on gets called by somebody."""
        value, what = self.resolve(node), ast.unparse(node)
        function = inspect.unwrap(value.__func__ if isinstance(value, MethodType) else value)
        if isinstance(value, float) or (isinstance(value, _ValueOf) and value.hint is float):
            self.report("float", node)
        elif isinstance(value, _ValueOf):
            if value.getter is not None:
                self.follow(value.getter, node)
            if called and not isinstance(node, ast.Name):  # a local name was given its function where that has a name
                self.report("unknown-call", node, what)
        elif not callable(value) or isinstance(value, NewType):
            return
        elif getattr(value, "__module__", "") == "builtins":
            is_sort = value is bool and not called
            if not is_sort and not (isinstance(value, type) and issubclass(value, BaseException)):
                self.report("builtin", node, value.__name__, _INSTEAD_OF_BUILTIN.get(value.__name__, ""))
        elif isinstance(value, type):
            if called and not issubclass(value, (IntEnum, tuple)):
                self.report("unknown-call", node, what)
        elif not isinstance(function, FunctionType):
            self.report("unknown-call", node, what)
        elif function in (words.when, words.require):
            self.act(node, _Acts(guards=True))
        elif function is words.emit:
            self.act(node, _Acts())
        elif vars(Map).get(function.__name__) is function:
            self.act(node, _Acts(effects=True))
        elif getattr(words, function.__name__, None) is function:
            return
        elif self.linter.is_specification(function):
            self.follow(value, node)
        else:
            self.report("unknown-call", node, what)

    # What a function does, and in which order.

    def act(self, node: ast.AST, acts: _Acts) -> None:
        if self.asks:
            self.report("property-effect", node)
        self.then(node, acts)

    def then(self, node: ast.AST, acts: _Acts) -> None:
        if acts.guards and self.acts.effects and not self.asks:
            self.report("guard-after-effect", node)
        self.acts = _Acts(self.acts.guards or acts.guards, self.acts.effects or acts.effects)

    def follow(self, called: FunctionType | MethodType, node: ast.AST) -> None:
        is_method = isinstance(called, MethodType)
        function, given = (called.__func__, (called.__self__,)) if isinstance(called, MethodType) else (called, ())
        acts = self.linter.read(function, given if is_method else (), self.asks)
        if acts is None:
            self.report("recursion", node, called.__name__)
        else:
            self.then(node, acts)

    def assign(self, target: ast.expr, value: Any) -> None:
        place = target.value if isinstance(target, ast.Subscript) else target
        if isinstance(target, ast.Tuple):
            for part in target.elts:
                self.assign(part, _UNKNOWN)
        elif isinstance(target, ast.Name):
            if target.id in self.parameters:
                self.report("rebinding", target, target.id)
            self.known[target.id] = value
        elif not isinstance(place, ast.Attribute) or not issubclass(_class_of(self.hint(place.value)), State):
            self.visit(target)
            self.report("foreign-write", target, ast.unparse(target))
        else:
            self.visit(target)
            declared = _hints(_class_of(self.hint(place.value)))
            if place.attr not in declared:
                self.report("unknown-variable", target, ast.unparse(place))
            elif place is target and _class_of(declared[place.attr]) is Map:
                self.report("whole-map", target)
            self.act(target, _Acts(effects=True))

    def operate(self, node: ast.AST, operator: ast.operator, operands: tuple[ast.expr, ...]) -> None:
        hints = [self.hint(operand) for operand in operands]
        if isinstance(operator, (ast.BitAnd, ast.BitOr)):
            if any(isinstance(hint, NewType) or (hint is not bool and issubclass(_class_of(hint), int)) for hint in hints):
                self.report("operator", node)
        elif bool in hints:
            self.report("boolean-arithmetic", node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.use(node, called=False)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.use(node, called=False)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.use(node.func, called=True)
        for part in (*ast.iter_child_nodes(node.func), *node.args, *node.keywords):
            self.visit(part)
        called = self.resolve(node.func)
        if called in (words.ite, words.least):
            self.whole(node, node.args[-2:], maps=True)
        if called is words.total and any(isinstance(a, ast.Lambda) and self.hint(a.body) is bool for a in node.args):
            self.report("boolean-arithmetic", node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        outer = self.known
        self.known = outer | dict.fromkeys(_parameters(node.args), _UNKNOWN)
        self.generic_visit(node)
        self.known = outer

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, (float, complex)):
            self.report("float", node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):  # -1 is a constant
            self.visit(node.op)
        self.visit(node.operand)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.operate(node, node.op, (node.left, node.right))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        ...

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.assign(target, self.resolve(node.value))
