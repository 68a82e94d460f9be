"""JSON-RPC 2.0: what is answered to a request. No HTTP; section numbers are those of the specification."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from coordination.json_text import parse_json

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
ANSWER_TOO_LONG = -32000  # the first of those that 5.1 leaves to a server

BATCH_SIZE = 100  # requests
ANSWER_SIZE = 2**20  # bytes; once an answer has so many, the rest of a batch is not carried out

_log = logging.getLogger(__name__)


class RpcError(Exception):
    """An error object (5.1). `data` is left out if it is None."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class Method(NamedTuple):
    """What can be called: `parameters` has, in their order, a reader for each, which raises ValueError saying why not.

    `call` gets them by position, and gives something that JSON can say. It may raise RpcError.
    """

    call: Callable[..., Awaitable[object]]
    parameters: Mapping[str, Callable[[object], object]]


async def answer(body: bytes, methods: Mapping[str, Method]) -> bytes | None:
    """The response to a request or a batch of them; None if it has notifications only. It never raises."""
    try:
        message = parse_json(body.decode())
    except ValueError as error:
        return _encode(_failure(RpcError(PARSE_ERROR, f"Parse error: {_one_line(error)}"), None))
    if not isinstance(message, list):
        return await _respond(message, methods)
    if not 1 <= len(message) <= BATCH_SIZE:
        why = f"a batch has 1 to {BATCH_SIZE} requests, not {len(message)}"
        return _encode(_failure(_invalid_request(why), None))
    responses: list[bytes] = []
    for request in message:
        has_room = sum(map(len, responses)) < ANSWER_SIZE
        response = await _respond(request, methods if has_room else None)
        responses += [] if response is None else [response]
    return b"[" + b",".join(responses) + b"]" if responses else None


async def _respond(request: Any, methods: Mapping[str, Method] | None) -> bytes | None:
    """The response to one request, carried out by one of `methods`, or by none if the answer is too long already."""
    identifier = request.get("id") if isinstance(request, dict) else None
    wants_response = True  # also if it is no request at all, with an id or without (5)
    try:
        name, params = _read(request)
        wants_response = "id" in request
        if methods is None:
            raise RpcError(ANSWER_TOO_LONG, "the answer is too long already; ask for less at once")
        if name not in methods:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        result = await methods[name].call(*_bind(params, methods[name].parameters))
        response = _encode({"jsonrpc": "2.0", "result": result, "id": identifier})
    except RpcError as error:
        response = _encode(_failure(error, identifier if _is_identifier(identifier) else None))
    except Exception:
        _log.exception("a request failed: %s", request["method"])
        response = _encode(_failure(RpcError(INTERNAL_ERROR, "Internal error"), identifier))
    return response if wants_response else None


def _read(request: Any) -> tuple[str, list[Any] | dict[str, Any]]:
    """Method and parameters of a request (4). Raises RpcError."""
    if not isinstance(request, dict):
        raise _invalid_request("a request is an object")
    if request.get("jsonrpc") != "2.0":
        raise _invalid_request("'jsonrpc' has to be \"2.0\"")
    if not isinstance(request.get("method"), str):
        raise _invalid_request("'method' has to be a string")
    if not isinstance(request.get("params", []), list | dict):
        raise _invalid_request("'params' has to be an array or an object")
    if not _is_identifier(request.get("id")):
        raise _invalid_request("'id' has to be a string, a number or null")
    return request["method"], request.get("params", [])


def _is_identifier(value: object) -> bool:
    """Whether a response can have it as its id. What Python reads as infinite, it could not write."""
    if isinstance(value, float):
        return isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _bind(params: list[Any] | dict[str, Any], readers: Mapping[str, Callable[[object], object]]) -> list[object]:
    """The parameters in their order, by position or by name (4.2), each as its reader gives it. Raises RpcError."""
    if isinstance(params, list):
        if len(params) != len(readers):
            raise _invalid_params(f"they are {', '.join(readers) or 'none'}; there are {len(params)}")
        params = dict(zip(readers, params, strict=True))
    if params.keys() != readers.keys():
        raise _invalid_params(f"their names are: {', '.join(readers) or 'none'}")
    values = []
    for name, read in readers.items():
        try:
            values.append(read(params[name]))
        except ValueError as error:
            raise _invalid_params(f"{name} {error}") from error
    return values


def _invalid_request(why: str) -> RpcError:
    return RpcError(INVALID_REQUEST, f"Invalid Request: {why}")


def _invalid_params(why: str) -> RpcError:
    return RpcError(INVALID_PARAMS, f"Invalid params: {why}")


def _failure(error: RpcError, identifier: object) -> dict[str, Any]:
    described = {"code": error.code, "message": error.message}
    if error.data is not None:
        described["data"] = error.data
    return {"jsonrpc": "2.0", "error": described, "id": identifier}


def _encode(response: dict[str, Any]) -> bytes:
    return json.dumps(response, separators=(",", ":"), allow_nan=False).encode()


def _one_line(error: ValueError) -> str:
    return str(error).splitlines()[0]
