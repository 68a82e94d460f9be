"""A panel of lamps: the machine that golden files add one bad rule to. It uses what rules may use, and is clean."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, NewType, Protocol

from coordination.machine import (
    Action,
    Function,
    Instance,
    Machine,
    Map,
    Property,
    State,
    action,
    all_of,
    any_of,
    attempt,
    emit,
    exists,
    forall,
    implies,
    invariant,
    ite,
    least,
    negate,
    require,
    same,
    situation,
    step_property,
    total,
    when,
)

Lamp = NewType("Lamp", int)
Watt = NewType("Watt", int)

NOTHING = Watt(0)


class Mode(IntEnum):
    OFF = 0
    ON = 1


class Order(NamedTuple):
    lamp: Lamp
    watt: Watt

    def is_small(self, w: Wiring) -> bool:
        return self.watt < w.limit


class Panel(State):
    mode: Mode
    locked: bool
    used: Watt
    lit: Map[Lamp, bool]
    power: Map[Lamp, Watt]
    wanted: Map[Order, bool]


class Meter(Protocol):
    """Chosen by the instance: no rule's source says which one it gets."""

    def reading_of(self, s: Panel, w: Wiring) -> Watt: ...


class Exact:
    def reading_of(self, s: Panel, w: Wiring) -> Watt:
        return s.used


@dataclass(frozen=True)
class Wiring:
    limit: Watt
    fuse: Function[Lamp, Watt]
    meter: Meter

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError("a panel without power")

    @property
    def doubled(self) -> Watt:
        return Watt(2 * self.limit)

    @staticmethod
    def half(power: Watt) -> Watt:
        return Watt(power // 2)

    def allows(self, lamp: Lamp, power: Watt) -> bool:
        return all_of(power <= self.limit, power <= self.fuse[lamp])


@action
def turn_on(s: Panel, w: Wiring, order: Order) -> None:
    """Guards come first, also those of a helper; effects come last, also those of a helper."""
    when(s.mode == Mode.ON)
    check_unlocked(s)
    power, spare = least(order.watt, w.limit), w.doubled - s.used
    require("P1", w.allows(order.lamp, Watt(power)), "TooMuch")
    require("P2", (order.watt > -1) & order.is_small(w) | s.lit[order.lamp], "TooMuch")
    require("P3", any_of(spare > 0, w.half(order.watt) == 0), "TooMuch")
    write_down(s, order)
    s.used += ite(s.lit[order.lamp], 0, order.watt)
    emit("TurnedOn", lamp=order.lamp)


@action
def clear(s: Panel, w: Wiring) -> None:
    clear_unlocked(s)
    s.used = NOTHING


def clear_unlocked(s: Panel) -> None:
    check_unlocked(s)
    s.lit.reset()


def check_unlocked(s: Panel) -> None:
    require("P0", negate(s.locked), "Locked")


def write_down(s: Panel, order: Order) -> None:
    s.lit[order.lamp] = True
    s.power[order.lamp] = order.watt
    s.wanted.reset(where=lambda lamp, watt: lamp == order.lamp)


@invariant()
def meter_is_right(s: Panel, w: Wiring) -> bool:
    """A named fact inside of a rule, functions that are handed on, and a method that the instance chooses."""
    limit: Watt = w.limit

    def is_within(lamp: Lamp) -> bool:
        return s.power[lamp] <= limit

    lights = total(Lamp, lambda lamp: ite(s.lit[lamp], 1, 0))
    return all_of(every_lamp(is_within), lights >= 0, w.meter.reading_of(s, w) == s.used, exists(bool, is_locked(s)))


def every_lamp(fact: Callable[[Lamp], bool]) -> bool:
    return forall(Lamp, fact)


def is_locked(s: Panel) -> Callable[[bool], bool]:
    return lambda locked: same(s.locked, locked)


@step_property()
def locked_is_dark(before: Panel, after: Panel, w: Wiring) -> bool:
    """A call that a property imagines is read too."""
    accepted, then = attempt(turn_on, before, w, Order(Lamp(0), NOTHING))
    return implies(all_of(before.locked, accepted), then.used == after.used)


@situation
def dark(s: Panel, w: Wiring) -> bool:
    return forall(Lamp, lambda lamp: negate(s.lit[lamp]))


def luck() -> Watt:
    """No rule names this function: it is ordinary Python."""
    return Watt(max(1, round(random.random() * 10)))


def panel(*actions: Action, meter: Meter | None = None, properties: tuple[Property, ...] = ()) -> Machine:
    wiring = Wiring(luck(), Function({Lamp(0): Watt(3) if TYPE_CHECKING else 3}), meter or Exact())
    small = Instance(
        "small", "one lamp", wiring, {Lamp: range(1), Watt: range(4)}, considered={"turn_on": lambda o: not o}
    )
    return Machine(
        "panel", Panel, (turn_on, clear, *actions), (meter_is_right, locked_is_dark, *properties), {"small": small}
    )
