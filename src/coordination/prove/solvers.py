"""Solvers: each decides one SMT-LIB text, by itself, in a process that knows nothing else of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from coordination.machine import SpecificationError


class Outcome(StrEnum):
    UNSAT = "unsat"
    SAT = "sat"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """`core` are the names of facts that are enough to exclude each other, or none if the solver does not say which.

    `reason` is why nothing was decided.
    """

    outcome: Outcome
    seconds: float
    core: frozenset[str] = frozenset()
    reason: str = ""


class Solver(Protocol):
    name: str  # with its version

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        """Whether the facts of `text` can be true at once; UNKNOWN after so many seconds."""


class Z3:
    def __init__(self) -> None:
        self.name = f"z3 {version('z3-solver')}"

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        import z3

        options = {
            "produce-unsat-cores": "true",
            "smt.random_seed": seed,
            "timeout": int(seconds * 1000),
        }
        context = z3.Context()  # of its own: what was asked before must not matter

        def say(commands: str) -> str:
            try:
                return str(z3.Z3_eval_smtlib2_string(context.ref(), commands)).strip()
            except z3.Z3Exception as error:
                raise SpecificationError(f"{self.name} does not understand a condition: {error}") from error

        started = time.perf_counter()
        said = say("".join(f"(set-option :{name} {value})\n" for name, value in options.items()) + text)
        core = _names(say("(get-unsat-core)")) if said == Outcome.UNSAT else frozenset[str]()
        reason = say("(get-info :reason-unknown)") if said == Outcome.UNKNOWN else ""
        if "interrupted" in reason:
            raise KeyboardInterrupt
        return Answer(_outcome(self.name, said), time.perf_counter() - started, core, reason)


class Cvc5:
    """Raises SpecificationError where it is not installed."""

    def __init__(self) -> None:
        try:
            self.name = f"cvc5 {version('cvc5')}"
        except PackageNotFoundError as error:
            raise SpecificationError("cvc5 is not installed; pip install 'prover-coordination[recheck]'") from error

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        import cvc5

        solver = cvc5.Solver(cvc5.TermManager())
        for name, value in {"seed": seed, "tlimit-per": int(seconds * 1000)}.items():
            solver.setOption(name, str(value))
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "condition")
        said, started = "", time.perf_counter()
        while not (command := parser.nextCommand()).isNull():
            said += str(command.invoke(solver, parser.getSymbolManager()))
        outcome, _, reason = said.strip().partition(" ")
        return Answer(_outcome(self.name, outcome), time.perf_counter() - started, reason=reason)


def _outcome(solver: str, said: str) -> Outcome:
    if said not in tuple(Outcome):
        raise SpecificationError(f"{solver} does not understand a condition: {said or 'it says nothing'}")
    return Outcome(said)


def _names(core: str) -> frozenset[str]:
    """The names in `(one |another one|)`."""
    return frozenset(quoted or plain for quoted, plain in re.findall(r"\|([^|]*)\||([^\s()|]+)", core))
