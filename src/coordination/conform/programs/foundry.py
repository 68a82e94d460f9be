"""A scenario as a test for Foundry: one file, which needs this project's contracts and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import indent, wrap
from typing import Any

from eth_utils.address import to_checksum_address

from coordination.chain.accounts import DEPLOYER, address_of, development_key
from coordination.chain.artifacts import shipped
from coordination.chain.deployment import DIFFICULTY, ROLLUPS
from coordination.conform.programs.decoded import Decoded, decoded, decoded_log
from coordination.conform.programs.scenario import Call, Scenario
from coordination.conform.rollup.setup import SPONSOR, Drawn

_FILE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {{IERC20Errors}} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {{IProverCoordination}} from "src/IProverCoordination.sol";
import {{ProverCoordination}} from "src/ProverCoordination.sol";
import {{{rollup}}} from "src/{rollup}.sol";
import {{{schedule}}} from "src/dev/{schedule}.sol";
import {{TestToken}} from "src/dev/TestToken.sol";
import {{WorkVerifier}} from "src/dev/WorkVerifier.sol";

/// The cheatcodes that are used here.
interface Vm {{
    struct Log {{
        bytes32[] topics;
        bytes data;
        address emitter;
    }}

    function warp(uint256 timestamp) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function expectRevert(bytes calldata data) external;
    function expectEmit(address emitter) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function load(address contract_, bytes32 slot) external view returns (bytes32);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
}}

{title}
contract DivergenceTest {{
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

{accounts}

    TestToken private token;
    {rollup} private rollup;

    function setUp() public {{
{setup}
    }}

    function test_TheContractDoesWhatTheSpecificationSays() public {{
{calls}
    }}

    /// The quote, taken by a key for a slot of this rollup on this chain.
    function _take(uint256 key, address prover, uint256 epoch, uint32 basisPointFee, uint256{slot})
        private
        {mutability}
        returns (IProverCoordination.Quote memory)
    {{
{digest}
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return IProverCoordination.Quote(prover, epoch, basisPointFee, IProverCoordination.Signature(v, r, s));
    }}

    /// How many events the rollup has emitted since vm.recordLogs().
    function _emitted() private returns (uint256 count) {{
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {{
            if (logs[i].emitter == address(rollup)) ++count;
        }}
    }}
}}
"""

_DIGESTS: Mapping[str, str] = {
    "0.1.0": """\
bytes32 digest = keccak256(abi.encode(prover, epoch, basisPointFee));""",
    "0.2.0": """\
bytes32 domain = keccak256(
    abi.encode(
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
        keccak256("ProverCoordination"),
        keccak256("0.2.0"),
        block.chainid,
        address(rollup)
    )
);
bytes32 message = keccak256(
    abi.encode(
        keccak256("Take(address prover,uint256 epoch,uint32 basisPointFee,uint256 slot)"),
        prover,
        epoch,
        basisPointFee,
        slot
    )
);
bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, message));""",
}


def foundry_test(scenario: Scenario) -> str:
    """The file: to be put in `contracts/test`, and run there by `forge test`."""
    return _Solidity(scenario).file()


