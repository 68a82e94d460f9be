"""The linter: finds what a specification says in Python that cannot be read all three ways.

A rule runs on plain integers, and must mean the same when its values are terms. Plain Python may run on both and mean
something else (`~`, `+` on truth values, `==` on maps), or fail only on terms, far from the line at fault. So rules
are checked before they are read: the functions of actions and properties, and whatever they name. What only builds
instances is ordinary Python, and is not looked at.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, NewType, get_args, get_origin, get_type_hints

import coordination.machine as words
from coordination.machine.action import Action
from coordination.machine.lint_rules import INSTEAD_OF_BUILTIN, NOT_ENTERED, READABLE, RULE_OF, RULES, Finding
from coordination.machine.machine import Machine
from coordination.machine.property import Kind, Property
from coordination.machine.state import Function, Map, State


def lint(machine: Machine, *properties: Property) -> list[Finding]:
    """What cannot be read in the machine's actions, in its properties, in `properties`, or in what any of them name."""
    routes = (route for expected in machine.expected.values() for route in expected.routes)
    asked = (*machine.properties, *properties, *routes)
    linter = _Linter(machine.state, *(action.run for action in machine.actions), *(prop.holds for prop in asked))
    worlds = {_told_by(instance.constants): _object(instance.constants) for instance in machine.instances.values()}
    for world in worlds.values() or [_UNKNOWN]:
        linter.enter(world)
        for action in machine.actions:
            linter.read_action(action)
        for prop in asked:
            states = [linter.state] * (2 if prop.kind is Kind.STEP else 1)
            linter.read(prop.holds, (*states, world), asks=True)
    return sorted(linter.findings)


def lint_expression(source: str, names: Mapping[str, Any] | None = None, **variables: Any) -> list[Finding]:
    """What cannot be read in one expression about a state, such as a user types.

    `names` may be named in it besides the words; `variables` are its free variables, each by its class or its value:
    `lint_expression(text, vars(specification), s=Rollup, w=instance.constants)`.
    """
    linter = _Linter(*(value if isinstance(value, type) else type(value) for value in variables.values()))
    scope = ChainMap(dict(names or {}), {name: getattr(words, name) for name in words.__all__}, vars(builtins))
    known = {name: _Known(it) if isinstance(it, type) else _object(it) for name, it in variables.items()}
    for constants in (it for it in variables.values() if not isinstance(it, type)):
        linter.enter(_object(constants))
    reader = _Reader(linter, "<expression>", scope, known, asks=True)
    try:
        reader.visit(ast.parse(source.strip(), mode="eval").body)
    except SyntaxError as error:
        place = _place(error.lineno or 1, max(error.offset or 1, 1) - 1)
        reader.report("not-in-the-language", place, source.strip().partition("\n")[0])
    return sorted(linter.findings)


_ABSENT: Any = object()  # stands for an object that exists only when a rule runs


@dataclass(frozen=True)
class _Known:
    """What is known of a value: its type, and the object itself unless that depends on the state."""

    hint: Any = Any
    it: Any = _ABSENT


_UNKNOWN = _Known()
_Def = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class _Acts:
    """What running a function may do, itself or through what it calls."""

    guards: bool = False
    effects: bool = False


_ACTS_OF: Mapping[Any, _Acts] = {words.when: _Acts(guards=True), words.require: _Acts(guards=True), words.emit: _Acts()}


def _object(it: Any, hint: Any = Any) -> _Known:
    return it if isinstance(it, _Known) else _Known(type(it) if hint is Any else hint, it)


def _told_by(constants: Any) -> object:
    """All that the linter can tell of constants: worlds that differ in nothing but numbers are read once."""
    if not hasattr(constants, "__dict__"):
        return id(constants)
    plain = (int, bool, Function)
    held = ((name, type(it) if type(it) in plain else id(it)) for name, it in sorted(vars(constants).items()))
    return type(constants), *held


def _place(line: int, column: int) -> ast.AST:
    return ast.Constant(None, lineno=line, col_offset=column)


def _class_of(hint: Any) -> type:
    origin = get_origin(hint) or hint
    return origin if isinstance(origin, type) else object


def _owner(base: _Known) -> type:
    return _class_of(base.hint) if base.it is _ABSENT else type(base.it)


def _package(defined: Any) -> str:
    return (getattr(defined, "__module__", None) or "").partition(".")[0]  # code from a string may have no module


def _is_number(hint: Any) -> bool:
    return isinstance(hint, NewType) or (hint is not bool and issubclass(_class_of(hint), int))


