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
    if path.exists() and not path.is_file():
        return
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


def check_folder(path: Path) -> None:
    """Raise SpecificationError now if no file could be written into `path` later."""
    if not path.is_dir():
        raise SpecificationError(f"cannot write into {str(path)!r}: it is no folder")
    check_writable(path / "any")


def make_folder(path: Path) -> None:
    """Make the folder `path` if there is none. Raise SpecificationError now if it cannot be written into later."""
    if not path.exists() and path.parent.is_dir():
        try:
            path.mkdir()
        except OSError as error:
            raise SpecificationError(f"cannot make the folder {str(path)!r}: {error.strerror}") from error
    check_folder(path)


def write_whole(path: Path, text: str) -> None:
    """Put `text` into `path` in one step: a reader sees the old file or the new one, never a part.

    A link is followed; what is no regular file (a pipe, a device) is written to as it is.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise SpecificationError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
