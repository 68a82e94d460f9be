"""How far conformance reaches, and what the rollup assumes of its token: what is promised with one that misbehaves.

Each sentence is shown by a test, on a contract of `contracts/test/tokens/` that misbehaves in this way.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenKind:
    """A token that is not plain. `contract` is its Solidity name, `lost` the property that does not hold with it.

    Where nothing is lost, `lost` and `not_promised` are empty.
    """

    contract: str
    behaviour: str
    promised: str
    lost: str = ""
    not_promised: str = ""


SCOPE = (
    "Only the calls of the specification are made, with numbers as small as in the instance, by accounts without code; "
    "each is a transaction of its own, sent in a few moments of its slot.",
    "What is compared is what is answered and logged, what the views tell, and all that the contract and its token "
    "store: not Ether, nor what other contracts store.",
)

ASSUMPTIONS = (
    TokenKind(
        "NoReturn",
        "returns nothing from transfer and transferFrom",
        promised="Everything happens as with a plain token.",
    ),
    TokenKind(
        "Reentrant",
        "calls others before and after each transfer",
        promised=(
            "No call gets into the rollup while another runs there, so a bond leaves once; "
            "what its views tell meanwhile was true before that call or is true after it."
        ),
    ),
    TokenKind(
        "ReturnsFalse",
        "returns false where others revert",
        promised="A call whose tokens do not move is rejected and changes nothing; pruning needs no token.",
        lost="HONEST_PROVER_SAFE",
        not_promised="While the token refuses, a valid proof in time is rejected, and its bond may be slashed.",
    ),
    TokenKind(
        "Stoppable",
        "can be stopped, so that every transfer reverts",
        promised="A call whose tokens do not move is rejected and changes nothing; pruning needs no token.",
        lost="HONEST_PROVER_SAFE",
        not_promised="While the token refuses, a valid proof in time is rejected, and its bond may be slashed.",
    ),
    TokenKind(
        "Blocklist",
        "refuses transfers from and to some accounts",
        promised="Only calls that would move tokens from or to a refused account are rejected; they change nothing.",
        lost="HONEST_PROVER_SAFE",
        not_promised="Once the token refuses its proposer, a prover cannot be paid either; its bond may be slashed.",
    ),
    TokenKind(
        "FeeOnTransfer",
        "keeps a part of what it moves",
        promised="A payout that the rollup cannot make in full is rejected and changes nothing.",
        lost="BOND_CONSERVATION",
        not_promised="The rollup holds less than its reward pool and bonds together, and cannot pay them all.",
    ),
)
