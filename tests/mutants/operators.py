"""The operators that make a contract wrong, each a small and regular change to the text of its statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from tests.mutants.rewriting import (
    Changes,
    both_ways,
    by_table,
    calls_moved,
    decided,
    each,
    each_left_out,
    guards_swapped,
    negated,
    neighbours_exchanged,
    replacing,
    with_arguments,
    without_operand,
)
from tests.mutants.statements import read


@dataclass(frozen=True)
class Operator:
    """`sentence` says what it does to a contract; `changes` does it, at each place that there is."""

    name: str
    sentence: str
    changes: Changes


CODE, GUARDS, EFFECTS = attrgetter("is_code"), attrgetter("is_guard"), attrgetter("is_effect")

BOUNDS = both_ways({" < ": " <= ", " > ": " >= "})
OPPOSITES = both_ways({" < ": " >= ", " > ": " <= ", " == ": " != "})
ARITHMETIC = both_ways({" + ": " - ", " * ": " / ", " += ": " -= "}) | {" % ": " / "}
AMOUNT = (
    r"(?:(?:block|config|quote|claim)\.)?\b(?:timestamp|genesisTime|slotDuration|slotsPerEpoch|claimSlots|proofSlots"
    r"|slot|epoch|bond|rewardPerEpoch|rewardPool|reward|proverShare|slashed|amount|basisPointFee|[A-Z]+|\d[\d_]*)\b(?![.(])"
)
OPERAND = (
    rf"(?:(?<=[-+*/%<>] )|(?<=[-+<>=!]= )){AMOUNT}|(?<![\w.]){AMOUNT}(?= (?:[-+*/%<>]|[<>=!]=) )|(?<= = )[\d_]+(?=;)"
)
NAME = r"(?<![\w.])[\w.]+(?:\(this\))?"
COUNTERPARTS = both_ways(
    {
        "claim.prover": "claim.proposer",
        "quote.prover": "proposer",
        "msg.sender": "address(this)",
        "proverShare": "proposerShare",
        "reward": "rewardPool",
        "claimSlots": "proofSlots",
        "config.claimSlots": "config.proofSlots",
        "bond": "rewardPerEpoch",
        "config.bond": "config.rewardPerEpoch",
        "MAKE_TYPEHASH": "TAKE_TYPEHASH",
    }
)
NEXT_STATUS = {
    "Status.OPEN": "Status.CLAIMED",
    "Status.CLAIMED": "Status.PROVEN",
    "Status.PROVEN": "Status.PRUNED",
    "Status.PRUNED": "Status.OPEN",
}
UNCHECKED = {
    "SafeCast.toUint96(": "uint96(",
    "token.safeTransfer(": "token.transfer(",
    "token.safeTransferFrom(": "token.transferFrom(",
    "token.trySafeTransferFrom(": "token.transferFrom(",
    "(signer,,) = ECDSA.tryRecover(": "signer = ecrecover(",
}


def _next_errors() -> dict[str, str]:
    """Each declared error, with the next one that has parameters of the same types."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for statement in read("src/IProverCoordination.sol").statements:
        if match := re.match(r"error (\w+)\((.*)\);", statement.text):
            types = tuple(parameter.split()[0] for parameter in match[2].split(", "))
            alike.setdefault(types, []).append(match[1])
    return {name: names[at - len(names) + 1] for names in alike.values() for at, name in enumerate(names) if names[1:]}


def _without_parameter(match: re.Match[str]) -> Iterator[str]:
    for parameters in each_left_out(match[2].split(",")):
        yield f'"{match[1]}({",".join(parameters)})"'


def _off_by_one(sign: str) -> Changes:
    return each(CODE, replacing(OPERAND, lambda match: [f"({match[0]} {sign} 1)"]))


