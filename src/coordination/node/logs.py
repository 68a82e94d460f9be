"""What a node tells its operator: one line for each thing that happened, and never a secret.

On a terminal the lines are for people, otherwise each is a JSON object (an exception, with its traceback, is a field
of it). Secrets are struck out of the finished line, so that it does not matter by which way one got there: in the
event, in a value however deep, in a key, in an exception, or in what a library logs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

STRUCK_OUT = "[secret]"


def open_log(stream: TextIO | None = None, *, secrets: Collection[bytes] = ()) -> FilteringBoundLogger:
    """A log on `stream`, by default standard error. `secrets` are private keys and tokens, as bytes."""
    to = stream or sys.stderr
    # Not structlog's own way to show exceptions: it shows all local variables, and breaks them into lines.
    for_people: list[Processor] = [ConsoleRenderer(exception_formatter=plain_traceback, repr_native_str=True)]
    for_programs: list[Processor] = [format_exc_info, JSONRenderer()]
    processors: list[Processor] = [
        add_log_level,
        TimeStamper(fmt="iso", utc=True),
        *(for_people if to.isatty() else for_programs),
        _Redaction(secrets),
    ]
    wrapper = structlog.make_filtering_bound_logger(logging.INFO)
    printer = structlog.PrintLogger(cast(TextIO, _Forgiving(to)))
    log = structlog.wrap_logger(printer, processors=processors, wrapper_class=wrapper)
    return cast(FilteringBoundLogger, log)


@contextmanager
def libraries_log_to(log: FilteringBoundLogger) -> Iterator[None]:
    """Have the warnings of libraries, which log by Python's `logging`, come to `log` too; nothing else of theirs."""
    root, handler = logging.getLogger(), _Forwarding(log)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Forgiving:
    """What cannot be written is lost: neither a full disk nor a reader that is gone may end a node that has a bond."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Forwarding(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        try:
            said = record.getMessage()
        except Exception as error:  # of whoever formats: it must not stop the library, nor be shown as it is
            said = f"a message that cannot be formatted: {error}"
        if record.name.startswith("coordination."):  # a part of this node's that has no log of its own
            tell(said, exc_info=record.exc_info)
        else:
            tell("a library", library=record.name, said=said, exc_info=record.exc_info)


class _Redaction:
    """The last of the processors: it gets the line."""

    def __init__(self, secrets: Collection[bytes]) -> None:
        patterns = [pattern for secret in secrets if secret for pattern in _ways_to_write(secret)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, logger: WrappedLogger, method: str, line: Any) -> str:
        return self._pattern.sub(_struck_out, line) if self._pattern else str(line)


def _struck_out(found: re.Match[str]) -> str:
    """What a reader of JSON takes, a number for numbers."""
    return "0" if found.lastindex else STRUCK_OUT


def _ways_to_write(secret: bytes) -> Iterator[str]:
    """Patterns: in hexadecimal digits, as text, as a number or numbers (these are in groups)."""
    yield f"(?i:(?:0x)?{secret.hex()})"
    yield "".join(map(_ways_to_write_character, secret.decode("latin-1")))
    with suppress(UnicodeDecodeError):
        yield "".join(map(_ways_to_write_character, secret.decode()))
    yield f"({int.from_bytes(secret, 'big')})"
    yield f"({', ?'.join(map(str, secret))})"


def _ways_to_write_character(character: str) -> str:
    """As it is, or escaped by JSON or Python, as text or as a byte; what is escaped again has more backslashes."""
    ways = {character, json.dumps(character)[1:-1], repr(character.encode("latin-1", "replace"))[2:-1]}
    escaped = sorted(re.escape(way.lstrip("\\") or "\\") for way in ways)
    return rf"\\*(?:{'|'.join(escaped)})"
