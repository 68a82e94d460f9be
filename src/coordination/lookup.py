"""Finding what a user names: machines, instances, properties, expressions, traces.

Everything here raises SpecificationError with one line that says what is wrong and what would be right.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from coordination import machine as words
from coordination.json_text import parse_json
from coordination.machine import Instance, Machine, Property, SpecificationError
from coordination.machine.lint import lint, lint_expression
from coordination.machine.property import Kind
from coordination.machine.state import Key, Variable, sort_name, variables
from coordination.machine.terms import Value
from coordination.machine.trace import Trace
from coordination.machine.unrolled import Unrolled
from coordination.named import import_named, one_line, there_are
from coordination.report.itf import from_itf

SHIPPED = "coordination_spec:DESIGNS"
USUAL_INSTANCE = "ci"

Designs = Mapping[str, Machine]


def find_designs(reference: str = SHIPPED) -> Designs:
    """The machine at `module:name`, or the mapping of designs to machines; the working directory is importable."""
    module, name = import_named(reference, "machine", SHIPPED)
    found = getattr(module, name, None)
    if isinstance(found, Machine):
        return {found.design: found}
    if isinstance(found, Mapping) and found and all(isinstance(each, Machine) for each in found.values()):
        return found
    machines = [key for key, value in vars(module).items() if isinstance(value, Machine)]
    raise SpecificationError(
        f"{module.__name__}.{name} is no Machine and no mapping of designs to machines" + there_are(machines)
    )


def choose_designs(designs: Designs, design: str | None) -> Designs:
    if design is None:
        return designs
    if design not in designs:
        raise SpecificationError(f"no design {design!r}" + there_are(designs, design))
    return {design: designs[design]}


def choose_instance(machine: Machine, name: str | None) -> Instance:
    """The named instance; or the usual one, or else the first that the machine lists."""
    if name is not None and name not in machine.instances:
        raise SpecificationError(f"{machine.name} has no instance {name!r}" + there_are(machine.instances, name))
    if not machine.instances:
        raise SpecificationError(f"{machine.name} has no instance; give it one in `instances`")
    usual = USUAL_INSTANCE if USUAL_INSTANCE in machine.instances else next(iter(machine.instances))
    return machine.instances[name or usual]


def choose_properties(machine: Machine, own: Sequence[Property], names: Sequence[str]) -> list[Property]:
    """The machine's properties and `own`, or those of them that are named."""
    known: dict[str, Property] = {}
    for prop in (*machine.properties, *own):
        if prop.name in known:
            raise SpecificationError(f"a property {prop.name} exists already; give yours another name")
        known[prop.name] = prop
    for name in names:
        if name not in known:
            raise SpecificationError(f"no property {name!r}" + there_are(known, name))
    return [prop for prop in known.values() if not names or prop.name in names]


def load_properties(path: Path) -> list[Property]:
    """The properties and situations that a Python file declares, in its order."""
    module = _run_file(path)
    found = [value for value in vars(module).values() if isinstance(value, Property) and _is_of(value, module)]
    if not found:
        raise SpecificationError(
            f"{path} declares nothing to judge; decorate a function with @invariant, @step_property or @situation"
        )
    return found


def _is_of(prop: Property, module: ModuleType) -> bool:
    return getattr(prop.holds, "__module__", None) == module.__name__


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SpecificationError(f"there is no file {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"_properties_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SpecificationError(f"{path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # annotations and sources are looked up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise SpecificationError(f"{path} cannot be read: {one_line(error, path)}") from error
    return module


def read_expression(machine: Machine, instance: Instance, text: str) -> Property:
    """A situation given as one Python expression over the state `s` and the constants `w`.

    The words of the language, the machine's sorts and the names of the instance's values may be used in it.
    """
    names = expression_names(machine, instance)
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise SpecificationError(f"{text!r} is no expression: {one_line(error)}") from error
    findings = lint_expression(text, names, s=machine.state, w=instance.constants)
    if findings:
        raise SpecificationError(str(findings[0]))
    holds = eval(compile(f"lambda s, w: ({text.strip()}\n)", "<expression>", "eval"), names)
    return Property(text.strip(), Kind.SITUATION, holds, "")


def expression_names(machine: Machine, instance: Instance) -> dict[str, Any]:
    """What an expression can name besides `s` and `w`."""
    sorts = [sort for variable in variables(machine.state) for sort in (*variable.index, variable.sort)]
    sorts += [kind for action in machine.actions for parameter in action.parameters for kind in (parameter.kind,)]
    values = {name: value for named in instance.names.values() for value, name in named.items() if name.isidentifier()}
    return {
        **{name: getattr(words, name) for name in words.__all__},
        **{sort_name(sort): sort for sort in sorts},
        **values,
    }


def check_readable(machine: Machine, instance: Instance, properties: Sequence[Property]) -> None:
    """Lint what will be judged, then read each property once, so that a mistake in one is told before the search."""
    check_linted(machine, properties)
    step = next(iter(Unrolled(machine, instance).steps({})), None)
    strict = _Strict(machine, instance)
    for prop in properties:
        try:
            if step is not None or prop.kind is not Kind.STEP:
                strict.holds(prop, {}, step if prop.kind is Kind.STEP else None)
        except Exception as error:
            raise SpecificationError(f"{prop.name} cannot be read: {one_line(error)}") from error


def check_linted(machine: Machine, properties: Sequence[Property]) -> None:
    """Lint what will be judged, and the lemmas that it is judged with."""
    lemmas = machine.unbounded.lemmas if machine.unbounded else ()
    findings = lint(machine, *lemmas, *(prop for prop in properties if prop.holds.__name__ != "<lambda>"))
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise SpecificationError(f"{findings[0]}{more}")


class _Strict(Unrolled):
    """Refuses a key that names no entry: what is never there would make a property true of nothing."""

    def entry(self, variable: Variable, key: Key) -> Value:
        if (variable.name, key) not in self.fields:
            sorts = ", ".join(
                f"{sort_name(sort)} is one of {_few(self.instance.domain(sort))}" for sort in variable.index
            )
            raise SpecificationError(f"{variable.name} has no entry {list(key)}; {sorts}")
        return super().entry(variable, key)


def _few(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:6]))
    return shown + (f", ... {values[-1]}" if len(values) > 6 else "")


def load_trace(path: Path, designs: Designs) -> tuple[Trace, Machine]:
    """A saved trace, and the machine that it is a run of."""
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecificationError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise SpecificationError(f"{path} is no trace: {error}") from error

    def find(name: str, design: str) -> Machine:
        for machine in designs.values():
            if (machine.name, machine.design) == (name, design):
                return machine
        raise SpecificationError(
            f"the trace is of {name!r} {design}, which is not among the machines at hand; name it with --machine"
        )

    trace = from_itf(data, find)
    return trace, find(trace.machine, trace.design)
