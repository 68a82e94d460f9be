"""What a node logs: lines for people or for programs, and no secret by any way that it could get there."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from io import StringIO
from typing import Any

import pytest
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.node.keys import Keys
from coordination.node.logs import STRUCK_OUT, libraries_log_to, open_log

KEY, OTHER = development_key("alice"), development_key("bob")
SECRET, HEX = KEY.to_bytes(), KEY.to_bytes().hex()
TOKEN = 'a "token", with \\ and é'


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Told:
    """A log and what it has written."""

    stream: StringIO
    log: Any

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def told(stream: StringIO) -> Told:
    return Told(stream, open_log(stream, secrets=[SECRET, OTHER.to_bytes(), TOKEN.encode()]))


@pytest.fixture(params=[StringIO, Terminal], ids=["programs", "people"])
def any_log(request: pytest.FixtureRequest) -> Told:
    return told(request.param())


@pytest.fixture
def json_log() -> Told:
    return told(StringIO())


def test_for_programs_each_line_is_an_object(json_log: Told) -> None:
    json_log.log.info("heard", topic="make", epoch=7)
    json_log.log.warning("two\nlines")
    first, second = json_log.lines
    assert first.items() >= {"event": "heard", "level": "info", "topic": "make", "epoch": 7}.items()
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("two\nlines", "warning")


def test_for_people_a_line_is_text() -> None:
    people = told(Terminal())
    people.log.info("heard", topic="make")
    assert "heard" in people.text
    assert not people.text.startswith("{")


def test_a_value_cannot_end_a_line_nor_write_on_a_terminal_what_it_likes(any_log: Told) -> None:
    any_log.log.info("heard", error="first\nsecond", other="\x1b[2J")
    assert any_log.text.count("\n") == 1
    assert "\x1b[2J" not in any_log.text


def test_details_are_not_told(any_log: Told) -> None:
    any_log.log.debug("heard")
    assert any_log.text == ""


class Holder:
    """Shows what it holds, as dataclasses and settings do."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Holder({self.value!r})"


def deep(value: object) -> object:
    for _ in range(20):
        value = [value]
    return value


SPELLINGS = {
    "the key": KEY,
    "its digits": HEX,
    "with 0x": "0x" + HEX,
    "in capitals": HEX.upper(),
    "in capitals with 0X": "0X" + HEX.upper(),
    "in mixed case": "".join(each.upper() if number % 2 else each for number, each in enumerate(HEX)),
    "bytes": SECRET,
    "a bytearray": bytearray(SECRET),
    "HexBytes": HexBytes(SECRET),
    "a number": int(KEY),
    "numbers": list(SECRET),
    "a tuple of numbers": tuple(SECRET),
    "text of its bytes": SECRET.decode("latin-1"),
    "its repr": repr(KEY),
    "the repr of its bytes' repr": repr(repr(SECRET)),
    "JSON of its bytes' repr": json.dumps(repr(SECRET)),
    "within text": f"the key is 0x{HEX}, keep it safe",
    "in the middle of digits": "00" * 40 + HEX + "00" * 40,
    "another secret": OTHER.to_hex(),
    "the token": TOKEN,
    "the token's bytes": TOKEN.encode(),
    "the token in JSON": json.dumps(TOKEN),
    "the token in a header": {"Authorization": f"Bearer {TOKEN}"},
}
ROUTES: dict[str, Callable[[Any, Any], object]] = {
    "event": lambda log, value: log.info(f"{value}"),
    "argument": lambda log, value: log.info("loaded %s", value),
    "value": lambda log, value: log.info("loaded", value=value),
    "nested value": lambda log, value: log.info("loaded", settings={"keys": [{"prover": (value,)}]}),
    "deep value": lambda log, value: log.info("loaded", value=deep(value)),
    "name of a value": lambda log, value: log.info("loaded", **{f"{value}": 1}),
    "key of a value": lambda log, value: log.info("loaded", value={f"{value}": 1}),
    "tuple with names": lambda log, value: log.info("loaded", keys=Keys(value, None)),
    "object": lambda log, value: log.info("loaded", value=Holder(value)),
    "object in a set": lambda log, value: log.info("loaded", value={Holder(value)}),
    "exception as a value": lambda log, value: log.info("failed", error=ValueError(value)),
    "bound value": lambda log, value: log.bind(value=value).info("loaded"),
    "exception": lambda log, value: logged_as_exception(log, value),
    "cause of an exception": lambda log, value: logged_as_cause(log, value),
    "library": lambda log, value: through_a_library(log, "sending %s", value),
    "library's exception": lambda log, value: through_a_library(log, "failed", exc_info=ValueError(value)),
    "library's ill-formed message": lambda log, value: through_a_library(log, "%d", Holder(value)),
    "another thread": lambda log, value: in_a_thread(lambda: log.info("loaded", value=value)),
}


def logged_as_exception(log: Any, value: object) -> None:
    try:
        raise ValueError(value)
    except ValueError:
        log.exception("it failed")


def logged_as_cause(log: Any, value: object) -> None:
    try:
        try:
            raise KeyError(value)
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        log.error("it failed", exc_info=True)