TABLE: Sequence[Operator] = (
    Operator("guard-dropped", "A guard is left out.", each(GUARDS, lambda text: [""])),
    Operator("guards-swapped", "A guard changes places with the next one that can fail with it.", guards_swapped),
    Operator("condition-negated", "A condition is turned round as a whole.", each(CODE, negated)),
    Operator("operand-dropped", "One side of an && or || is left out.", each(CODE, without_operand)),
    Operator(
        "connective-exchanged",
        "&& stands for ||, or || for &&.",
        each(CODE, by_table(r"&&|\|\|", both_ways({"&&": "||"}))),
    ),
    Operator(
        "bound-moved",
        "A comparison takes in, or leaves out, the equal case.",
        each(CODE, by_table(r" [<>]=? ", BOUNDS)),
    ),
    Operator("comparison-turned", "One comparison is turned round.", each(CODE, by_table(r" [<>=!]=? ", OPPOSITES))),
    Operator(
        "error-exchanged",
        "A guard names another error with parameters of the same types.",
        each(GUARDS, by_table(r"(?<=revert )\w+", _next_errors())),
    ),
    Operator(
        "error-unnamed",
        "A guard names no error.",
        each(GUARDS, replacing(r"revert \w+\(.*\);$", lambda _: ["revert();"])),
    ),
    Operator("effect-dropped", "A write, a payment or an event is left out.", each(EFFECTS, lambda text: [""])),
    Operator(
        "effect-doubled",
        "A payment, an event or a sum is made twice.",
        each(attrgetter("is_payment_event_or_sum"), lambda text: [f"{text} {text}"]),
    ),
    Operator("call-moved", "A call of the token changes places with the effect beside it.", calls_moved),
    Operator(
        "sum-overwritten",
        "What should be added to or taken from is overwritten.",
        each(CODE, replacing(r" [-+]= ", lambda _: [" = "])),
    ),
    Operator(
        "arithmetic-exchanged",
        "- stands for +, / for *, or the other way round; or / for %.",
        each(CODE, by_table(r" [-+*/%]=? ", ARITHMETIC)),
    ),
    Operator("one-more", "A number that is compared or calculated with is greater by one.", _off_by_one("+")),
    Operator("one-less", "A number that is compared or calculated with is less by one.", _off_by_one("-")),
    Operator("min-max", "The greater is taken for the lesser.", each(CODE, by_table(NAME, {"Math.min": "Math.max"}))),
    Operator(
        "rounded-up",
        "A division rounds up.",
        each(CODE, replacing(r"(Math\.mulDiv\(.*)\);", lambda match: [f"{match[1]}, Math.Rounding.Ceil);"])),
    ),
    Operator("choice-decided", "Of a ? b : c, only b or c is left.", each(CODE, decided)),
    Operator("name-exchanged", "A name is confused with its counterpart.", each(CODE, by_table(NAME, COUNTERPARTS))),
    Operator(
        "origin-taken",
        "Who sent the transaction is taken for the caller.",
        each(CODE, by_table(NAME, {"msg.sender": "tx.origin"})),
    ),
    Operator("status-exchanged", "A status is confused with the next one.", each(CODE, by_table(NAME, NEXT_STATUS))),
    Operator(
        "arguments-exchanged",
        "Two neighbouring arguments change places.",
        each(CODE, with_arguments(neighbours_exchanged)),
    ),
    Operator(
        "field-dropped",
        "A digest leaves a field out.",
        each(lambda statement: "abi.encode(" in statement.text, with_arguments(each_left_out)),
    ),
    Operator(
        "field-packed", "A digest's fields are packed.", each(CODE, by_table(NAME, {"abi.encode": "abi.encodePacked"}))
    ),
    Operator(
        "text-shortened",
        "A text lacks its last character.",
        each(CODE, replacing(r'"(.*?)."', lambda match: [f'"{match[1]}"'])),
    ),
    Operator(
        "type-shortened",
        "A signed type lacks a parameter.",
        each(CODE, replacing(r'"(\w+)\((.*)\)"', _without_parameter)),
    ),
    Operator(
        "type-widened",
        "A parameter of a signed type has a wider type.",
        each(CODE, replacing(r"uint32(?= basisPointFee[,)])", lambda _: ["uint256"])),
    ),
    Operator(
        "domain-dropped",
        "Typed data is signed without its domain.",
        each(CODE, replacing(r"_hashTypedDataV4\((.*)\);", lambda match: [f"{match[1]};"])),
    ),
    Operator(
        "check-dropped",
        "The plain call stands for the library's careful one.",
        each(CODE, by_table(r"(?:\(signer,,\) = )?\w+\.\w+\(", UNCHECKED)),
    ),
    Operator(
        "return-dropped",
        "A function returns nothing.",
        each(lambda statement: statement.text.startswith("return "), lambda text: [""]),
    ),
    Operator(
        "lock-dropped",
        "A function can be entered again.",
        each(attrgetter("is_header"), replacing(" nonReentrant", lambda _: [""])),
    ),
)
