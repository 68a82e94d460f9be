"""Why some mutants live: `survivors.toml`, and what in it does not agree with what was found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.judging import Outcome, Verdict

FILE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Explanation:
    """Why these mutants live.

    An *equivalent* mutant does what the contract does wherever the protocol's assumptions hold. One that is not is a
    difference that conformance does not look at.
    """

    is_equivalent: bool
    why: str
    mutants: tuple[str, ...]


def explanations() -> Sequence[Explanation]:
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [
        Explanation(kind == "equivalent", entry["why"], tuple(entry["mutants"]))
        for kind in ("equivalent", "unseen")
        for entry in found.get(kind, [])
    ]


def disagreements(verdicts: Mapping[str, Verdict], explained: Sequence[Explanation]) -> Iterator[str]:
    """What must not be: a survivor without a reason, and a reason without a survivor."""
    reasons = {identity for explanation in explained for identity in explanation.mutants}
    for identity, verdict in verdicts.items():
        if verdict.outcome is Outcome.SURVIVED and identity not in reasons:
            yield f"{identity} lives, and {FILE.name} does not say why"
        if verdict.outcome is not Outcome.SURVIVED and identity in reasons:
            yield f"{identity} is said to live, but: {verdict.outcome} ({verdict.difference})"
    for identity in sorted(reasons - verdicts.keys()):
        yield f"{FILE.name} names {identity}, which no operator makes"
