"""Spin, on the exported model, finds what the oracle finds; and where it cannot answer, it says so."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import NewType

import pytest

from coordination.explore import spin
from coordination.explore.promela import to_promela
from coordination.explore.spin import Recount, SpinError, recount, recount_model
from coordination.machine import (
    Instance,
    Machine,
    Map,
    Property,
    SpecificationError,
    State,
    action,
    all_of,
    any_of,
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
from coordination.machine.oracle import Oracle
from coordination.machine.property import Kind
from coordination.machine.terms import NotReadable
from tests.two_phase_commit import (
    PINS,
    TWO_PHASE_COMMIT,
    consistent,
    everybody_committed,
    managers,
    nobody_aborts_alone,
)


@pytest.fixture(autouse=True)
def _spin_is_installed() -> None:
    """Without Spin these tests are skipped; in CI they fail, lest nobody notices."""
    if os.environ.get("CI") != "true" and (shutil.which("spin") is None or shutil.which("gcc") is None):
        pytest.skip("Spin is not installed: the second count needs Debian's packages spin and gcc")


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile without optimising, which takes longer than these searches do and changes no count."""
    monkeypatch.setattr(spin, "GCC_FLAGS", ("-O0", *(flag for flag in spin.GCC_FLAGS if flag != "-O3")))


@pytest.mark.parametrize("n", [3, 5, 6])
def test_two_phase_commit_has_the_states_and_transitions_that_tlc_counts(n: int) -> None:
    properties = (consistent, nobody_aborts_alone, everybody_committed)

    found = recount(TWO_PHASE_COMMIT, managers(n), properties)

    assert (found.states, found.transitions) == (PINS[n].states, PINS[n].transitions)
    assert found.verdicts == {consistent.name: False, nobody_aborts_alone.name: True, everybody_committed.name: True}
    assert found.seconds > 0
    assert found.rate == found.states / found.seconds


@pytest.mark.usefixtures("quickly")
def test_judging_properties_changes_no_count() -> None:
    judged = recount(TWO_PHASE_COMMIT, managers(3), (consistent, nobody_aborts_alone))
    plain = recount(TWO_PHASE_COMMIT, managers(3))

    assert (plain.states, plain.transitions) == (judged.states, judged.transitions)
    assert plain.verdicts == {}


@pytest.mark.usefixtures("quickly")
def test_a_model_that_lost_a_step_is_noticed() -> None:
    model = to_promela(TWO_PHASE_COMMIT, managers(3))
    without, dropped = re.subn(r"/\* prepare\(rm = 1\) \*/\n:: d_step \{.*?\n   \}\n", "", model, flags=re.DOTALL)
    assert dropped == 1

    assert recount_model(model).states == 288
    assert recount_model(without).states != 288


# A machine with what two-phase commit lacks: a clock, negative numbers, arithmetic, simultaneous and indexed effects.

Tick = NewType("Tick", int)
Number = NewType("Number", int)
Cell = NewType("Cell", int)


class Colour(IntEnum):
    RED = 0
    GREEN = 1


class Toy(State):
    now: Tick
    left: Number
    right: Number
    cells: Map[Cell, Number]
    cursor: Cell
    colour: Colour
    lit: bool


@dataclass(frozen=True)
class Toys:
    last: int


@action
def tick(s: Toy, w: Toys) -> None:
    """Time passes, and the light goes out at the end."""
    when(s.now < w.last)
    s.now = Tick(s.now + 1)
    s.lit = all_of(s.lit, s.now < w.last)


@action
def swap(s: Toy, w: Toys) -> None:
    """Two assignments at once."""
    require("T1", negate(s.left == s.right), "NothingToSwap")
    s.left, s.right = s.right, s.left


@action
def rotate(s: Toy, w: Toys) -> None:
    """Three assignments at once, and a fourth that only reads."""
    when(s.now % 2 == 1)
    s.left, s.right, s.cells[Cell(0)] = s.right, s.cells[Cell(0)], s.left
    s.colour = ite(s.left < s.right, Colour.RED, Colour.GREEN)


@action
def store(s: Toy, w: Toys) -> None:
    """Write where the cursor is."""
    s.cells[s.cursor] = s.left


@action
def load(s: Toy, w: Toys) -> None:
    """Read where the cursor is."""
    require("T2", s.lit, "Dark")
    s.left = s.cells[s.cursor]


@action
def move(s: Toy, w: Toys, by: Cell) -> None:
    """Move the cursor, around the end; by nothing is a step that changes nothing."""
    s.cursor = Cell((s.cursor + by) % 2)