@contextmanager
def forwarding(log: Any) -> Iterator[logging.Logger]:
    """A library's logger, to which pytest does not listen: it stops at what cannot be formatted."""
    root = logging.getLogger()
    with libraries_log_to(log):
        everybody, root.handlers[:] = root.handlers[:], root.handlers[-1:]
        try:
            yield logging.getLogger("some.library")
        finally:
            root.handlers[:] = everybody


def through_a_library(log: Any, message: str, *arguments: object, exc_info: BaseException | None = None) -> None:
    with forwarding(log) as library:
        library.warning(message, *arguments, exc_info=exc_info)


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)


def traces(text: str) -> list[str]:
    """What of the secrets can be seen in a text, even a part of one, in any spelling; backslashes aside."""
    plain = text.replace("\\", "").lower()
    parts = [secret.hex()[start : start + 12] for secret in (SECRET, OTHER.to_bytes()) for start in (0, 24, 52)]
    parts += [repr(SECRET)[2:-1].replace("\\", "")[:20], repr(SECRET)[2:-1].replace("\\", "")[-20:]]
    parts += [str(int(KEY))[:12], str(int(KEY))[-12:], repr(list(SECRET))[1:30], repr(list(SECRET))[-30:-1]]
    text = SECRET.decode("latin-1")
    parts += [write(text).replace("\\", "")[1:20] for write in (str, repr, json.dumps)] + ["token"]
    return [part for part in parts if part.lower() in plain]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_traces_of_a_secret_would_be_seen(spelling: str) -> None:
    for stream in (StringIO(), Terminal()):
        open_log(stream).info("loaded", value=SPELLINGS[spelling])
        assert traces(stream.getvalue())


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_not_told_by_any_route(any_log: Told, spelling: str) -> None:
    for route, log_it in ROUTES.items():
        told_before = len(any_log.text)
        log_it(any_log.log, SPELLINGS[spelling])
        assert len(any_log.text) > told_before
        assert (route, traces(any_log.text)) == (route, [])
    if not any_log.stream.isatty():
        assert len(any_log.lines) == len(ROUTES)


def test_what_is_struck_out_is_marked_and_what_stands_around_it_stays(json_log: Told) -> None:
    json_log.log.info(f"the key 0x{HEX} of", prover=address_of(KEY))
    [line] = json_log.lines
    assert (line["event"], line["prover"]) == (f"the key {STRUCK_OUT} of", address_of(KEY))


def test_nothing_is_struck_out_where_there_is_no_secret(json_log: Told) -> None:
    stream = StringIO()
    for log in (json_log.log, open_log(stream), open_log(stream, secrets=[b""])):
        log.info("loaded", address=address_of(KEY), numbers=[1, 2], data=b"\x00\xff", text='"\\n')
    told = [json.loads(line) for line in (json_log.text + stream.getvalue()).splitlines()]
    assert [line["text"] for line in told] == ['"\\n'] * 3
    assert STRUCK_OUT not in str(told)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(secret=st.binary(min_size=8, max_size=40), around=st.text(max_size=10))
def test_any_secret_is_struck_out_of_a_line_that_stays_json(secret: bytes, around: str) -> None:
    stream = StringIO()
    text = secret.decode("latin-1")
    open_log(stream, secrets=[secret]).info(
        "loaded",
        a=f"{around}{secret!r}{around}",
        b=secret.hex(),
        c=f"{text}{around}",
        d=[secret],
        e=int.from_bytes(secret),
    )
    line = json.loads(stream.getvalue())
    assert repr(secret)[2:-1] not in line["a"] + str(line["d"])
    assert text not in line["c"]
    assert secret.hex() not in line["b"]
    assert line["e"] == 0


def test_the_warnings_of_libraries_are_told_and_nothing_else_of_theirs(json_log: Told) -> None:
    handlers = logging.getLogger().handlers.copy()
    with forwarding(json_log.log) as library:
        library.setLevel(logging.DEBUG)
        library.info("a detail")
        library.warning("beware of %s", "this")
        library.log(35, "something between")
        library.error("it failed", exc_info=ValueError("because"))
    assert logging.getLogger().handlers == handlers
    assert json_log.lines[-1]["exception"] == "ValueError: because"
    assert [(line["level"], line["library"], line["said"]) for line in json_log.lines] == [
        ("warning", "some.library", "beware of this"),
        ("warning", "some.library", "something between"),
        ("error", "some.library", "it failed"),
    ]


def test_a_librarys_ill_formed_message_does_not_stop_it(json_log: Told) -> None:
    with forwarding(json_log.log) as library:
        library.warning("%d peers", "many")
    [line] = json_log.lines
    assert line["said"].startswith("a message that cannot be formatted: %d format")


class Disk(StringIO):
    is_full = False

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(ENOSPC, "No space left on device")
        return super().write(text)


def test_what_cannot_be_written_is_lost_and_the_node_goes_on() -> None:
    disk = Disk()
    log = told(disk)
    disk.is_full = True
    log.log.info("lost")
    disk.is_full = False
    log.log.info("written")
    assert [line["event"] for line in log.lines] == ["written"]