class _Solidity:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._there = scenario, scenario.there
        names = {**scenario.setup.names, SPONSOR: "sponsor", address_of(DEPLOYER): "deployer"}
        self._accounts = {address: name.upper() for address, name in names.items()}
        self._places = {self._there.rollup: "address(rollup)", self._there.token: "address(token)"}
        self._artifacts = (shipped(ROLLUPS[scenario.setup.version]), shipped("TestToken"))

    def file(self) -> str:
        setup = self._scenario.setup
        calls = [*map(self._call, self._scenario.calls), *self._stored(), *self._told()]
        return _FILE.format(
            rollup=ROLLUPS[setup.version],
            schedule=self._schedule()[0],
            title="\n".join(f"/// {line}" for line in wrap(self._scenario.title, 110)),
            accounts=indent("\n".join(self._constants()), "    "),
            setup=indent("\n".join(self._deployed()), " " * 8),
            calls=indent("\n".join(calls), " " * 8),
            digest=indent(_DIGESTS[setup.version], " " * 8),
            slot=" slot" if setup.version == "0.2.0" else "",  # which 0.1.0 does not sign
            mutability="view" if setup.version == "0.2.0" else "pure",
        )

    def _constants(self) -> Iterator[str]:
        for address, name in self._accounts.items():
            yield f"address private constant {name} = {address};"
        for name in self._scenario.setup.names.values():
            yield f"uint256 private constant {name.upper()}_KEY = 0x{development_key(name).to_bytes().hex()};"

    def _deployed(self) -> Iterator[str]:
        setup = self._scenario.setup
        holdings = {**setup.holdings, SPONSOR: setup.reward_pool + setup.gift}
        schedule, seed, proposers = self._schedule()
        yield from self._array("address", "holders", map(self._literal, holdings))
        yield from self._array("uint256", "amounts", map(self._literal, holdings.values()))
        yield from self._array("address", "proposers", map(self._literal, proposers))
        yield from (
            "vm.startPrank(DEPLOYER);",
            "token = new TestToken(holders, amounts);",
            f"{schedule} schedule = new {schedule}({seed}proposers);",
            f"WorkVerifier verifier = new WorkVerifier({DIFFICULTY});",
            "ProverCoordination.Config memory config;",
            "(config.token, config.schedule, config.verifier) = (token, schedule, verifier);",
        )
        yield from (f"config.{_camel_case(name)} = {value:_};" for name, value in asdict(setup.parameters).items())
        yield from (
            f"rollup = new {ROLLUPS[setup.version]}(config);",
            "vm.stopPrank();",
            f'require(address(rollup) == {self._there.rollup}, "signatures are for a rollup at this address");',
            "for (uint256 i = 0; i < holders.length; ++i) {",
            "    vm.prank(holders[i]);",
            "    token.approve(address(rollup), type(uint256).max);",
            "}",
            "vm.prank(SPONSOR);",
            f"rollup.fundRewards({setup.reward_pool:_});",
            "vm.prank(SPONSOR);",
            f"require(token.transfer(address(rollup), {setup.gift:_}));",
        )

    def _schedule(self) -> tuple[str, str, Sequence[str]]:
        """The contract, what comes before the addresses among its constructor's arguments, and these."""
        schedule = self._scenario.setup.schedule
        if isinstance(schedule, Drawn):
            return "ValidatorSet", f"{self._literal(schedule.seed)}, ", schedule.validators
        return "FixedSchedule", "", schedule.proposers

    def _array(self, kind: str, name: str, given: Iterable[str]) -> Iterator[str]:
        values = list(given)
        yield f"{kind}[] memory {name} = new {kind}[]({len(values)});"
        yield from (f"{name}[{number}] = {value};" for number, value in enumerate(values))

    def _call(self, call: Call) -> str:
        lines = [f"// in slot {self._scenario.setup.slot_at(call.timestamp)}: {call.message.text}"]
        lines.append(f"vm.warp({call.timestamp:_});")
        lines += self._rejected(call) if call.expected.reverts is not None else self._accepted(call)
        return "\n".join(["{", *(f"    {line}" for line in lines), "}"])

    def _rejected(self, call: Call) -> Iterator[str]:
        error = decoded("error", call.expected.reverts or b"", self._artifacts)
        data = self._error(error) if error else self._literal(call.expected.reverts)
        prepared, typed = self._typed(call)
        yield from prepared
        yield f"vm.prank({self._literal(call.message.sender)});"
        if typed:
            yield f"vm.expectRevert({data});"
            yield f"{typed};"
        else:
            yield self._raw(call)
            yield f"require(!succeeded && keccak256(answer) == keccak256({data}));"

    def _accepted(self, call: Call) -> Iterator[str]:
        prepared, typed = self._typed(call)
        yield from prepared
        yield "vm.recordLogs();"
        for log in call.expected.logs:
            event = decoded_log(log, self._artifacts[0])
            yield "vm.expectEmit(address(rollup));"
            yield f"emit IProverCoordination.{event.name}({self._literals(event.values)});"
        yield f"vm.prank({self._literal(call.message.sender)});"
        if typed:
            yield f"{typed};"
        else:
            yield self._raw(call)
            yield "require(succeeded && answer.length == 0);"
        yield f'require(_emitted() == {len(call.expected.logs)}, "the rollup must emit this and nothing else");'

    def _typed(self, call: Call) -> tuple[list[str], str | None]:
        """What has to be prepared for a call, and the call; None if its data are none that Solidity would make."""
        function = decoded("function", call.message.data, self._artifacts)
        if function is None:
            return [], None
        if function.taken:
            quote, signature = function.taken
            signer = self._scenario.taker(quote, signature, call.timestamp)
            fields = ", ".join(map(self._literal, quote))
            slot = self._scenario.setup.slot_at(call.timestamp)
            signed = f"IProverCoordination.Signature({', '.join(map(self._literal, signature))})"
            value = (
                f"_take({signer.upper()}_KEY, {fields}, {slot:_})"
                if signer
                else f"IProverCoordination.Quote({fields}, {signed})"
            )
            return [f"IProverCoordination.Quote memory quote = {value};"], "rollup.claimProofRight(quote)"
        contract = "token" if function.artifact == "TestToken" else "rollup"
        return [], f"{contract}.{function.name}({', '.join(map(self._literal, function.values))})"

    def _raw(self, call: Call) -> str:
        data = self._literal(call.message.data)
        return f"(bool succeeded, bytes memory answer) = {self._places[call.message.to]}.call({data});"

    def _error(self, error: Decoded) -> str:
        contract = "IERC20Errors" if error.artifact == "TestToken" else "IProverCoordination"
        return f"abi.encodeWithSelector({contract}.{error.name}.selector, {self._literals(error.values)})"

    def _literals(self, values: Iterable[Any]) -> str:
        return ", ".join(map(self._literal, values))

    def _literal(self, value: Any) -> str:
        if isinstance(value, str):
            address = to_checksum_address(value)
            return self._places.get(address) or self._accounts.get(address) or address
        if isinstance(value, bytes):
            return f'hex"{value.hex()}"'
        return f"{value:_}" if type(value) is int else str(value).lower()

    def _stored(self) -> Iterator[str]:
        for word in self._scenario.stored:
            found = f"vm.load({self._places[word.contract]}, bytes32(uint256({word.slot:#066x})))"
            yield f'require(uint256({found}) == {word.value:#066x}, "{word.name}");'

    def _told(self) -> Iterator[str]:
        view = self._scenario.view
        if view:
            data, returns = self._literal(view.message.data), self._literal(view.returns)
            yield "{"
            yield f"    vm.warp({self._scenario.timestamp:_});"
            yield f"    (bool succeeded, bytes memory answer) = address(rollup).staticcall({data});"
            yield f'    require(succeeded && keccak256(answer) == keccak256({returns}), "{view.message.text}");'
            yield "}"


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
