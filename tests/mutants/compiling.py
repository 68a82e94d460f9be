"""Mutants to bytecode, all in one process, one after the other while the ones before are being judged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence

from coordination.chain.deployment import ROLLUPS
from tests.mutants.mutant import Mutant
from tests.mutants.statements import CONTRACTS


def compiled(mutants: Sequence[Mutant], design: str) -> Iterator[bytes | None]:
    """The creation bytecode of each mutant in `design`; None for one that does not compile."""
    name = ROLLUPS[design]
    wanted = f"src/{name}.sol:{name}"
    question = json.dumps({"wanted": [wanted], "sets": [{mutant.file: mutant.text} for mutant in mutants]})
    command = ["node", "tools/compile-stdin.mjs"]
    with subprocess.Popen(command, cwd=CONTRACTS, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
        assert node.stdin
        assert node.stdout
        try:
            with node.stdin:
                node.stdin.write(question)
            for answer in map(json.loads, node.stdout):
                yield None if "error" in answer else bytes.fromhex(answer["contracts"][wanted]["bytecode"][2:])
        finally:
            node.terminate()
    # A terminated process has a code below 0; node itself says 1.
    if node.returncode > 0:
        raise RuntimeError(f"the compiler's process ended with code {node.returncode}")
