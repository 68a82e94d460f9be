"""Solvers: each decides one SMT-LIB text, by itself, in a process that knows nothing else of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

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


_SHARED = ("smt.random_seed", "timeout")  # options that Z3 sets for the whole process, whatever the context


class Z3:
    def __init__(self) -> None:
        self.name = f"z3 {version('z3-solver')}"

    def decide(self, text: str, seconds: float, seed: int) -> Answer:
        import z3

        options = {
            "produce-unsat-cores": "true",
            "smt.random_seed": seed,
            "timeout": int(seconds * 1000),
            "ctrl_c": "false",  # Python minds it
        }
        context = z3.Context()  # of its own: what was asked before must not matter

        def say(commands: str) -> str:
            try:
                return str(
                    _heeding_interrupts(context, lambda: z3.Z3_eval_smtlib2_string(context.ref(), commands))
                ).strip()
            except z3.Z3Exception as error:
                raise SpecificationError(f"{self.name} does not understand a condition: {error}") from error

        started, elsewhere = time.perf_counter(), {name: z3.get_param(name) for name in _SHARED}
        try:
            said = say("".join(f"(set-option :{name} {value})\n" for name, value in options.items()) + text)
            core = _names(say("(get-unsat-core)")) if said == Outcome.UNSAT else frozenset[str]()
            reason = say("(get-info :reason-unknown)") if said == Outcome.UNKNOWN else ""
        finally:
            for name, value in elsewhere.items():
                z3.set_param(name, value)
        return Answer(_outcome(self.name, said), time.perf_counter() - started, core, reason)


def _heeding_interrupts(context: Any, ask: Callable[[], Any]) -> Any:
    """What `ask` returns; Z3 would go on to its end before Python heard of Ctrl-C, and so it asks in another thread."""
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ask)
        try:
            return answer.result()
        except KeyboardInterrupt:
            context.interrupt()
            raise


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
        try:
            while not (command := parser.nextCommand()).isNull():
                said += str(command.invoke(solver, parser.getSymbolManager()))
        except RuntimeError as error:
            raise SpecificationError(f"{self.name} does not understand a condition: {error}") from error
        outcome, _, reason = said.strip().partition(" ")
        return Answer(_outcome(self.name, outcome), time.perf_counter() - started, reason=reason)


def _outcome(solver: str, said: str) -> Outcome:
    if said not in tuple(Outcome):
        raise SpecificationError(f"{solver} does not understand a condition: {said or 'it says nothing'}")
    return Outcome(said)


def _names(core: str) -> frozenset[str]:
    """The names in `(one |another one|)`."""
    return frozenset(quoted or plain for quoted, plain in re.findall(r"\|([^|]*)\||([^\s()|]+)", core))
