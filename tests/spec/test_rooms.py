"""Rooms use only rooms below them: the specification knows no checker, the language and the checkers no protocol."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import coordination.machine

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "spec" / "coordination_spec"
MACHINE = ROOT / "src" / "coordination" / "machine"
EXPLORE = ROOT / "src" / "coordination" / "explore"
PROVE = ROOT / "src" / "coordination" / "prove"
CHAIN = ROOT / "src" / "coordination" / "chain"
CONFORM = ROOT / "src" / "coordination" / "conform"
NODE = ROOT / "src" / "coordination" / "node"
CORE = NODE / "core"

OURS = ("coordination", "coordination_spec", "tests", "bench")

CHECKERS = ("coordination.machine", "coordination.explore", "coordination.named")
ANY_CHAIN = [f"coordination.chain.{each}" for each in ("artifacts", "chain", "evm", "quote.Address", "storage")]

ANY_CONTRACT = sorted(CONFORM.glob("*.py"))
THIS_CONTRACT = ("rollup", "programs", "fuzz")  # rooms of conformance, each above those before it
THE_NODE = "node"  # a room of conformance beside those
PROVER = ("reading", "bmc", "explaining", "deciding", "vacuity")  # rooms of the prover, each above those before it

# What is heavy, or reaches out of the process, and where in a node it may.
LIBRARIES = {
    "hypercorn": ["api"],
    "libp2p": ["gossip"],
    "prometheus_client": ["metrics"],
    "requests": ["api", "l1"],
    "sqlite3": ["store"],
    "starlette": ["api"],
    "structlog": ["logs"],
    "web3": ["devnet", "l1"],
}
PURE = {"__future__", "bisect", "collections", "dataclasses", "enum", "itertools", "typing", "coordination", "eth_keys"}


def imports(source: str, package: str) -> Iterator[str]:
    """Everything of this project that `source` imports, wherever it does: in a function, for types only, relatively."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in OURS)


def outside(directory: Path, *allowed: str) -> list[str]:
    """What the modules of a directory import of this project beyond the packages that they may."""
    return beyond(directory.rglob("*.py"), *allowed)


def beyond(files: Iterable[Path], *allowed: str) -> list[str]:
    """What modules import of this project beyond the packages that they may."""
    modules = sorted(files)
    assert modules, "there is nothing to look at"
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules
        for name in imports(path.read_text(), package_of(path))
        if not any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)
    ]


def package_of(path: Path) -> str:
    """The package that a module of src/ or spec/ is in."""
    return ".".join(path.parent.relative_to(ROOT).parts[1:])


def test_the_specification_imports_the_language_and_nothing_of_the_checkers() -> None:
    assert outside(SPEC, "coordination_spec", "coordination.machine") == []


def test_the_specification_imports_the_language_by_its_front_door() -> None:
    words = {f"coordination.machine.{word}" for word in coordination.machine.__all__}
    assert outside(SPEC, "coordination_spec", *words) == []


def test_the_language_imports_nothing_above_it() -> None:
    assert outside(MACHINE, "coordination.machine") == []


def test_the_explorer_imports_nothing_of_the_protocol() -> None:
    assert outside(EXPLORE, "coordination.machine", "coordination.explore") == []


def test_the_prover_imports_nothing_of_the_protocol() -> None:
    assert outside(PROVE, "coordination.machine", "coordination.explore", "coordination.prove") == []


@pytest.mark.parametrize("number", range(len(PROVER)), ids=PROVER)
def test_a_room_of_the_prover_imports_nothing_of_those_above_it(number: int) -> None:
    rooms = [f"coordination.prove.{room}" for room in PROVER[: number + 1]]
    assert outside(PROVE / PROVER[number], *rooms, "coordination.machine", "coordination.explore") == []


def test_the_rooms_of_the_prover_are_these_and_one_judgement_on_top() -> None:
    assert {path.parent.name for path in PROVE.glob("*/*.py")} == {*PROVER}
    assert {path.stem for path in PROVE.glob("*.py")} == {"__init__", "check"}


