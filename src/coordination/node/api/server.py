"""JSON-RPC, metrics and health over HTTP, by starlette on hypercorn.

    url = await nursery.start(serve, operator, Settings(), metrics.render)

Requests are bounded in size, time and number, so that no client, slow or greedy, keeps the node from its slots.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_http
from hypercorn.typing import ASGIFramework
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coordination.node.api.errors import ApiError
from coordination.node.api.guard import Settings, refusal
from coordination.node.api.jsonrpc import answer
from coordination.node.api.methods import methods_of
from coordination.node.api.operator import Operator
from coordination.node.api.parameters import PROOF_SIZE

BODY_SIZE = 2 * PROOF_SIZE + 2**16  # bytes: a proof in hexadecimal, and what is around it
AT_ONCE = 32  # requests
BODY_TIME, ANSWER_TIME = 10.0, 30.0  # seconds to send a request in, and to answer it in
IDLE_TIME = 5.0  # seconds that a connection may have no request for, or only part of its headers
SEND_TIME = 10.0  # seconds that a client may read nothing of its answer for
GRACE = 1.0  # seconds that open connections are given when the node stops

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


async def serve(
    operator: Operator,
    settings: Settings,
    metrics: Callable[[], bytes],
    *,
    task_status: Any = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled; `metrics` gives Prometheus' text. It has started, with its URL, once it listens.

    Raises ApiError if it cannot listen there.
    """
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = logging.getLogger(__name__)
    config.keep_alive_timeout, config.graceful_timeout = IDLE_TIME, GRACE
    task_status.started(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    await serve_http(cast(ASGIFramework, _app(operator, settings, metrics)), config, mode="asgi")


def _listen(settings: Settings) -> socket.socket:
    listener = None
    try:
        family, kind, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Hypercorn cannot be cancelled while it sends: the kernel has to give up on a client that does not read.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SEND_TIME * 1_000))
        listener.bind(address)
        listener.listen()
    except OSError as error:
        if listener:
            listener.close()
        raise ApiError(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}") from error
    return listener


class _Guard:
    """Turns away what `refusal` names, before anything else is looked at."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            refused = refusal(self._settings, Request(scope).headers)
            app = _no(*refused) if refused else app
        await app(scope, receive, send)


def _app(operator: Operator, settings: Settings, metrics: Callable[[], bytes]) -> Starlette:
    methods = methods_of(operator)
    places = trio.Semaphore(AT_ONCE)

    async def rpc(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _no(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a request is application/json")
        try:
            places.acquire_nowait()
        except trio.WouldBlock:
            return _no(HTTPStatus.SERVICE_UNAVAILABLE, f"{AT_ONCE} requests are being answered already; try again")
        try:
            return await respond(request)
        finally:
            places.release()

    async def respond(request: Request) -> Response:
        with trio.move_on_after(BODY_TIME) as reading:
            body = await _body(request)
        if reading.cancelled_caught:
            return _no(HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {BODY_TIME:g} seconds")
        if body is None:
            return _no(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {BODY_SIZE:,} bytes")
        with trio.move_on_after(ANSWER_TIME) as answering:
            answered = await answer(body, methods)
        if answering.cancelled_caught:
            return _no(HTTPStatus.GATEWAY_TIMEOUT, f"the node was not done within {ANSWER_TIME:g} seconds")
        if answered is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Response(answered, media_type="application/json")

    async def show_metrics(_: Request) -> Response:
        return Response(metrics(), headers={"content-type": _METRICS})

    async def show_health(_: Request) -> Response:
        is_healthy = (await operator.status()).is_healthy
        status = HTTPStatus.OK if is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse({"isHealthy": is_healthy}, status)

    return Starlette(
        routes=[
            Route("/", rpc, methods=["POST"]),
            Route("/metrics", show_metrics),
            Route("/health", show_health),
        ],
        middleware=[Middleware(_Guard, settings=settings)],
    )


async def _body(request: Request) -> bytes | None:
    """The body of a request; None if it is too large, which is told without reading on."""
    if int(request.headers.get("content-length", 0)) > BODY_SIZE:
        return None
    body = bytearray()
    try:
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > BODY_SIZE:
                    return None
    except ClientDisconnect:
        return b""  # nobody will read the answer
    return bytes(body)


def _no(status: HTTPStatus, why: str) -> Response:
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    return PlainTextResponse(why + "\n", status, headers)