@action
def divide(s: Toy, w: Toys) -> None:
    """Quotient and remainder of a number that may be negative, by a constant."""
    when(s.lit)
    s.left, s.right = Number(s.left // 2), Number(s.left % 2)


@action
def share(s: Toy, w: Toys) -> None:
    """Division by a variable, which a guard keeps from being zero."""
    require("T3", s.cursor > 0, "DivisionByZero")
    s.right = Number((s.right - 1) // (s.cursor + s.cursor))


@action
def shrink(s: Toy, w: Toys) -> None:
    """A guard that compares with a negative number, and a product."""
    when(s.left > -2)
    s.left = ite(s.left * s.right >= -1, Number(s.left - 1), Number(-2))


@action
def switch(s: Toy, w: Toys, colour: Colour) -> None:
    """A comparison of booleans, an enumerated argument."""
    when(same(s.lit, s.colour == colour))
    s.lit = negate(s.lit)
    s.right = least(s.right, s.left)


@invariant()
def sums_are_small(s: Toy, w: Toys) -> bool:
    """Holds, whatever happens."""
    return total(Cell, lambda cell: s.cells[cell]) + s.left + s.right <= 4


@invariant()
def cells_are_never_both_low(s: Toy, w: Toys) -> bool:
    """Is violated."""
    return negate(forall(Cell, lambda cell: s.cells[cell] < -1))


@invariant()
def dark_at_the_end(s: Toy, w: Toys) -> bool:
    """Is violated, at the last clock value only."""
    return any_of(s.now < w.last, negate(s.lit))


@step_property()
def left_falls_slowly(before: Toy, after: Toy, w: Toys) -> bool:
    """Is violated by some steps."""
    return before.left - after.left <= 2


@step_property()
def the_future_is_ahead(before: Toy, after: Toy, w: Toys) -> bool:
    """Holds, as time does not go back; no state needs to be looked at."""
    return before.now <= after.now


@step_property()
def cells_change_to_left(before: Toy, after: Toy, w: Toys) -> bool:
    """Holds: whoever changes a cell gives it the number on the left."""
    return forall(Cell, lambda cell: any_of(same_number(before, after, cell), after.cells[cell] == before.left))


def same_number(before: Toy, after: Toy, cell: Cell) -> bool:
    return before.cells[cell] == after.cells[cell]


@situation
def green_in_the_light(s: Toy, w: Toys) -> bool:
    """Is reached, and renamed below to what is awkward in C."""
    return all_of(s.colour == Colour.GREEN, s.lit)


@situation
def half_a_cursor(s: Toy, w: Toys) -> bool:
    """Is never reached."""
    return implies(s.cursor < 2, s.left == 7)


TOY = Machine(
    name="toy */ 玩具",
    state=Toy,
    actions=(tick, swap, rotate, store, load, move, divide, share, shrink, switch),
    properties=(
        sums_are_small,
        cells_are_never_both_low,
        dark_at_the_end,
        left_falls_slowly,
        the_future_is_ahead,
        cells_change_to_left,
        replace(green_in_the_light, name='100 % "green" } \\ 绿'),
        half_a_cursor,
    ),
    instances={},
    clock="now",
)
SMALL = Instance(
    name="small",
    about="numbers from -2 to 1, and three moments",
    constants=Toys(last=3),
    domains={Tick: range(4), Number: range(-2, 2), Cell: range(2)},
    initial={"now": 1, "left": -2, "cells": {(1,): 1}},
)


def brute_force(machine: Machine, instance: Instance, properties: tuple[Property, ...]) -> Recount:
    """What a recount should find, by the oracle, in the plainest way there is."""
    oracle = Oracle(machine, instance)
    waiting, seen = [oracle.initial()], {oracle.initial()}
    verdicts = {prop.name: False for prop in properties}
    transitions = 0
    while waiting:
        state = waiting.pop()
        accepted = [step.state for step in oracle.steps(state) if step.error is None]
        transitions += len(accepted)
        for prop in properties:
            cases = [(state, after) for after in accepted] if prop.kind is Kind.STEP else [(state,)]
            wanted = prop.kind is Kind.SITUATION
            verdicts[prop.name] |= any(oracle.holds(prop, *case) is wanted for case in cases)
        for after in accepted:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return Recount(len(seen), transitions, verdicts, seconds=1.0)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("clock", ["now", ""], ids=["as a clock", "as a variable"])
def test_spin_finds_what_the_oracle_finds(clock: str) -> None:
    machine = replace(TOY, clock=clock)
    expected = brute_force(machine, SMALL, machine.properties)
    assert expected.states > 1_000
    assert sorted(expected.verdicts.values()) == [False] * 4 + [True] * 4

    found = recount(machine, SMALL, machine.properties)

    assert replace(found, seconds=1.0) == expected


class Awkward(State):
    now: Number
    P: bool
    byte: Map[Cell, Number]
    byte_0: Number
    größe: Number


@action
def count(s: Awkward, w: None, cell: Cell) -> None:
    """Count everything up to the end."""
    require("A1", s.byte[cell] < 2, "Full")
    s.byte[cell] = Number(s.byte[cell] + 1)
    s.byte_0, s.größe = s.größe, Number(300)
    s.P, s.now = negate(s.P), ite(s.P, s.now, Number(-70_000))


AWKWARD = Machine("awkward", Awkward, (count,), (), {})


def small(**domains: object) -> Instance:
    sorts = {"Number": Number, "Cell": Cell, "Tick": Tick}
    numbers = (-70_000, 0, 1, 2, 300)
    given = {Number: numbers, Cell: range(2), Tick: range(2)}
    return Instance("small", "small", None, given | {sorts[name]: values for name, values in domains.items()})


@pytest.mark.usefixtures("quickly")
def test_names_that_clash_and_domains_with_gaps_are_exported() -> None:
    expected = brute_force(AWKWARD, small(), ())

    assert replace(recount(AWKWARD, small()), seconds=1.0) == expected


@pytest.mark.usefixtures("quickly")
def test_a_variable_that_leaves_its_domain_is_named_with_the_step() -> None:
    machine = replace(AWKWARD, dropped=frozenset({"A1"}))

    with pytest.raises(SpecificationError, match=re.escape("byte[0], in count(cell = 0)")):
        recount(machine, small())


@action
def wait_too_long(s: Toy, w: Toys) -> None:
    """Let time pass the end."""
    s.now = Tick(s.now + 1)


@pytest.mark.usefixtures("quickly")
def test_a_clock_that_leaves_its_domain_is_named_with_the_step() -> None:
    with pytest.raises(SpecificationError, match=re.escape("now, in wait_too_long()")):
        recount(replace(TOY, actions=(wait_too_long,)), SMALL)


@pytest.mark.parametrize("numbers", [range(2**32), range(-(2**31), 1), range(2**31)])
def test_what_exceeds_32_bits_is_refused(numbers: range) -> None:
    with pytest.raises(SpecificationError, match="beyond Promela's 32-bit integers"):
        to_promela(AWKWARD, small(Number=numbers))


@action
def divide_by_left(s: Toy, w: Toys) -> None:
    """Divide by what may be negative."""
    s.right = Number(s.right // s.left)
    s.left = Number(s.left - 1)


def test_a_divisor_that_may_be_negative_is_refused() -> None:
    with pytest.raises(NotReadable, match="may be negative"):
        to_promela(replace(TOY, actions=(divide_by_left,)), SMALL)


@pytest.mark.usefixtures("quickly")
def test_a_search_out_of_depth_is_repeated_with_more_and_gives_no_count_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spin, "DEPTHS", (3, 1_000))
    assert recount(TWO_PHASE_COMMIT, managers(3)).states == 288

    monkeypatch.setattr(spin, "DEPTHS", (3, 5))
    with pytest.raises(SpinError, match="deeper than 5 steps"):
        recount(TWO_PHASE_COMMIT, managers(3))


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("mebibytes", [1, 150])
def test_a_search_out_of_memory_gives_no_count(mebibytes: int) -> None:
    with pytest.raises(SpinError, match="out of memory"):
        recount(TWO_PHASE_COMMIT, managers(8), memory=mebibytes << 20)


def test_a_model_that_spin_refuses_is_an_error() -> None:
    with pytest.raises(SpinError, match="does not accept the model"):
        recount_model("active proctype machine() { nonsense }")


def test_a_missing_tool_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpinError, match="spin is not installed; install Debian's packages spin and gcc"):
        recount(TWO_PHASE_COMMIT, managers(3))


def test_another_program_of_the_name_is_not_taken_for_spin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "spin"
    other.write_text("#!/bin/sh\necho spin 2.7.0\n", encoding="utf-8")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SpinError, match="not the model checker"):
        recount(TWO_PHASE_COMMIT, managers(3))


@pytest.fixture
def long_recount(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that recounts for a long time, with its temporary folders in `tmp_path`.

    It minds interrupts also where the tests run in the background, and would pass on that they are ignored there.
    """
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from coordination.explore.spin import recount\n"
        "from tests.two_phase_commit import TWO_PHASE_COMMIT, managers\n"
        "recount(TWO_PHASE_COMMIT, managers(10))\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def processes_in(folder: Path) -> list[str]:
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                found.append((link.parent / "comm").read_text(encoding="utf-8").strip())
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def test_an_interrupt_leaves_no_process_and_no_folder(long_recount: subprocess.Popen[bytes], tmp_path: Path) -> None:
    deadline = time.monotonic() + 60
    while "pan" not in processes_in(tmp_path):
        assert long_recount.poll() is None, long_recount.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)

    long_recount.send_signal(signal.SIGINT)

    assert long_recount.wait(timeout=30) != 0
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
