"""The methods that a node offers, and the codes of the errors by which it refuses them.

| method | parameters | result |
|---|---|---|
| `submitEpochProofBid` | `epoch`, `basisPointFee` | null; the seed's |
| `submitEpochProof` | `epoch`, `proof`: 0x-hexadecimal | null; it is kept, and sent once the epoch is claimed |
| `getQuotes` | `epoch` | an array of `{prover, epoch, basisPointFee}`, the cheapest first |
| `getClaim` | `epoch` | `{status, prover, proposer, basisPointFee, slot}`; without a claim all but `status` are null |
| `getStatus` | | the fields of `operator.NodeStatus` |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from coordination.chain.quote import NOBODY, Claim
from coordination.node.api.jsonrpc import Method, RpcError
from coordination.node.api.operator import Operator
from coordination.node.api.parameters import plain, proof, record, unsigned
from coordination.node.core import errors
from coordination.node.core.errors import Refused

# A name keeps its code for ever. JSON-RPC leaves positive codes to applications.
CODES = {
    errors.INVALID_BASIS_POINT_FEE: 1,
    errors.EPOCH_NO_LONGER_CLAIMABLE: 2,
    errors.PROOF_PHASE_ENDED: 3,
    errors.NOT_A_PROVER: 4,
    errors.L1_UNREACHABLE: 5,
}
OTHER = 1_000  # a name that has no code of its own

_UINT256, _UINT32 = unsigned(256), unsigned(32)


def methods_of(operator: Operator) -> Mapping[str, Method]:
    """What can be called on a node, by name."""

    async def get_quotes(epoch: int) -> list[dict[str, Any]]:
        return [record(quote) for quote in await operator.quotes(epoch)]

    async def get_claim(epoch: int) -> dict[str, Any]:
        return _claim(await operator.claim(epoch))

    async def get_status() -> dict[str, Any]:
        return record(await operator.status())

    methods = {
        "submitEpochProofBid": Method(operator.bid, {"epoch": _UINT256, "basisPointFee": _UINT32}),
        "submitEpochProof": Method(operator.hand_in, {"epoch": _UINT256, "proof": proof}),
        "getQuotes": Method(get_quotes, {"epoch": _UINT256}),
        "getClaim": Method(get_claim, {"epoch": _UINT256}),
        "getStatus": Method(get_status, {}),
    }
    return {name: Method(_telling_refusals(call), parameters) for name, (call, parameters) in methods.items()}


def _telling_refusals(call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    async def told(*values: object) -> object:
        try:
            return await call(*values)
        except Refused as refused:
            code = CODES.get(refused.error, OTHER)
            raise RpcError(code, str(refused), {"error": refused.error}) from refused

    return told


def _claim(claim: Claim) -> dict[str, Any]:
    was_claimed = claim.prover != NOBODY
    fields = {
        "prover": claim.prover,
        "proposer": claim.proposer,
        "basisPointFee": claim.basis_point_fee,
        "slot": plain(claim.slot),
    }
    return {"status": claim.status.name, **(fields if was_claimed else dict.fromkeys(fields))}
