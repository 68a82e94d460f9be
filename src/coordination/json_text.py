"""JSON that somebody else wrote: it may be anything, but it must not take the interpreter down."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

DEPTH = 500  # of nesting; no trace or artifact comes close

_NO_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^"\[\]{}]+', re.DOTALL)  # a string, or what is between brackets


def parse_json(text: str) -> Any:
    """What `text` says. Raises ValueError if it is no JSON, or is nested too deep.

    Python's parser recurses, and stops by itself only where the limit of recursion stands below the end of the stack;
    some package among those that Ethereum's libraries import raises it above that.
    """
    if _depth(text) > DEPTH:
        raise ValueError(f"it is nested more than {DEPTH} levels deep")
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities are JSON to Python only."""
    raise ValueError(f"Expecting a value that JSON has, not {constant}")


def _depth(text: str) -> int:
    """How deep the brackets of `text` are nested; where it is no JSON, at least so deep as a parser would get."""
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in _NO_BRACKETS.sub("", text)), default=0)
