"""The linter finds each thing that cannot be read all three ways, where it is, and nothing in specifications that can.

Each golden file adds one bad rule to the panel of lamps; the comment at its end of line says what is to be found there.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import coordination_spec
from coordination.machine import Action, Expected, Property, invariant
from coordination.machine.lint import lint, lint_expression
from coordination.machine.lint_rules import RULES, Finding
from tests.machine.lint_cases import panel as panel_module
from tests.machine.lint_cases.panel import Exact, Function, Lamp, Panel, Watt, Wiring, luck, panel
from tests.two_phase_commit import TWO_PHASE_COMMIT, everybody_committed, nobody_aborts_alone

GOLDEN = sorted(Path(__file__).parent.glob("lint_cases/golden/[a-z]*.py"))


class Rounding:
    """A meter that no instance of the panel has."""

    def reading_of(self, s: Panel, w: Wiring) -> Watt:
        return Watt(round(s.used))


def marks(file: Path) -> list[tuple[str, int, str]]:
    """What `file` says is to be found in it."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = ((number, re.search(r"# lint: ([a-z-]+)$", line)) for number, line in enumerate(lines, start=1))
    return [(file.name, number, mark[1]) for number, mark in found if mark]


def findings(file: Path) -> list[Finding]:
    """What the linter finds in the panel with the rules of `file` added."""
    module = importlib.import_module(f"tests.machine.lint_cases.golden.{file.stem}")
    rules = list(vars(module).values())
    actions = [rule for rule in rules if isinstance(rule, Action)]
    properties = [rule for rule in rules if isinstance(rule, Property)]
    return lint(panel(*actions, meter=getattr(module, "METER", None)), *properties)


def rules_in(prop: Property) -> list[str]:
    return [finding.rule for finding in lint(panel(), prop)]


def rules_of(text: str) -> list[str]:
    return [finding.rule for finding in lint_expression(text, vars(panel_module), s=Panel, w=Wiring)]


@pytest.mark.parametrize("file", GOLDEN, ids=[file.stem for file in GOLDEN])
def test_what_cannot_be_read_is_found_where_it_stands_and_nothing_else_is(file: Path) -> None:
    assert [(Path(it.file).name, it.line, it.rule) for it in findings(file)] == marks(file)
    assert len(marks(file)) == 1


def test_every_rule_of_the_linter_has_a_golden_file() -> None:
    assert {rule for file in GOLDEN for _, _, rule in marks(file)} == set(RULES)


def test_what_a_rule_may_use_is_not_rejected() -> None:
    assert lint(panel(), panel_module.dark) == []


def test_two_phase_commit_is_clean() -> None:
    assert lint(TWO_PHASE_COMMIT, nobody_aborts_alone, everybody_committed) == []


@pytest.mark.parametrize("design", coordination_spec.DESIGNS)
def test_the_shipped_specification_is_clean(design: str) -> None:
    assert lint(coordination_spec.DESIGNS[design]) == []


def test_ordinary_python_is_rejected_only_once_a_rule_names_it() -> None:
    @invariant()
    def lucky(s: Panel, w: Wiring) -> bool:
        return s.used == luck()

    assert lint(panel()) == []
    found = lint(panel(), lucky)
    assert [finding.rule for finding in found] == ["builtin", "builtin", "unknown-call"]
    assert {Path(finding.file).name for finding in found} == {"panel.py"}


def test_a_route_of_an_expected_violation_is_read_too() -> None:
    @invariant()
    def route(s: Panel, w: Wiring) -> bool:
        return not s.locked

    machine = replace(panel(), expected={"CLAIMED": Expected("known", routes=(route,))})
    assert [finding.rule for finding in lint(machine)] == ["not"]


@pytest.mark.parametrize("chosen_by", ["small", "large"])
def test_what_one_instance_of_several_chooses_is_read(chosen_by: str) -> None:
    small = panel().instances["small"]
    worlds = {name: replace(small.constants, limit=Watt(3), meter=Exact()) for name in ("small", "medium", "large")}
    worlds[chosen_by] = replace(worlds[chosen_by], meter=Rounding())
    machine = replace(panel(), instances={name: replace(small, constants=w) for name, w in worlds.items()})
    assert [finding.rule for finding in lint(machine)] == ["builtin"]