def _parameters(function: _Def) -> list[ast.arg]:
    arguments = function.args
    rest = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def _is_source_of(node: _Def, function: FunctionType) -> bool:
    code = function.__code__
    if isinstance(node, ast.Lambda):  # several may start on one line, but no two have one body
        body = node.body
        return (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in code.co_positions()
    first = [*node.decorator_list, node][0]
    return (first.lineno, node.name) == (code.co_firstlineno, code.co_name)


def _scope(function: FunctionType) -> Mapping[str, Any]:
    """The names that `function` sees outside of itself."""
    closed: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not filled yet
            closed[name] = cell.cell_contents
    return ChainMap(closed, function.__globals__, vars(builtins))


class _Linter:
    """Follows functions. Whatever lies in a package of `roots`, or beside one of their files, is the specification."""

    def __init__(self, *roots: Any) -> None:
        self.findings: set[Finding] = set()
        self._packages = {_package(root) for root in roots}
        self._folders = {Path(root.__code__.co_filename).parent for root in roots if isinstance(root, FunctionType)}
        self._classes = {root.__name__: root for root in roots if isinstance(root, type)}
        self._trees: dict[Path, list[_Def]] = {}
        states = (root for root in roots if isinstance(root, type) and issubclass(root, State))
        self.state = _Known(next(states, Any))
        self.enter(_UNKNOWN)

    def enter(self, world: _Known) -> None:
        """Read on with `world` as the constants: an instance may choose which functions its constants bring along."""
        self._world = world
        self._classes |= {_class_of(world.hint).__name__: _class_of(world.hint)}
        self._acts: dict[tuple[FunctionType, bool, bool], _Acts] = {}
        self._hints: dict[Any, dict[str, Any]] = {}

    def is_specification(self, function: FunctionType) -> bool:
        here = Path(function.__code__.co_filename).parent
        return _package(function) in self._packages or here in self._folders

    def hints(self, annotated: Any) -> dict[str, Any]:
        """The types that a function or a class declares; names that are imported for type checkers only count too."""
        if isinstance(annotated, MethodType):
            annotated = annotated.__func__
        if not isinstance(annotated, (type, FunctionType)):
            return {}
        for names in (None, self._classes):
            if annotated not in self._hints:
                with suppress(NameError, TypeError, AttributeError):
                    self._hints[annotated] = get_type_hints(annotated, localns=names)
        return self._hints.setdefault(annotated, {})

    def value_of(self, hint: Any) -> _Known:
        return self._world if hint is not Any and hint is self._world.hint else _Known(hint)

    def getter(self, base: _Known, name: str) -> Callable[..., Any] | None:
        """The function behind `base.name`, if that is a property in Python's sense."""
        found = inspect.getattr_static(_owner(base), name, None)
        return found.fget if isinstance(found, property) else None

    def member(self, base: _Known, name: str) -> _Known:
        owner, getter = _owner(base), self.getter(base, name)
        found = inspect.getattr_static(owner, name, None)
        hint = self.hints(getter).get("return", Any) if getter else self.hints(owner).get(name, Any)
        if base.it is not _ABSENT:
            return _object(getattr(base.it, name, _UNKNOWN), hint)
        if isinstance(found, FunctionType) and not getattr(owner, "_is_protocol", False):
            return _object(MethodType(found, base))
        return _object(found.__func__) if isinstance(found, staticmethod) else self.value_of(hint)

    def read_action(self, action: Action) -> None:
        self.read(action.run, (self.state, self._world), asks=False, returns=False)

    def read(self, function: Callable[..., Any], given: tuple[Any, ...], asks: bool, returns: bool = True) -> _Acts:
        """Check a function, once. `given` are its first parameters, where nothing annotates them."""
        function = inspect.unwrap(function)
        if isinstance(function, MethodType):
            return self.read(function.__func__, (function.__self__, *given), asks, returns)
        if not isinstance(function, FunctionType):
            _Reader(self, "<no source>", {}, {}, asks).report("unknown-call", _place(1, 0), repr(function))
            return _Acts()
        key = (function, asks, returns)
        if key not in self._acts:
            self._acts[key] = _Acts()  # for a function that calls itself: it does nothing that it has not done
            self._acts[key] = self._read(function, given, asks, returns)
        return self._acts[key]

    def _read(self, function: FunctionType, given: tuple[Any, ...], asks: bool, returns: bool) -> _Acts:
        path = Path(inspect.getsourcefile(function) or function.__code__.co_filename)
        if path not in self._trees:
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            self._trees[path] = [node for node in ast.walk(ast.parse(text)) if isinstance(node, _Def)]
        shown = str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
        reader = _Reader(self, shown, _scope(function), {}, asks, returns)
        for node in self._trees[path]:
            if _is_source_of(node, function):
                reader.enter(node, self.hints(function), given)
                return reader.acts
        reader.report("unknown-call", _place(function.__code__.co_firstlineno, 0), function.__qualname__)
        return reader.acts


@dataclass
class _Reader(ast.NodeVisitor):
    """Walks a function in the order in which it runs. `asks`: for a property; `known`: what its names stand for."""

    linter: _Linter
    file: str
    scope: Mapping[str, Any]
    known: dict[str, _Known]
    asks: bool
    returns: bool = True
    acts: _Acts = _Acts()
    parameters: frozenset[str] = frozenset()
    here: ast.AST = field(default_factory=lambda: _place(1, 0))

    def report(self, rule: str, place: ast.AST, what: str = "", instead: str = "") -> None:
        said, line, column = RULES[rule], getattr(place, "lineno", 1), getattr(place, "col_offset", 0) + 1
        reason = said.reason.format(what=what)
        self.linter.findings.add(Finding(self.file, line, column, rule, reason, instead or said.instead))

    def enter(self, function: _Def, hints: Mapping[str, Any], given: tuple[Any, ...] = ()) -> None:
        if isinstance(function, ast.AsyncFunctionDef):
            self.report("coroutine", function)
        names = [arg.arg for arg in _parameters(function)]
        by_role = dict(zip(names, map(_object, given), strict=False))
        for name in names:
            self.known[name] = self.linter.value_of(hints.get(name, Any))
            if self.known[name] == _UNKNOWN:
                self.known[name] = by_role.get(name, _UNKNOWN)
        self.parameters = self.parameters.union(names)
        for inner in ast.walk(function):  # a local name hides a global one, wherever it is assigned
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                self.known.setdefault(inner.id, _UNKNOWN)
        for part in [function.body] if isinstance(function, ast.Lambda) else function.body:
            self.visit(part)

    def visit(self, node: ast.AST) -> None:
        outer = self.here
        if hasattr(node, "lineno"):  # an operator has no place of its own: it is where its expression is
            self.here = node
        rule = RULE_OF.get(type(node), "" if type(node) in READABLE else "not-in-the-language")
        if rule:
            self.report(rule, self.here, ast.unparse(node).partition("\n")[0])
        if rule not in NOT_ENTERED:
            super().visit(node)
        self.here = outer

    def know(self, node: ast.AST) -> _Known:
        match node:
            case ast.Name(id=name):
                return self.known[name] if name in self.known else _object(self.scope.get(name, _UNKNOWN))
            case ast.Attribute(value=inner, attr=name):
                return self.linter.member(self.know(inner), name)
            case ast.Call(func=inner):
                called = self.know(inner).it
                is_class = isinstance(called, (type, NewType))
                return self.linter.value_of(
                    called if is_class else self.linter.hints(inspect.unwrap(called)).get("return", Any)
                )
            case ast.Subscript(value=inner):
                hint = self.know(inner).hint
                is_map = _class_of(hint) in (Map, Function) and get_args(hint)
                return self.linter.value_of(get_args(hint)[1] if is_map else Any)
            case ast.Constant(value=value):
                return _Known(type(value))
            case ast.Tuple() | ast.Compare():
                return _Known(tuple if isinstance(node, ast.Tuple) else bool)
        return _UNKNOWN

    def use(self, node: ast.AST, called: bool) -> None:
        """A function counts where it is named: somebody calls what is handed on."""
        known, what = self.know(node), ast.unparse(node)
        it, function = known.it, inspect.unwrap(getattr(known.it, "__func__", known.it))
        if isinstance(node, ast.Attribute) and (getter := self.linter.getter(self.know(node.value), node.attr)):
            self.then(node, self.linter.read(getter, (self.know(node.value),), self.asks))
        if known.hint is float:
            self.report("float", node)
        elif isinstance(it, Action) and not called:  # `attempt` only imagines it, but it is read like any other
            self.linter.read_action(it)
        elif it is _ABSENT:
            if called and not isinstance(node, ast.Name):  # what a local name calls was named where it got its value
                self.report("unknown-call", node, what)
        elif isinstance(it, NewType) or not (callable(it) or called):
            return
        elif getattr(it, "__module__", "") == "builtins":
            is_sort = it is bool and not called
            if not is_sort and not (isinstance(it, type) and issubclass(it, BaseException)):
                self.report("builtin", node, it.__name__, INSTEAD_OF_BUILTIN.get(it.__name__, ""))
        elif isinstance(it, type):
            if called and not issubclass(it, (IntEnum, tuple)):
                self.report("unknown-call", node, what)
        elif not isinstance(function, FunctionType):
            self.report("unknown-call", node, what)
        elif function in _ACTS_OF:
            self.act(node, _ACTS_OF[function])
        elif vars(Map).get(function.__name__) is function:
            self.act(node, _Acts(effects=True))
        elif self.linter.is_specification(function):
            self.then(node, self.linter.read(it, (), self.asks))
        elif getattr(words, function.__name__, None) is not function:
            self.report("unknown-call", node, what)

    def act(self, node: ast.AST, acts: _Acts) -> None:
        if self.asks:
            self.report("property-effect", node)
        self.then(node, acts)

    def then(self, node: ast.AST, acts: _Acts) -> None:
        if acts.guards and self.acts.effects and not self.asks:
            self.report("guard-after-effect", node)
        self.acts = _Acts(self.acts.guards or acts.guards, self.acts.effects or acts.effects)

    def assign(self, target: ast.expr, value: _Known) -> None:
        if isinstance(target, ast.Tuple):
            for part in target.elts:
                self.assign(part, _UNKNOWN)
        elif isinstance(target, ast.Name):
            if target.id in self.parameters:
                self.report("rebinding", target, target.id)
            self.known[target.id] = value
        else:
            self.visit(target)
            self.write(target, target.value if isinstance(target, ast.Subscript) else target)

    def write(self, target: ast.expr, variable: ast.expr) -> None:
        owner = _class_of(self.know(variable.value).hint) if isinstance(variable, ast.Attribute) else object
        if not isinstance(variable, ast.Attribute) or not issubclass(owner, State):
            self.report("foreign-write", target, ast.unparse(target))
            return
        declared = self.linter.hints(owner)
        if variable.attr not in declared:
            self.report("unknown-variable", target, variable.attr)
        elif variable is target and _class_of(declared[variable.attr]) is Map:
            self.report("whole-map", target)
        self.act(target, _Acts(effects=True))

    def operate(self, node: ast.AST, operator: ast.operator, *operands: ast.expr) -> None:
        hints = [self.know(operand).hint for operand in operands]
        if isinstance(operator, (ast.BitAnd, ast.BitOr)):
            if any(map(_is_number, hints)):
                self.report("operator", node)
        elif bool in hints:
            self.report("boolean-arithmetic", node)

    def take_whole(self, node: ast.AST, values: Iterable[ast.expr]) -> None:
        """Python is about to treat `values` as single objects, which maps and records are not."""
        kinds = [_class_of(self.know(value).hint) for value in values]
        if any(kind in (Map, Function) for kind in kinds):
            self.report("whole-map", node)
        elif any(issubclass(kind, tuple) for kind in kinds):
            self.report("whole-record", node)

    def visit_Name(self, node: ast.Name) -> None:
        self.use(node, called=False)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.use(node, called=False)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        for part in (*node.args, *node.keywords):
            self.visit(part)
        if not isinstance(node.func, ast.Name):
            self.visit(node.func.value if isinstance(node.func, ast.Attribute) else node.func)
        self.use(node.func, called=True)
        function = self.know(node.func).it
        if any(function is word for word in (words.ite, words.least, words.same)):
            self.take_whole(node, node.args[-2:])
        is_enumeration = isinstance(function, type) and issubclass(function, IntEnum)
        if is_enumeration and any(not isinstance(arg, ast.Constant) for arg in node.args):  # it searches its members
            self.report("builtin", node, function.__name__, "the value itself")
        counted = [arg.body for arg in node.args if isinstance(arg, ast.Lambda)]
        if function is words.total and any(self.know(amount).hint is bool for amount in counted):
            self.report("boolean-arithmetic", node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_FunctionDef(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.Lambda) -> None:
        """A fact inside of a rule, with a name of its own or without: read where it stands."""
        for default in filter(None, (*node.args.defaults, *node.args.kw_defaults)):
            self.visit(default)
        if isinstance(node, ast.FunctionDef):
            self.known[node.name] = _UNKNOWN
        outer = self.known, self.parameters, self.returns
        self.known, self.returns = dict(self.known), True
        sorts = {arg.arg: self.know(arg.annotation).it for arg in _parameters(node) if arg.annotation is not None}
        self.enter(node, {name: sort for name, sort in sorts.items() if sort is not _ABSENT})
        self.known, self.parameters, self.returns = outer

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, (float, complex)):
            self.report("float", node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):  # -1 is a constant
            self.visit(node.op)
        self.visit(node.operand)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.operate(node, node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        operands, is_order = (node.left, *node.comparators), isinstance(node.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
        if len(node.ops) > 1:
            self.report("chained-comparison", node)
        elif is_order or isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            self.take_whole(node, operands)
            if is_order and any(self.know(operand).hint is bool for operand in operands):
                self.report("boolean-arithmetic", node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.assign(target, self.know(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.operate(node, node.op, node.target, node.value)
        self.visit(node.op)
        self.visit(node.value)
        self.assign(node.target, _UNKNOWN)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.assign(node.target, self.know(node.value))

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            if not self.returns:
                self.report("action-returns", node)
            self.visit(node.value)
