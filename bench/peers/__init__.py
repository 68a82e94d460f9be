"""Other explorers from PyPI, each in an environment of its own under `.bench/`, made on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.measuring import ROOT, Command, Failed, run

HOME = ROOT / ".bench"


@dataclass(frozen=True)
class Peer:
    """A package of PyPI that depends on nothing else, and the model of two-phase commit written for it here."""

    name: str
    version: str
    python: tuple[int, int]  # the least that it runs on
    model: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def count(self, managers: int) -> Command:
        """The command that counts. Raises Failed where the peer cannot be installed."""
        return [self._environment() / "bin" / "python", Path(__file__).with_name(self.model), str(managers)]

    def _environment(self) -> Path:
        made = HOME / f"{self.name}-{self.version}"
        if not made.exists():
            HOME.mkdir(exist_ok=True)
            (HOME / ".gitignore").write_text("*\n", encoding="utf-8")
            unfinished = HOME / f"{made.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            self._install(unfinished)
            unfinished.rename(made)
        return made

    def _install(self, folder: Path) -> None:
        package = f"{self.name}=={self.version}"
        python = find_python(self.python)
        try:
            run([python, "-m", "venv", folder])
            run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", package])
        except Failed as failed:
            raise Failed(f"{package} cannot be installed: {failed}") from failed


PEERS = (
    Peer("minicheck", "0.4.0", (3, 9), "minicheck_2pc.py"),
    Peer("musil", "0.36.7", (3, 12), "musil_2pc.py"),
)


def find_python(least: tuple[int, int]) -> Path:
    """A Python of at least this version that can make environments: this one, one on the path, or one of pyenv's."""
    check = f"import ensurepip, sys, venv; sys.exit(sys.version_info < {least})"
    for python in _pythons():
        if subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0:
            return python
    raise Failed(f"wants Python {least[0]}.{least[1]} or newer with its venv module; none was found")


def _pythons() -> Iterator[Path]:
    yield Path(sys.executable)
    for minor in range(12, 16):
        if found := shutil.which(f"python3.{minor}"):
            yield Path(found)
    yield from sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin/python"))
