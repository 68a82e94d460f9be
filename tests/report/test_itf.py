"""Traces survive being written as ITF, and nothing else reads as one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.machine import Machine, SpecificationError
from coordination.machine.oracle import Oracle
from coordination.machine.trace import Step, Trace
from coordination.report.itf import from_itf, to_itf
from tests.report.escrow import ALICE, BOB, ESCROW, MALLORY, SMALL, Account, Escrow, run, tick, walk
from tests.two_phase_commit import TWO_PHASE_COMMIT, managers

TWO = replace(TWO_PHASE_COMMIT, instances={"2": managers(2)})
FEW_ORDERS = {"pay": lambda caller, item, order: item == 0 and order.buyer == ALICE and order.price in (2, 2_500)}
NARROW = replace(ESCROW, instances={"small": replace(SMALL, considered=FEW_ORDERS)})
MACHINES = {(machine.name, machine.design): machine for machine in (ESCROW, TWO)}

SALE = run(
    ESCROW,
    SMALL,
    "CONSERVED",
    ("tick", ()),
    ("pay", (MALLORY, 0, ALICE, BOB, 2)),
    ("pay", (ALICE, 0, ALICE, BOB, 2)),
    ("tell", (0,)),
    ("release", (0, True)),
)


def lookup(name: str, design: str) -> Machine:
    if (name, design) not in MACHINES:
        raise SpecificationError(f"no machine {name!r} of design {design!r}")
    return MACHINES[name, design]


def read_back(trace: Trace, machine: Machine) -> Trace:
    return from_itf(json.loads(json.dumps(to_itf(trace, machine))), lookup)


def short_traces(machine: Machine, instance: str, depth: int) -> Iterator[Trace]:
    """Every run of at most `depth` steps."""
    oracle = Oracle(machine, machine.instance(instance))

    def extended(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
        yield steps
        if len(steps) < depth:
            for step in oracle.steps(steps[-1].state if steps else oracle.initial()):
                yield from extended((*steps, step))

    for steps in extended(()):
        yield Trace(machine.name, machine.design, instance, "P", oracle.initial(), steps)


@pytest.mark.parametrize(("machine", "instance", "depth"), [(NARROW, "small", 2), (TWO, "2", 4)], ids=["escrow", "2pc"])
def test_every_short_trace_reads_back_the_same(machine: Machine, instance: str, depth: int) -> None:
    traces = list(short_traces(machine, instance, depth))
    assert len(traces) > 200
    assert all(read_back(trace, machine) == trace for trace in traces)


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), length=st.integers(0, 12), name=st.text())
def test_long_traces_read_back_the_same(seed: int, length: int, name: str) -> None:
    steps = walk(ESCROW, SMALL, seed, length)
    trace = Trace("escrow", "1.0", "small", name, Oracle(ESCROW, SMALL).initial(), steps)
    again = read_back(trace, ESCROW)
    assert again == trace
    Oracle(ESCROW, SMALL).replay(again)


def test_the_same_trace_is_written_to_the_same_bytes() -> None:
    assert json.dumps(to_itf(SALE, ESCROW)) == json.dumps(to_itf(read_back(SALE, ESCROW), ESCROW))


def test_a_state_is_written_as_the_format_demands() -> None:
    data = to_itf(SALE, ESCROW)
    assert {key: data["#meta"][key] for key in ("format", "machine", "design", "instance", "property")} == {
        "format": "ITF",
        "machine": "escrow",
        "design": "1.0",
        "instance": "small",
        "property": "CONSERVED",
    }
    assert data["params"] == []
    assert data["#meta"]["varTypes"] == {
        "today": "Int",
        "balance": "Str -> Int",
        "house": "Int",
        "stage": "Int -> Str",
        "seller": "Int -> Str",
        "price": "Int -> Int",
        "told": "Set(<<Str, Int>>)",
        "open_": "Bool",
        "action": "Str",
        "arguments": "{ caller: Str, item: Int, order: { buyer: Str, seller: Str, price: Int }, tip: Bool }",
        "error": "Str",
        "rule": "Str",
        "events": "Seq({ name: Str, fields: Str -> Int })",
    }
    assert data["vars"] == list(data["#meta"]["varTypes"])
    assert data["states"][2] == {
        "#meta": {"index": 2},
        "today": {"#bigint": "1"},
        "balance": {"#map": [["alice", {"#bigint": "5"}], ["mallory", {"#bigint": "3"}]]},
        "house": {"#bigint": "0"},
        "stage": {"#map": []},
        "seller": {"#map": []},
        "price": {"#map": []},
        "told": {"#set": []},
        "open_": True,
        "action": "pay",
        "arguments": {
            "caller": "mallory",
            "item": {"#bigint": "0"},
            "order": {"buyer": "alice", "seller": "bob", "price": {"#bigint": "2"}},
        },
        "error": "NotTheBuyer",
        "rule": "E2",
        "events": [],
    }
    told = data["states"][4]
    assert told["told"] == {"#set": [{"#tup": ["bob", {"#bigint": "0"}]}]}
    assert told["stage"] == {"#map": [[{"#bigint": "0"}, "HELD"]]}
    assert data["states"][3]["events"][0]["fields"]["#map"][0] == ["item", {"#bigint": "0"}]


def test_the_initial_state_was_led_to_by_nothing() -> None:
    first = to_itf(SALE, ESCROW)["states"][0]
    assert [first[name] for name in ("action", "arguments", "error", "rule", "events")] == ["", {}, "", "", []]


def test_a_variable_called_like_the_action_keeps_its_name() -> None:
    class Busy(Escrow):
        action: Account
        action_: bool

    machine = replace(ESCROW, state=Busy)
    trace = run(machine, SMALL, "P", ("tick", ()))
    data = to_itf(trace, machine)
    assert data["vars"][-7:] == ["action", "action_", "action__", "arguments", "error", "rule", "events"]
    assert data["states"][1]["action__"] == "tick"
    assert from_itf(data, lambda name, design: machine) == trace


def test_names_that_do_not_tell_values_apart_are_not_used() -> None:
    twins = replace(SMALL, names={Account: {ALICE: "alice", BOB: "alice", MALLORY: "mallory"}})
    machine = replace(ESCROW, instances={"small": twins})
    trace = run(machine, twins, "P", ("tick", ()), ("pay", (ALICE, 0, ALICE, BOB, 2)))
    data = to_itf(trace, machine)
    assert data["#meta"]["varTypes"]["seller"] == "Int -> Int"
    assert from_itf(data, lambda name, design: machine) == trace


def test_arguments_on_which_actions_disagree_have_a_type_variable() -> None:
    def other(s: Escrow, w: object, item: bool) -> None: ...

    machine = replace(ESCROW, actions=(*ESCROW.actions, replace(tick, name="other", run=other), _action(other)))
    assert "item: a," in to_itf(SALE, machine)["#meta"]["varTypes"]["arguments"]


def _action(run: Callable[..., None]) -> Any:
    from coordination.machine import action

    return action(run)


def test_a_trace_of_another_machine_is_not_written() -> None:
    steps = (replace(SALE.steps[0], action="fly"),)
    with pytest.raises(SpecificationError, match='the action of a step is "fly", and must be one of pay, release'):
        to_itf(replace(SALE, steps=steps), ESCROW)
    with pytest.raises(SpecificationError, match="the arguments of tick has 1 parts, and must have 0"):
        to_itf(replace(SALE, steps=(replace(SALE.steps[0], arguments=(1,)),)), ESCROW)
    with pytest.raises(SpecificationError, match="gives Item no value 9"):
        to_itf(replace(SALE, steps=(replace(SALE.steps[-1], arguments=(9, 0)),)), ESCROW)
    with pytest.raises(SpecificationError, match="a rejection of tick names no error or no rule"):
        to_itf(replace(SALE, steps=(replace(SALE.steps[0], error="E"),)), ESCROW)


Edit = Callable[[Any], None]


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda d: d.clear(), "the trace has no '#meta'"),
        (lambda d: d["#meta"].update(format="XML"), "#meta.format is \"XML\", and must be 'ITF'"),
        (lambda d: d["#meta"].update(machine="clock"), "no machine 'clock' of design '1.0'"),
        (lambda d: d["#meta"].update(instance="huge"), "escrow has no instance 'huge'; it has: small"),
        (lambda d: d["#meta"].update(property=3), "#meta.property is a plain number, and must be a string"),
        (lambda d: d["vars"].pop(), "vars must be the variables of escrow: today, balance,"),
        (lambda d: d.update(loop=1), "loop is a plain number, and must be absent"),
        (lambda d: d.update(states=[]), "states is empty"),
        (lambda d: d["states"][1].pop("house"), r"states\[1\] has no 'house'"),
        (lambda d: d["states"][1].update(extra=1), r'states\[1\] has "extra", which is none of: #meta, action'),
        (lambda d: d["states"][1].update({"#meta": {"index": 7}}), r"states\[1\].#meta.index is a plain number"),
        (lambda d: d["states"][0].update(action="tick"), r"states\[0\] is the initial state"),
        (lambda d: d["states"][1].update(action="fly"), r'states\[1\].action is "fly", and must be one of pay, '),
        (lambda d: d["states"][1].update(house=3), r'house is a plain number, and must be an object \{"#bigint"'),
        (lambda d: d["states"][1].update(house={"#bigint": "2.0"}), "the #bigint of .*house is .*must be digits"),
        (lambda d: d["states"][1].update(house={"#bigint": "9" * 5000}), "the #bigint of .*house is .*must be digits"),
        (lambda d: d["states"][1].update(house={"#bigint": "77"}), "a value that instance 'small' gives Amount"),
        (lambda d: d["states"][1].update(open_=1), "open_ is a plain number, and must be true or false"),
        (lambda d: d["states"][1].update(told={"#map": []}), 'told is an object, and must be an object {"#set"'),
        (lambda d: d["states"][1].update(told={"#set": ["bob"]}), 'a key of .*told is "bob", and must be .*#tup'),
        (lambda d: d["states"][1]["balance"]["#map"].append(["eve", 0]), 'a key of .*balance is "eve", .*alice, bob'),
        (lambda d: d["states"][1]["balance"]["#map"].append([]), "an entry of .*balance has 0 parts, and must have 2"),
        (lambda d: d["states"][1]["balance"].update({"#map": d["states"][1]["balance"]["#map"] * 2}), "same key twice"),
        (lambda d: d["states"][2]["arguments"].pop("order"), "arguments has no 'order'"),
        (lambda d: d["states"][2]["arguments"]["order"].update(tip=1), 'arguments.order has "tip", which is none of'),
        (lambda d: d["states"][1].update(rule="E1"), r'states\[1\] names the rule "E1" that rejected it, but no error'),
        (lambda d: d["states"][1].update(events=[{"name": 1}]), r"events\[0\] has no 'fields'"),
    ],
)
def test_malformed_input_is_refused_with_the_place_and_what_would_be_right(edit: Edit, complaint: str) -> None:
    data = to_itf(SALE, ESCROW)
    edit(data)
    with pytest.raises(SpecificationError, match=complaint):
        from_itf(data, lookup)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["alice", "HELD", "0", "tick", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["#bigint", "#map", "#set", "#tup", "#meta", "action", "states", "x"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def is_read_or_refused(data: object) -> None:
    try:
        trace = from_itf(data, lookup)
    except SpecificationError:
        pass
    else:
        assert read_back(trace, lookup(trace.machine, trace.design)) == trace


@given(JSON)
def test_any_json_is_a_trace_or_a_specification_error(data: object) -> None:
    is_read_or_refused(data)


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every node of a JSON value."""
    yield path
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


WRITTEN = to_itf(SALE, ESCROW)
PLACES = [path for path in places(WRITTEN) if path]


@settings(max_examples=500)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON | st.just(...)), min_size=1, max_size=3))
def test_a_damaged_trace_is_a_trace_or_a_specification_error(damages: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = copy.deepcopy(WRITTEN)
    for path, replacement in damages:
        _damage(data, path, replacement)
    is_read_or_refused(data)


def _damage(data: Any, path: tuple[Any, ...], replacement: Any) -> None:
    """Put `replacement` at `path`, or remove what is there if it is `...`; a path that is gone by now is left alone."""
    for key in path[:-1]:
        if not (isinstance(data, dict) and key in data) and not (isinstance(data, list) and isinstance(key, int)):
            return
        if isinstance(data, list) and key >= len(data):
            return
        data = data[key]
    is_there = path[-1] in data if isinstance(data, dict) else isinstance(data, list) and path[-1] in range(len(data))
    if is_there and replacement is ...:
        del data[path[-1]]
    elif is_there:
        data[path[-1]] = replacement


def test_deeply_nested_input_is_no_exception() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for path in PLACES:
        data = copy.deepcopy(WRITTEN)
        _damage(data, path, deep)
        is_read_or_refused(data)
