"""Hypothesis, so that the same seed gives the same run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import seed as seeded
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_rules(rules: type[RuleBasedStateMachine], *, seed: int, examples: int, steps: int, shrink: bool = True) -> None:
    """Make so many runs of so many steps. Raises what a rule raises first, at the end of a shortest run (`shrink`)."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with _alone():
        run_state_machine_as_test(seeded(seed)(rules), settings=chosen)


@contextmanager
def _alone() -> Iterator[None]:
    """Hypothesis keeps a directory, by default in the working directory.

    And it takes over numbers from the source of whatever modules are loaded, on which no run should depend.
    """
    with (
        TemporaryDirectory() as home,
        patch.object(providers, "_get_local_constants", Constants),
        patch.object(providers, "CONSTANTS_CACHE", LRUCache(1024)),
    ):
        set_hypothesis_home_dir(home)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
