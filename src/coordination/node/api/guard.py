"""Who may ask: whoever has the token, or, where none is set, programs on the same machine, but no web page."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from coordination.node.api.errors import ApiError

PORT = 8_645
TOKEN, TOKEN_FILE = "AZTEC_NODE_TOKEN", "AZTEC_NODE_TOKEN_FILE"  # in the environment

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")  # as RFC 6750 writes them
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:@\[\]]+))(?::[0-9]+)?")


@dataclass(frozen=True)
class Settings:
    """Where a node listens, and the token that it asks for. Port 0 is any that is free.

    Raises ApiError if others could reach the node, and no token is set; or if there is no such port.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.port < 2**16:
            raise ApiError(f"there is no port {self.port}: they end at 65535")
        if self.token is not None:
            check_token(self.token, "the token")
        elif not is_loopback(self.host):
            raise ApiError(
                f"listening on {self.host} lets others in: set a token in {TOKEN}, or in a file that {TOKEN_FILE} "
                "names, or listen on 127.0.0.1"
            )


class Refusal(NamedTuple):
    status: HTTPStatus
    why: str


def refusal(settings: Settings, headers: Mapping[str, str]) -> Refusal | None:
    """Why a request with these headers, in lower case, is refused.

    Without a token a web page could ask by way of a browser on this machine. A page of another origin sends Origin;
    one whose name was made to point here, to be of this origin, sends that name as Host.
    """
    if settings.token is not None:
        given = headers.get("authorization", "").encode()
        if not compare_digest(given, f"Bearer {settings.token}".encode()):
            return Refusal(HTTPStatus.UNAUTHORIZED, "this node asks for its token")
    elif not is_loopback(_name(headers.get("host", ""))):
        return Refusal(HTTPStatus.FORBIDDEN, "without a token, a node is asked as localhost or 127.0.0.1")
    if "origin" in headers:
        return Refusal(HTTPStatus.FORBIDDEN, "this node does not answer to web pages")
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached by that name or address."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def find_token(file: Path | None = None) -> str | None:
    """The token that `file` holds, or that the environment does or names a file for. Raises ApiError."""
    named = file or (Path(os.environ[TOKEN_FILE]) if os.environ.get(TOKEN_FILE) else None)
    if named is None:
        token = os.environ.get(TOKEN)
        return check_token(token, f"the token in {TOKEN}") if token else None
    try:
        return check_token(named.read_text(encoding="ascii").strip(), f"the token in {str(named)!r}")
    except OSError as error:
        raise ApiError(f"cannot read the token from {str(named)!r}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ApiError(f"what is in {str(named)!r} is no token") from None


def check_token(token: str, what: str) -> str:
    """`token`, if it can be one. Raises ApiError, which does not show it."""
    if not _TOKEN.fullmatch(token):
        raise ApiError(f"{what} is none: it takes 16 to 256 letters, digits or ._~+/-")
    return token


def _name(host: str) -> str:
    """The name or address of a Host header, without its port."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""
