"""What `spec/README.md` says of the specification is so: its links, its tables, and the program that it shows."""

from __future__ import annotations

import contextlib
import io
import re
from importlib import import_module
from pathlib import Path

import pytest

from coordination_spec import words
from coordination_spec.instances import NAMES, SCENARIOS
from coordination_spec.properties import SAFETY
from tests.spec.test_dropped_rules import TABLE

README = Path(__file__).parents[2] / "spec" / "README.md"
TEXT = README.read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", TEXT)


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the tables under a heading, by their first cell, which no two of them share."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    found = {row[0].strip("` "): row for row in cells}
    assert len(found) == len(lines) > 0
    return found


@pytest.mark.parametrize(("label", "target"), sorted(set(LINKS)))
def test_every_link_leads_to_what_it_names(label: str, target: str) -> None:
    path = README.parent / target
    assert path.exists()
    name = label.strip("`")
    if path.suffix != ".py" or name == path.name:
        assert name in (path.name, path.stem)
        return
    module = import_module(f"coordination_spec.{path.stem}")
    assert any(hasattr(owner, name) for owner in (module, getattr(module, "World", None)))


def test_every_safety_property_is_listed_with_its_statement_and_what_it_rests_on() -> None:
    listed = rows("Safety properties")
    for prop in SAFETY:
        _, statement, function, rests_on = listed.pop(prop.name)
        assert statement == prop.statement
        assert f"`{prop.name.lower()}`" in function
        found = [row.rules for row in TABLE if prop.name in row.first | row.also]
        least = {rules for rules in found if not any(set(other) < set(rules) for other in found)}
        assert set(rests_on.split(", ")) == {"+".join(rules) for rules in least}
        assert set(prop.rules) == {rule for rules in least for rule in rules}
        assert len(prop.rules) == len(set(prop.rules))
    assert listed == {}


def test_every_rule_has_a_row_and_every_error_is_named() -> None:
    ruled = rows("Rules on chain") | rows("Rules off chain")
    assert {rule for row in TABLE for rule in row.rules} - ruled.keys() == {"TST", "EVM"}
    assert "**TST**" in TEXT
    assert "**EVM**" in TEXT
    errors = [value for name, value in vars(words).items() if name.isupper() and isinstance(value, str)]
    assert [error for error in errors if f"`{error}`" not in TEXT] == []


def test_every_instance_is_listed_as_it_is() -> None:
    listed = rows("Instances")
    for scenario in SCENARIOS:
        _, durations, epochs, slots, accounts, _ = listed.pop(scenario.name)
        assert durations == ", ".join(map(str, scenario.durations))
        assert int(epochs) == scenario.epochs
        assert slots == f"{scenario.first_slot} to {scenario.last_slot}"
        assert accounts.split(", ") == [NAMES[account] for account in sorted(scenario.balances)]
    assert listed == {}
    assert [scenario.name for scenario in SCENARIOS if scenario.interchangeable] == ["twins"]


def test_the_program_prints_what_is_shown() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, str(README), "exec"), {})
    assert printed.getvalue() == shown
