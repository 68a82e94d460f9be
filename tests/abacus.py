"""A machine that means nothing and uses every word of the language: small enough for all readings, awkward everywhere.

Its numbers are negative, far apart or wider than half a word; its indices are computed; its clock is a variable like
others until a kernel fixes it. `program(...)` makes more machines over the same state from the text of their rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NewType

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

Hour = NewType("Hour", int)
Debt = NewType("Debt", int)
Coin = NewType("Coin", int)
Rod = NewType("Rod", int)
Digit = NewType("Digit", int)
Distance = NewType("Distance", int)

FAR = 2**40 - 1


class Abacus(State):
    hour: Hour
    debt: Debt
    coin: Coin
    bead: Map[Rod, Digit]
    held: Map[Rod, bool]
    lit: bool
    far: Map[Rod, Distance]


@dataclass(frozen=True)
class Shop:
    change: Function[Digit, Coin]


@action
def tick(s: Abacus, w: Shop) -> None:
    """An hour passes."""
    when(s.hour < 2)
    s.hour = Hour(s.hour + 1)
    s.bead.reset(where=lambda rod: any_of(s.bead[rod] > 2, s.hour % 2 == rod))
    s.lit = negate(s.lit)


@action
def slide(s: Abacus, w: Shop, rod: Rod) -> None:
    """A bead goes up, unless it is held; the other rod is held if the lamp is lit."""
    require("A1", s.bead[rod] <= 2, "Full")
    require("A2", negate(s.held[rod]), "Held")
    s.bead[rod] = Digit(s.bead[rod] + 1)
    s.held[Rod(1 - rod)] = s.lit
    emit("Slid", rod=rod, bead=s.bead[rod])


@action
def hold(s: Abacus, w: Shop, rod: Rod, lit: bool) -> None:
    """A rod is held or let go, by day or by lamp."""
    when(any_of(s.lit, s.hour == 1))
    when(same(s.lit, lit))
    require("A3", s.coin < 5, "Rich")
    require("A4", any_of(negate(s.debt < s.bead[rod]), s.bead[rod] >= 3), "Broke")
    s.held[rod] = ite(s.lit, negate(s.held[rod]), s.coin == 0)


@action
def borrow(s: Abacus, w: Shop) -> None:
    """Less in hand, and a coin for what the first rod shows."""
    require("B1", s.debt > 0 - 2, "Broke")
    s.debt = Debt(s.debt - 1)
    s.coin = w.change[s.bead[Rod(0)]]


@action
def settle(s: Abacus, w: Shop) -> None:
    """Sums, products, quotients and rests of what may be negative; and an index that is computed."""
    when(s.bead[Rod(0)] + s.bead[Rod(1)] >= s.debt - 1)
    require("S1", s.bead[Rod(0)] * s.debt != 1 + s.bead[Rod(1)] // 2, "Odd")
    rod = Rod((s.debt + 3) % 2)
    s.debt = Debt((s.debt * 3 + s.bead[Rod(1)]) // (2 + s.bead[Rod(0)]) % 5 - 2)
    s.bead[rod] = Digit(least(s.bead[rod] + 1, (s.bead[Rod(0)] - s.debt) % 4))


@action
def swap(s: Abacus, w: Shop) -> None:
    """The rods change places; lit if both or neither is held."""
    s.bead[Rod(0)], s.bead[Rod(1)] = s.bead[Rod(1)], s.bead[Rod(0)]
    s.lit = ite(s.coin == 20, same(s.held[Rod(0)], s.held[Rod(1)]), s.held[Rod(s.debt)])


@action
def travel(s: Abacus, w: Shop, rod: Rod) -> None:
    """Far out by lamp, else most of the way home."""
    when(all_of(s.bead[rod] == 2, s.hour >= 1))
    s.far[rod] = Distance(ite(s.lit, FAR, s.far[rod] // 2**39))


@action
def mirror(s: Abacus, w: Shop, rod: Rod) -> None:
    """What depends on one place alone, and changes no other."""
    when(any_of(s.far[rod] // 2 == 0, s.far[rod] % 3 == 0))
    s.far[rod] = Distance(FAR - s.far[rod])


@action
def come_home(s: Abacus, w: Shop, rod: Rod) -> None:
    """The same, otherwise."""
    when(any_of(s.far[rod] // 3 > 9, s.far[rod] % 2 == 1))
    s.far[rod] = Distance(s.far[rod] // 2**39)


@action
def overspend(s: Abacus, w: Shop) -> None:
    """What no run comes to: the coin of 1 is nowhere to be had. The debt may leave its domain."""
    when(all_of(s.coin == 1, negate(s.lit)))
    s.debt = Debt(s.debt + s.bead[Rod(0)])


@action
def grope(s: Abacus, w: Shop) -> None:
    """Nor this: the rod that is held may be one that there is not."""
    when(all_of(s.coin == 1, s.lit))
    s.held[Rod(s.debt)] = True


@invariant()
def beads_are_few(s: Abacus, w: Shop) -> bool:
    """Broken by full rods."""
    return total(Rod, lambda rod: s.bead[rod] + ite(s.held[rod], 1, 0)) - s.debt <= 6


@invariant()
def can_slide(s: Abacus, w: Shop) -> bool:
    """Whoever may slide a bead finds it there, except at the third hour."""

    def is_moved(rod: Rod) -> bool:
        accepted, after = attempt(slide, s, w, rod)
        return implies(accepted, all_of(after.bead[rod] > s.bead[rod], any_of(s.hour != 2, after.held[Rod(1 - rod)])))

    return forall(Rod, is_moved)


@situation
def far_and_rich(s: Abacus, w: Shop) -> bool:
    """Something to look for."""
    return all_of(exists((Rod, Digit), lambda rod, digit: all_of(s.far[rod] > digit, s.bead[rod] == digit)), s.coin > 0)


@step_property()
def debt_falls_slowly(before: Abacus, after: Abacus, w: Shop) -> bool:
    """Broken by settling."""
    return any_of(after.debt >= before.debt - 1, after.far[Rod(1)] == before.far[Rod(0)])


@step_property()
def an_hour_takes_the_light(before: Abacus, after: Abacus, w: Shop) -> bool:
    """Broken by lighting at the turn of the hour."""
    return implies(after.hour == before.hour + 1, negate(after.lit))


INSTANCE = Instance(
    name="shop",
    about="two rods",
    constants=Shop(Function({0: 5, 1: 0, 2: 20}, other=5)),
    domains={
        Hour: range(3),
        Debt: range(-2, 3),
        Coin: (0, 1, 5, 20),
        Rod: range(2),
        Digit: range(4),
        Distance: range(FAR + 1),
    },
    initial={"debt": 1, "bead": {0: 1}},
)


def machine(actions: Sequence[Action], properties: Sequence[Property]) -> Machine:
    return Machine("abacus", Abacus, tuple(actions), tuple(properties), {INSTANCE.name: INSTANCE}, clock="hour")


ABACUS = machine(
    (tick, slide, hold, borrow, settle, swap, travel, mirror, come_home, overspend, grope),
    (beads_are_few, can_slide, far_and_rich, debt_falls_slowly, an_hour_takes_the_light),
)


def program(text: str) -> Machine:
    """The machine whose rules are `text`, in the order in which it states them."""
    rules: dict[str, Any] = dict(globals())
    known = set(rules)
    exec(compile(text, "<program>", "exec"), rules)
    made = [rules[name] for name in rules if name not in known]
    return machine(
        [rule for rule in made if isinstance(rule, Action)], [rule for rule in made if isinstance(rule, Property)]
    )