def test_a_function_that_no_instance_chooses_is_not_taken_for_readable() -> None:
    calls = [finding for finding in lint(replace(panel(), instances={})) if "reading_of" in finding.reason]
    assert [finding.rule for finding in calls] == ["unknown-call"]


def test_a_rule_without_source_is_not_taken_for_readable() -> None:
    namespace = {"invariant": invariant}
    exec("@invariant()\ndef typed(s, w): return not s.locked", namespace)
    typed = namespace["typed"]
    assert isinstance(typed, Property)
    assert rules_in(typed) == ["unknown-call"]


def test_a_rule_without_annotations_is_known_by_its_role() -> None:
    @invariant()
    def bare(s, w):  # type: ignore[no-untyped-def]
        return w.allows(0, s.used) & (s.lit == w.fuse)

    assert rules_in(bare) == ["whole-map"]


def test_findings_come_sorted_and_the_same_each_time() -> None:
    @invariant()
    def many(s: Panel, w: Wiring) -> bool:
        return max(s.used, 1) is not None and not (s.locked or s.used in (0, 1))

    found = lint(panel(), many)
    assert [finding.rule for finding in found] == ["and-or", "builtin", "identity", "not", "and-or", "membership"]
    assert found == lint(panel(), many)


def test_a_finding_is_one_line_with_its_place_its_reason_and_what_to_write() -> None:
    finding = lint_expression("s.used == 0 and not s.locked")[1]
    assert str(finding) == "<expression>:1:17: not: `not` decides on a state value; write negate(...) instead"
    assert [it.column for it in lint_expression("1 == (s.used) / 2")] == [6]


def test_a_rule_may_be_a_method_and_must_be_a_function() -> None:
    class Claims:
        def claimed(self, s: Panel, w: Wiring) -> bool:
            return not s.locked

    def claimed(number: int, s: Panel, w: Wiring) -> bool:
        return s.used < number

    assert rules_in(replace(panel_module.dark, holds=Claims().claimed)) == ["not"]
    assert rules_in(replace(panel_module.dark, holds=partial(claimed, 3))) == ["unknown-call"]


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_of_the_linter_says_fits_on_one_line(rule: str) -> None:
    said = str(Finding("spec.py", 1, 1, rule, RULES[rule].reason, RULES[rule].instead))
    assert "\n" not in said
    assert said.endswith(" instead")


def test_an_expression_over_words_names_and_variables_is_clean() -> None:
    assert rules_of("forall(Lamp, lambda lamp: implies(s.lit[lamp], w.allows(lamp, s.used)))") == []
    assert rules_of("every_lamp(lambda lamp: s.lit[lamp])") == []
    assert lint_expression("all_of(s.used == 0, exists(Lamp, lambda lamp: s.lit[lamp]))") == []


def test_an_expression_is_held_to_what_a_property_is_held_to() -> None:
    assert rules_of("s.used == 0 and s.locked") == ["and-or"]
    assert rules_of("s.lit.reset()") == ["property-effect"]
    assert rules_of("write_down(s, Order(Lamp(0), NOTHING))") == ["property-effect"] * 3
    assert rules_of("eval('s')") == ["builtin"]
    assert rules_of("open('/etc/passwd')") == ["unknown-call"]
    assert rules_of("random.random()") == ["unknown-call"]
    assert rules_of("turn_on(s, w)") == ["unknown-call"]
    assert [finding.rule for finding in lint_expression("table(1) == 2", {"table": {}})] == ["unknown-call"]
    assert [finding.rule for finding in lint_expression("random.random()")] == ["unknown-call"]


def test_an_expression_may_call_what_the_constants_of_an_instance_bring_along() -> None:
    wiring = Wiring(Watt(3), Function({Lamp(0): 3}), Exact())
    text = "w.meter.reading_of(s, w) == 0"
    assert [finding.rule for finding in lint_expression(text, s=Panel, w=Wiring)] == ["unknown-call"]
    assert lint_expression(text, s=Panel, w=wiring) == []


@pytest.mark.parametrize("text", ["s.used ==", "s.used = 1", "import os", "", "(", "a b\nc"])
def test_what_is_no_expression_is_a_finding_and_not_a_crash(text: str) -> None:
    assert [finding.rule for finding in lint_expression(text)] == ["not-in-the-language"]
