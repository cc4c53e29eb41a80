"""The token function starts about as fast as anything that talks to DynamoDB and KMS can."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import servers
from local.bench import cold, sample

FLOOR, FIRST = "floor", "import and first call"
HEAVY = (
    "boto3",
    "requests",
    "aws_xray_sdk",
    "broker.providers.token_endpoint",
    "broker.pages",
    "broker.steps.refresh",
)
"""What the function does without."""


@pytest.fixture(scope="module")
def built() -> Iterator[tuple[Path, dict[str, str]]]:
    python = servers.emulator_python()
    with cold.ground(python, json.dumps(sample.event("cold"))) as environment:
        yield python, environment


def test_starts_within_the_floor(built: tuple[Path, dict[str, str]]) -> None:
    """CPU time of fresh processes in turn: the machine's other work hits both alike. The handler's
    import and its first call count; of the floor only the import and the two clients."""
    python, environment = built
    programs = {name: cold.PROGRAMS[name] for name in (FLOOR, FIRST)}
    times = cold.race(python, environment, programs, 5)
    best = min(times[FIRST].cpu) / min(times[FLOOR].cpu)
    assert min(best, cold.ratio(times, FIRST)) <= 1.15


def test_imports_nothing_it_does_not_need(built: tuple[Path, dict[str, str]]) -> None:
    python, environment = built
    code = "import handler, sys, json; print(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run(
        [str(python), "-c", code], check=True, env=environment, capture_output=True, text=True
    ).stdout
    loaded = set(json.loads(shown))
    assert {"broker.steps.token", "botocore"} <= loaded
    assert not loaded & set(HEAVY)


def test_collects_garbage_again_once_it_runs(built: tuple[Path, dict[str, str]]) -> None:
    python, environment = built
    code = "import handler, gc; assert gc.isenabled() and gc.get_freeze_count() > 10_000"
    subprocess.run([str(python), "-c", code], check=True, env=environment)