def test_the_chain_imports_nothing_of_the_specification_nor_of_the_language() -> None:
    assert outside(CHAIN, "coordination.chain", "coordination.json_text") == []
    assert beyond([CHAIN.parent / "json_text.py"]) == []


def test_conformance_imports_nothing_of_what_reports_it() -> None:
    allowed = ("coordination.conform", "coordination.chain", "coordination.node.core", "coordination_spec", *CHECKERS)
    assert outside(CONFORM, *allowed) == []


def test_only_the_simulated_world_imports_the_node_and_of_it_the_core() -> None:
    others = [path for path in CONFORM.rglob("*.py") if path.parent != CONFORM / THE_NODE]
    assert beyond(others, "coordination.conform", "coordination.chain", "coordination_spec", *CHECKERS) == []
    allowed = ("coordination.chain", "coordination.node.core", "coordination_spec", *CHECKERS)
    assert outside(CONFORM / THE_NODE, *conform(THE_NODE), *allowed) == []


def conform(*names: str) -> list[str]:
    """Modules and rooms of conformance, and the modules that are for any contract."""
    return [f"coordination.conform.{each}" for each in (*names, *(path.stem for path in ANY_CONTRACT))]


def test_conformance_of_any_contract_knows_no_protocol() -> None:
    assert beyond(ANY_CONTRACT, *conform(), *ANY_CHAIN, *CHECKERS) == []


@pytest.mark.parametrize("number", range(len(THIS_CONTRACT)), ids=THIS_CONTRACT)
def test_a_room_of_conformance_imports_nothing_of_those_above_it(number: int) -> None:
    rooms = conform(*THIS_CONTRACT[: number + 1])
    assert outside(CONFORM / THIS_CONTRACT[number], *rooms, "coordination.chain", "coordination_spec", *CHECKERS) == []


def test_the_rooms_of_conformance_are_these() -> None:
    assert {path.parent.name for path in CONFORM.glob("*/*.py")} == {*THIS_CONTRACT, THE_NODE}


def test_a_node_imports_nothing_of_the_specification_nor_of_what_checks_it() -> None:
    assert outside(NODE, "coordination.node", "coordination.chain", "coordination.json_text") == []


def test_a_nodes_core_imports_nothing_of_what_stands_around_it() -> None:
    data = [f"coordination.chain.{each}" for each in ("accounts", "deployment", "quote", "signing")]
    assert outside(CORE, "coordination.node.core", *data) == []


def packages(path: Path) -> set[str]:
    """Every package that a module imports, by the first part of its name."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


def test_a_nodes_core_has_nothing_to_reach_out_of_it_with() -> None:
    assert {path.name: packages(path) - PURE for path in CORE.glob("*.py") if packages(path) - PURE} == {}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_used_where_it_belongs(library: str) -> None:
    users = {path.relative_to(NODE).parts[0] for path in NODE.rglob("*.py") if library in packages(path)}
    assert users
    assert {name.removesuffix(".py") for name in users} <= {*LIBRARIES[library]}


@pytest.mark.parametrize(
    "source",
    [
        "import coordination.explore.check",
        "from coordination.explore import check",
        "from coordination.explore.check import check",
        "from coordination import explore",
        "from .. import explore",
        "from ..explore.check import check",
        "def f():\n    from coordination.explore.check import check",
        "if TYPE_CHECKING:\n    import coordination.explore",
        "importlib.import_module('coordination.explore.check')",
    ],
)
def test_an_import_is_seen_wherever_it_hides(source: str) -> None:
    assert any(name.startswith("coordination.explore") for name in imports(source, "coordination.machine"))


def test_other_packages_are_not_ours() -> None:
    assert list(imports("import coordinations\nfrom numpy import array\nfrom . import terms", "x.y")) == []
