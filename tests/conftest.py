"""One local stack for the session, on free ports and with a state directory of its own; and how
long Hypothesis looks: the same examples each time, few of them for `short` (mutation testing), or
with `long` many new ones.

With pytest-xdist each worker is a session: what lies on a stack is never another worker's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local.settings import Settings
from local.stack import down
from tests.e2e.harness import Stack, up

SLOW = [HealthCheck.too_slow]
"""Says more of the machine than of the test."""

settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, suppress_health_check=SLOW
)
settings.register_profile(
    "short", max_examples=10, deadline=None, derandomize=True, suppress_health_check=SLOW
)
settings.register_profile(
    "long", max_examples=2000, stateful_step_count=100, deadline=None, suppress_health_check=SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real template in the emulator, beside the simulated platform."""
    with up(Settings.apart(tmp_path_factory.mktemp("stack"))) as running:
        yield running


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the stacks of workers that could not: interrupted, or dead."""
    if not hasattr(config, "workerinput"):
        base = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        # Not rglob: what ends meanwhile takes its directories along, and walk passes over them.
        for directory, _, names in os.walk(base):
            if any(name.endswith(".pid") for name in names):
                down(Path(directory))
