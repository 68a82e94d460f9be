"""What the linter rejects, why, and what to write instead: all of it in one table, `RULES`.

Syntax that no rule rejects must be on the list of what is readable, so that new syntax is rejected until somebody
decides how to read it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Why a thing cannot be read, what to write instead, and the syntax that shows it (none: it takes more to see)."""

    reason: str
    instead: str
    syntax: tuple[type[ast.AST], ...] = ()


_OVER_A_SORT = "forall, exists or total over a sort"
_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NO_TERM = (ast.Div, ast.Pow, ast.LShift, ast.RShift, ast.BitXor, ast.MatMult)

RULES: Mapping[str, Rule] = {
    "if-statement": Rule("`if` picks one branch for all states", "ite(condition, then, other), or a guard", (ast.If,)),
    "conditional-expression": Rule("`a if c else b` picks one side for all states", "ite(c, a, b)", (ast.IfExp,)),
    "match-statement": Rule("`match` picks one case for all states", "ite(condition, then, other)", (ast.Match,)),
    "and-or": Rule("`and` and `or` pick one side for all states", "all_of(...) or any_of(...)", (ast.BoolOp,)),
    "not": Rule("`not` decides on a state value", "negate(...)", (ast.Not,)),
    "invert": Rule("`~True` is -2 on plain integers, which counts as true", "negate(...)", (ast.Invert,)),
    "chained-comparison": Rule("`a <= b < c` has a hidden `and`", "all_of(a <= b, b < c)"),
    "membership": Rule("`in` decides on a state value", "any_of(x == a, x == b), or exists", (ast.In, ast.NotIn)),
    "identity": Rule("`is` asks which object, not which value", "== or !=", (ast.Is, ast.IsNot)),
    "while-loop": Rule("how often a loop runs depends on the state", _OVER_A_SORT, (ast.While,)),
    "for-loop": Rule("a loop has no term", _OVER_A_SORT, (ast.For, ast.AsyncFor)),
    "comprehension": Rule("a comprehension is a loop, and a loop has no term", _OVER_A_SORT, _LOOPS),
    "builtin": Rule("`{what}` works on plain values only", "a word of coordination.machine"),
    "operator": Rule("this operator has no term, or another meaning there", "+ - * // %, or all_of, any_of", _NO_TERM),
    "unary-sign": Rule("terms have no unary sign", "0 - x", (ast.USub, ast.UAdd)),
    "boolean-arithmetic": Rule("truth values are counted or ordered like numbers", "ite(fact, 1, 0), or implies,"),
    "float": Rule("a float is rounded, and no term or contract has one", "an integer in a smaller unit"),
    "whole-map": Rule("entries are compared and written, never a map", "forall, m[key] = value, or m.reset(...)"),
    "whole-record": Rule("Python compares or picks a record as one object", "all_of or ite over its fields"),
    "assert": Rule("`assert` is no step of a machine", "require(rule, condition, error)", (ast.Assert,)),
    "raise": Rule("`raise` is no step of a machine", "require(rule, condition, error)", (ast.Raise,)),
    "try": Rule("a guard that fails ends the step, and nothing catches it", "require", (ast.Try, ast.TryStar)),
    "with": Rule("entering and leaving a block has no term", "its statements alone", (ast.With, ast.AsyncWith)),
    "global-name": Rule("only the state changes", "a variable of the state", (ast.Global, ast.Nonlocal)),
    "nested-definition": Rule("a rule defines no class or coroutine", "a def", (ast.AsyncFunctionDef, ast.ClassDef)),
    "coroutine": Rule("a rule is one step and never pauses", "return", (ast.Await, ast.Yield, ast.YieldFrom)),
    "walrus": Rule("an assignment hides in an expression", "`name = value` on a line before", (ast.NamedExpr,)),
    "delete": Rule("nothing of a state can be removed", "m.reset(where=...), or zero,", (ast.Delete,)),
    "rebinding": Rule("`{what}` is a parameter: one value throughout", "a new local name"),
    "foreign-write": Rule("`{what}` is no variable of the state, and only those change", "s.name = or s.name[key] ="),
    "unknown-variable": Rule("the state does not declare `{what}`: the write would be lost", "a declared variable"),
    "property-effect": Rule("a property only asks: no guard, event or effect", "an expression"),
    "guard-after-effect": Rule("a rejected call changes nothing, but here it has", "guards first, then effects,"),
    "action-returns": Rule("nobody takes what an action returns", "emit(...), or an effect,"),
    "unknown-call": Rule(
        "`{what}` is no word of coordination.machine, and no function that can be found in this specification",
        "a function beside the rules, with annotated parameters,",
    ),
    "not-in-the-language": Rule("`{what}` is no Python that a rule is written in", "functions over numbers and maps"),
}

RULE_OF = {syntax: name for name, rule in RULES.items() for syntax in rule.syntax}
NOT_ENTERED = {"match-statement", "nested-definition", "not-in-the-language"}
READABLE = {
    *(ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Pass, ast.FunctionDef),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.Starred, ast.Constant, ast.Load, ast.Store),
    *(ast.Call, ast.keyword, ast.Lambda, ast.Compare, ast.BinOp, ast.UnaryOp),
    *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    # Only found inside of what is rejected anyway:
    *(ast.And, ast.Or, ast.Break, ast.Continue, ast.comprehension, ast.ExceptHandler, ast.withitem, ast.Del),
}
INSTEAD_OF_BUILTIN = {
    "abs": "ite(a <= b, b - a, a - b)",
    "all": "forall(sort, fact) or all_of(...)",
    "any": "exists(sort, fact) or any_of(...)",
    "bool": "the value itself, or x != 0,",
    "int": "the value itself, or ite(fact, 1, 0),",
    "len": "total(sort, lambda x: ite(fact, 1, 0))",
    "max": "ite(a <= b, b, a)",
    "min": "least(a, b)",
    "range": _OVER_A_SORT,
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
