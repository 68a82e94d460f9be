"""JSON-RPC 2.0: the examples of its specification, and whatever else may be sent."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.node.api import jsonrpc
from coordination.node.api.jsonrpc import BATCH_SIZE, Method, answer
from coordination.node.api.methods import methods_of
from tests.node.api.stage import Node

Result = TypeVar("Result")
thorough = settings(max_examples=150, derandomize=True, deadline=None)


def at_once(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    raise AssertionError("it waits")


def ask(message: object, methods: Mapping[str, Method]) -> Any:
    """The answer to a message: text is sent as it is, anything else as JSON. None if there is none."""
    body = message if isinstance(message, bytes) else message.encode() if isinstance(message, str) else None
    answered = at_once(answer(json.dumps(message).encode() if body is None else body, methods))
    return None if answered is None else json.loads(answered)


def integer(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("has to be an integer")
    return value


async def subtract(minuend: int, subtrahend: int) -> int:
    return minuend - subtrahend


async def add(*numbers: int) -> int:
    return sum(numbers)


async def ignore(*_: int) -> None:
    """Do nothing."""


async def get_data() -> list[Any]:
    return ["hello", 5]


async def fail() -> None:
    raise ZeroDivisionError("a secret")


EXAMPLES = {
    "subtract": Method(subtract, {"minuend": integer, "subtrahend": integer}),
    "sum": Method(add, dict.fromkeys("abc", integer)),
    "update": Method(ignore, dict.fromkeys("abcde", integer)),
    "notify_hello": Method(ignore, {"a": integer}),
    "get_data": Method(get_data, {}),
    "fail": Method(fail, {}),
}
PARSE_ERROR = '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}'
INVALID = '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}'

# Section 7 of the specification, in its order. A name in the last column is what the example is called there.
SPECIFIED = [
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        '{"jsonrpc": "2.0", "result": 19, "id": 1}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        '{"jsonrpc": "2.0", "result": -19, "id": 2}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        '{"jsonrpc": "2.0", "result": 19, "id": 3}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        '{"jsonrpc": "2.0", "result": 19, "id": 4}',
    ),
    ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    ('{"jsonrpc": "2.0", "method": "foobar"}', None),
    (
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
    ),
    ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', PARSE_ERROR),
    ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', INVALID),
    (
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]',
        PARSE_ERROR,
    ),
    ("[]", INVALID),
    ("[1]", f"[{INVALID}]"),
    ("[1,2,3]", f"[{INVALID}, {INVALID}, {INVALID}]"),
    (
        """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
        ]""",
        f"""[
        {{"jsonrpc": "2.0", "result": 7, "id": "1"}},
        {{"jsonrpc": "2.0", "result": 19, "id": "2"}},
        {INVALID},
        {{"jsonrpc": "2.0", "error": {{"code": -32601, "message": "Method not found"}}, "id": "5"}},
        {{"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}}
        ]""",
    ),
    (
        """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
        ]""",
        None,
    ),
]


def without_details(answered: Any) -> Any:
    """An answer whose error messages end where those of the specification do."""
    if isinstance(answered, list):
        return [without_details(each) for each in answered]
    if answered and "error" in answered:
        answered["error"]["message"] = answered["error"]["message"].split(":")[0]
    return answered


@pytest.mark.parametrize(("request_", "response"), SPECIFIED)
def test_an_example_of_the_specification_is_answered_as_it_says(request_: str, response: str | None) -> None:
    assert without_details(ask(request_, EXAMPLES)) == (json.loads(response) if response else None)


@pytest.mark.parametrize("identifier", ["1", "", "\ud800", 0, -7, 2**70, 1.5, None])
def test_an_id_of_any_legal_type_comes_back(identifier: object) -> None:
    request = {"jsonrpc": "2.0", "method": "get_data", "id": identifier}
    assert ask(request, EXAMPLES) == {"jsonrpc": "2.0", "result": ["hello", 5], "id": identifier}


@pytest.mark.parametrize("identifier", ["true", "[]", "{}", "1e999"])
def test_an_id_of_another_type_makes_the_request_invalid(identifier: str) -> None:
    answered = ask(f'{{"jsonrpc": "2.0", "method": "get_data", "id": {identifier}}}', EXAMPLES)
    assert (answered["error"]["code"], answered["id"]) == (-32600, None)


@pytest.mark.parametrize(
    "change",
    [{"jsonrpc": "1.0"}, {"jsonrpc": 2.0}, {"jsonrpc": None}, {"method": None}, {"params": "x"}, {"params": None}],
)
def test_what_is_no_request_is_told_so_with_its_id_if_it_has_one(change: Mapping[str, object]) -> None:
    request = {"jsonrpc": "2.0", "method": "get_data", **change}
    for message, identifier in (({**request, "id": 8}, 8), (request, None)):
        answered = ask(message, EXAMPLES)
        assert (answered["error"]["code"], answered["id"]) == (-32600, identifier)


@pytest.mark.parametrize(
    "params",
    [
        [1],
        [1, 2, 3],
        [1, "2"],
        [],
        {"minuend": 1},
        {"minuend": 1, "subtrahend": 2, "more": 3},
        {"Minuend": 1, "subtrahend": 2},
        {},
    ],
)
def test_parameters_that_do_not_fit_are_invalid(params: object) -> None:
    answered = ask({"jsonrpc": "2.0", "method": "subtract", "params": params, "id": 1}, EXAMPLES)
    assert answered["error"]["code"] == -32602
    assert ask({"jsonrpc": "2.0", "method": "subtract", "params": params}, EXAMPLES) is None


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"NaN", b'{"id": NaN}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    answered = ask(body, EXAMPLES)
    assert (answered["error"]["code"], answered["id"]) == (-32700, None)


def test_a_method_that_breaks_is_an_internal_error_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answered = ask({"jsonrpc": "2.0", "method": "fail", "id": 1}, EXAMPLES)
    assert answered["error"] == {"code": -32603, "message": "Internal error"}
    assert "ZeroDivisionError" in caplog.text, "whoever runs the node is told"


def test_a_batch_too_long_is_refused_whole() -> None:
    node = Node()
    bid = {"jsonrpc": "2.0", "method": "submitEpochProofBid", "params": [5, 1_000], "id": 1}
    assert ask([bid] * (BATCH_SIZE + 1), methods_of(node))["error"]["code"] == -32600
    assert node.calls == []
    assert [each["result"] for each in ask([bid] * BATCH_SIZE, methods_of(node))] == [None] * BATCH_SIZE
    assert len(node.calls) == BATCH_SIZE


def test_a_batch_ends_where_its_answer_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonrpc, "ANSWER_SIZE", 90)
    request = {"jsonrpc": "2.0", "method": "get_data", "id": 1}
    answered = ask([request] * 4, EXAMPLES)
    assert [each.get("error", {}).get("code") for each in answered] == [None, None, -32000, -32000]


# Whatever is sent: a valid response, or none where only notifications were, and no call with ill-typed parameters.


def check_response(response: Any) -> None:
    assert isinstance(response, dict)
    assert response.keys() in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
    assert response["jsonrpc"] == "2.0"
    assert response["id"] is None or type(response["id"]) in (str, int, float)
    if "error" in response:
        error = response["error"]
        assert error.keys() in ({"code", "message"}, {"code", "message", "data"})
        assert type(error["code"]) is int
        assert len(error["message"].splitlines()) == 1
        assert error["code"] != jsonrpc.INTERNAL_ERROR, "a method was called with what it does not take"


def check_answer(body: bytes) -> None:
    answered = ask(body, methods_of(Node()))
    try:
        message = json.loads(body.decode(), parse_constant=refuse)
    except ValueError:
        message = None
    if isinstance(answered, list):
        assert isinstance(message, list)
        assert len(answered) == sum(not is_notification(each) for each in message) > 0
    elif answered is None:
        assert all(map(is_notification, message if isinstance(message, list) else [message]))
    else:
        assert not is_notification(message)
    for response in answered if isinstance(answered, list) else [answered] if answered else []:
        check_response(response)


def refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def is_notification(request: Any) -> bool:
    """By section 4: a request object, all of whose members are right, without an id."""
    return (
        isinstance(request, dict)
        and request.get("jsonrpc") == "2.0"
        and isinstance(request.get("method"), str)
        and isinstance(request.get("params", {}), dict | list)
        and "id" not in request
    )


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner))
NAMES = st.sampled_from(sorted(methods_of(Node())))
VALUES = (
    st.sampled_from([0, 5, 10_000, 10_001, 2**32, 2**53, 2**256, -1, True, 1.0, "0x", "0xab", "0x5", "5", "05", "", []])
    | st.integers(0, 2**257).map(str)
    | ANYTHING
)
PARAMS = (
    st.fixed_dictionaries({}, optional=dict.fromkeys(["epoch", "basisPointFee", "proof", "x"], VALUES))
    | st.fixed_dictionaries({"epoch": VALUES, "basisPointFee": VALUES})
    | st.fixed_dictionaries({"epoch": VALUES, "proof": VALUES})
    | st.lists(VALUES, max_size=3)
    | ANYTHING
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | ANYTHING,
        "method": NAMES | ANYTHING,
        "params": PARAMS,
        "id": ANYTHING,
        "more": ANYTHING,
    },
) | st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": NAMES, "params": PARAMS}, optional={"id": st.integers() | st.none()}
)


@thorough
@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_answered(body: bytes) -> None:
    check_answer(body)


@thorough
@given(ANYTHING)
def test_any_json_is_answered(message: object) -> None:
    check_answer(json.dumps(message).encode())


@thorough
@given(REQUESTS | st.lists(REQUESTS, max_size=4))
def test_whatever_looks_like_a_request_is_answered(message: object) -> None:
    check_answer(json.dumps(message).encode())
