"""Writing what a command was asked to write: wholly or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from coordination.machine import SpecificationError


def check_writable(path: Path) -> None:
    """Raise SpecificationError now if `path` could not be written later, after the work is done."""
    if path.is_dir():
        raise SpecificationError(f"cannot write {str(path)!r}: it is a folder; name a file")
    if not path.parent.is_dir():
        raise SpecificationError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists():
            with path.open("a"):
                pass
    except OSError as error:
        raise SpecificationError(f"cannot write {str(path)!r}: {error.strerror}") from error


def write_whole(path: Path, text: str) -> None:
    """Put `text` into `path` in one step: a reader sees the old file or the new one, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise SpecificationError(f"cannot write {str(path)!r}: {error.strerror}") from error
        raise
