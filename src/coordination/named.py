"""What a user names as `module:name`, and mistakes told in one line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from coordination.machine import SpecificationError


def import_named(reference: str, what: str, example: str) -> tuple[ModuleType, str]:
    """The module of `module:name`, and the name; the working directory is importable.

    Raises SpecificationError if `reference` is not of this form or the module cannot be imported.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise SpecificationError(f"{reference!r} names no {what}; write module:name, as in {example}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(module_name), name
    except (Exception, SystemExit) as error:
        raise SpecificationError(f"cannot import {module_name!r}: {one_line(error)}") from error


def one_line(error: BaseException, path: Path | None = None) -> str:
    """`error` in one line, with the line of the user's file that it came from."""
    line = getattr(error, "lineno", None)
    trail = error.__traceback__
    while path is not None and trail is not None:
        if trail.tb_frame.f_code.co_filename == str(path):
            line = trail.tb_lineno
        trail = trail.tb_next
    message = (str(error).splitlines() or [""])[0]
    return (f"line {line}: " if line else "") + f"{type(error).__name__}: {message}".rstrip(": ")


def there_are(names: Iterable[str], wrong: str = "") -> str:
    """What to add to a complaint about a `wrong` name: the name that was meant, or all that there are."""
    known = sorted(names)
    if not known:
        return ""
    close = get_close_matches(wrong.upper(), [name.upper() for name in known], n=1)
    meant = f"; did you mean {next(name for name in known if name.upper() == close[0])}?" if close else ""
    return f"{meant or '; there are: ' + ', '.join(known)}"
