"""A small machine with everything that a report shows: names, balances, a record, rejections, events, a careless rule.

A buyer pays into the house for an item, which anyone may release to its seller once the seller was told. The tip that
`release` can add comes from nowhere: CONSERVED is there to be violated, as are NEVER_REOPENED and TOLD_FIRST.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, NewType

from coordination.machine import (
    Instance,
    Machine,
    Map,
    State,
    action,
    all_of,
    emit,
    forall,
    implies,
    invariant,
    ite,
    negate,
    require,
    situation,
    step_property,
    total,
    when,
)
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Trace

Account = NewType("Account", int)
Item = NewType("Item", int)
Amount = NewType("Amount", int)
Day = NewType("Day", int)

ALICE, BOB, MALLORY = Account(0), Account(1), Account(2)


class Stage(IntEnum):
    FREE = 0
    HELD = 1
    SOLD = 2


class Order(NamedTuple):
    buyer: Account
    seller: Account
    price: Amount


class Escrow(State):
    today: Day
    balance: Map[Account, Amount]
    house: Amount
    stage: Map[Item, Stage]
    seller: Map[Item, Account]
    price: Map[Item, Amount]
    told: Map[tuple[Account, Item], bool]
    open_: bool


@dataclass(frozen=True)
class Terms:
    supply: int


@action
def tick(s: Escrow, w: Terms) -> None:
    """A day passes; the house opens on the first."""
    when(s.today < 2)
    s.today = Day(s.today + 1)
    s.open_ = True


@action
def pay(s: Escrow, w: Terms, caller: Account, item: Item, order: Order) -> None:
    """A buyer pays for an item."""
    require("E1", s.open_, "Closed")
    require("E2", caller == order.buyer, "NotTheBuyer")
    require("E3", s.balance[caller] >= order.price, "TooExpensive")
    s.balance[caller] = Amount(s.balance[caller] - order.price)
    s.house = Amount(s.house + order.price)
    s.stage[item] = Stage.HELD
    s.seller[item] = order.seller
    s.price[item] = order.price
    emit("Paid", item=item, buyer=caller, price=order.price, code=7)


@action
def tell(s: Escrow, w: Terms, item: Item) -> None:
    """The seller learns of the payment."""
    when(s.stage[item] == Stage.HELD)
    s.told[s.seller[item], item] = True


@action
def release(s: Escrow, w: Terms, item: Item, tip: bool) -> None:
    """The price goes to the seller."""
    require("E4", s.stage[item] == Stage.HELD, "NotHeld")
    seller, gift = s.seller[item], ite(tip, Amount(1), Amount(0))
    s.house = Amount(s.house - s.price[item])
    s.balance[seller] = Amount(s.balance[seller] + s.price[item] + gift)
    s.stage[item] = Stage.SOLD
    emit("Released", item=item)


@invariant(source="folklore", rules=("E3",))
def conserved(s: Escrow, w: Terms) -> bool:
    """No money appears or vanishes, and the house holds the prices of what it holds."""
    owned = total(Account, lambda account: s.balance[account])
    owed = total(Item, lambda item: ite(s.stage[item] == Stage.HELD, s.price[item], Amount(0)))
    return all_of(owned + s.house == w.supply, s.house == owed)


@invariant()
def told_first(s: Escrow, w: Terms) -> bool:
    """Nothing is sold before its seller was told."""
    return forall(Item, lambda item: implies(s.stage[item] == Stage.SOLD, s.told[s.seller[item], item]))


@step_property(rules=("E4",))
def never_reopened(before: Escrow, after: Escrow, w: Terms) -> bool:
    """What is sold stays sold."""
    return forall(Item, lambda item: implies(before.stage[item] == Stage.SOLD, after.stage[item] == before.stage[item]))


@step_property()
def time_is_all_that_passes(before: Escrow, after: Escrow, w: Terms) -> bool:
    """The date never goes back."""
    return after.today >= before.today


@situation
def mallory_is_rich(s: Escrow, w: Terms) -> bool:
    """Mallory owns more than she ever had, and it is not the first day."""
    return all_of(s.balance[MALLORY] > 3, negate(s.today == 0))


SMALL = Instance(
    name="small",
    about="three accounts, two items",
    constants=Terms(supply=8),
    domains={
        Account: (ALICE, BOB, MALLORY),
        Item: range(2),
        Amount: (*range(10), 2_500),
        Day: range(3),
    },
    initial={"balance": {ALICE: 5, MALLORY: 3}},
    considered={"pay": lambda caller, item, order: order.price in (2, 2_500)},
    names={Account: {ALICE: "alice", BOB: "bob", MALLORY: "mallory"}},
)

ESCROW = Machine(
    name="escrow",
    state=Escrow,
    actions=(tick, pay, tell, release),
    properties=(conserved, told_first, never_reopened, time_is_all_that_passes),
    instances={"small": SMALL},
    design="1.0",
    clock="today",
)


def walk(machine: Machine, instance: Instance, seed: int, length: int) -> tuple[Step, ...]:
    """Some run of at most `length` steps, mostly accepted ones, each action as likely as any other."""
    chance, oracle, steps = random.Random(seed), Oracle(machine, instance), []
    state = oracle.initial()
    for _ in range(length):
        possible = list(oracle.steps(state))
        if not possible:
            break
        if chance.random() < 0.8:
            possible = [step for step in possible if step.error is None] or possible
        name = chance.choice(sorted({step.action for step in possible}))
        steps.append(chance.choice([step for step in possible if step.action == name]))
        state = steps[-1].state
    return tuple(steps)


def run(machine: Machine, instance: Instance, prop: str, *calls: tuple[str, tuple[int, ...]]) -> Trace:
    """The trace of these calls, which all exist."""
    oracle, actions = Oracle(machine, instance), {action.name: action for action in machine.actions}
    state, steps = oracle.initial(), []
    for name, arguments in calls:
        step = oracle.run(state, actions[name], arguments)
        assert step is not None, f"{name}{arguments} does not exist here"
        steps.append(step)
        state = step.state
    return Trace(machine.name, machine.design, instance.name, prop, oracle.initial(), tuple(steps))
