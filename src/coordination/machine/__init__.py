"""The language that specifications are written in. A specification, or a property file, imports from here only."""

from coordination.machine.action import Action, action, attempt
from coordination.machine.language import (
    all_of,
    any_of,
    emit,
    exists,
    forall,
    implies,
    ite,
    least,
    negate,
    require,
    same,
    total,
    when,
)
from coordination.machine.machine import Instance, Machine, Pin, Premise, Unbounded
from coordination.machine.property import Expected, Property, invariant, situation, step_property
from coordination.machine.state import Function, Map, SpecificationError, State

__all__ = [
    "Action",
    "Expected",
    "Function",
    "Instance",
    "Machine",
    "Map",
    "Pin",
    "Premise",
    "Property",
    "SpecificationError",
    "State",
    "Unbounded",
    "action",
    "all_of",
    "any_of",
    "attempt",
    "emit",
    "exists",
    "forall",
    "implies",
    "invariant",
    "ite",
    "least",
    "negate",
    "require",
    "same",
    "situation",
    "step_property",
    "total",
    "when",
]
