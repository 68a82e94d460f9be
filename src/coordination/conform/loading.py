"""Finding and deploying another's adapter: what is wrong with it is told in one line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from coordination.chain.artifacts import Artifact
from coordination.chain.chain import Chain
from coordination.conform.adapter import Adapter, MakeAdapter
from coordination.machine import Instance, Machine, SpecificationError
from coordination.named import import_named, one_line, there_are

EXAMPLE = "examples.another_contract.adapter:EpochAuctionAdapter"

_MEMBERS = [name for name in vars(Adapter) if not name.startswith("_")]
_METHODS = [name for name in _MEMBERS if inspect.isfunction(vars(Adapter)[name])]
_DATA = re.compile(r"0x((?:[0-9a-f]{2}){4,})")


def load_adapter(reference: str) -> MakeAdapter:
    """The adapter class at `module:Class`; the working directory is importable.

    Raises SpecificationError if there is none, or if it lacks a method. What the class raises while it deploys or
    answers is raised as SpecificationError too, with the line of its source that it came from.
    """
    module, name = import_named(reference, "adapter", EXAMPLE)
    found = getattr(module, name, None)
    if not inspect.isclass(found):
        adapters = [
            key for key, value in vars(module).items() if inspect.isclass(value) and not _missing(value, _METHODS)
        ]
        raise SpecificationError(f"{module.__name__}.{name} is no class" + there_are({*adapters} - {"Adapter"}, name))
    _require(reference, found, _METHODS)

    def make(machine: Machine, instance: Instance, artifact: Artifact, chain: Chain) -> Adapter:
        told = _telling(reference, Path(inspect.getfile(found)), artifact)
        adapter = told(found)(machine, instance, artifact, chain)
        _require(reference, adapter, _MEMBERS)
        members = {name: getattr(adapter, name) for name in _MEMBERS}
        return cast(Adapter, SimpleNamespace(**members | {name: told(members[name]) for name in _METHODS}))

    return make


def _require(reference: str, found: object, members: Sequence[str]) -> None:
    missing = _missing(found, members)
    if missing:
        raise SpecificationError(f"{reference} is no adapter: it has no {', '.join(missing)}")


def _missing(found: object, members: Sequence[str]) -> list[str]:
    return [name for name in members if not hasattr(found, name)]


def _telling(reference: str, source: Path, artifact: Artifact) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: what a function raises is told in one line, revert data in it by the error's name."""

    def named(data: re.Match[str]) -> str:
        return artifact.explain_error(bytes.fromhex(data[1])) or data[0]

    @contextmanager
    def telling() -> Iterator[None]:
        try:
            yield
        except SpecificationError:
            raise
        except Exception as error:
            raise SpecificationError(f"{reference}: {_DATA.sub(named, one_line(error, source))}") from error

    return telling()
