"""A stock of items, for tests of the prover: maps, pairs and sums over sorts of any size, and no protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from coordination.machine import Machine, Map, Property, State, Unbounded, action
from coordination.machine.action import Action
from coordination.prove.deciding.conditions import Conditions
from coordination.prove.deciding.induction import Prover
from coordination.prove.deciding.solvers import Z3

Item = NewType("Item", int)
Few = NewType("Few", Item)
Number = NewType("Number", int)
Positive = NewType("Positive", int)


class Stock(State):
    amount: Map[Item, Number]
    tally: Map[Item, Number]
    likes: Map[tuple[Item, Item], bool]
    marked: Map[Item, bool]
    step: Number


@dataclass(frozen=True)
class Nothing:
    """No constants."""


STOCK = Unbounded(
    about="any items",
    domains={Item: range(1000), Few: range(10), Number: range(1 << 256), Positive: range(1, 1 << 256)},
    constants=Nothing,
    given={},
    assumptions=(),
    varied=("amount", "tally", "likes", "marked"),
    initial=lambda s, w: True,
    lemmas=(),
    premises=(),
    scratch="",
)


@action
def mark(s: Stock, w: Nothing, item: Item) -> None:
    """Something is marked."""
    s.marked[item] = True


def machine(*actions: Action, scope: Unbounded = STOCK, state: type[State] = Stock) -> Machine:
    return Machine("stock", state, actions, (), {}, unbounded=scope)


def is_proved(machine: Machine, prop: Property) -> bool:
    return Prover(Z3(), seconds=1.0).prove(Conditions(machine, [prop]), lambda *_: None, lambda _: None).holds(prop)
