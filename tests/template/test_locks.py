"""Lock files: every package pinned and hashed, from whatever index the machine uses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from local.template import ROOT

LOCKS = [
    ROOT / "layers" / "dependencies" / "requirements.txt",
    ROOT / "layers" / "client" / "requirements.txt",
    *sorted((ROOT / "requirements").glob("*.txt")),
]
NODE_LOCKS = [
    *(ROOT / "tests").rglob("package-lock.json"),
    *(ROOT / "local").rglob("package-lock.json"),
]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([A-Za-z0-9.+!]+)( ; .+)?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")

pinned = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))


def requirements(lock: Path) -> list[list[str]]:
    """Each requirement with its hashes, comments left out."""
    joined = lock.read_text().replace("\\\n", "\0")
    lines = (line.partition("#")[0].strip() for line in joined.splitlines())
    return [[word.strip() for word in line.split("\0") if word.strip()] for line in lines if line]


@pinned
def test_everything_is_pinned_and_hashed(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for pin, *hashes in found:
        assert PIN.match(pin), pin
        assert hashes, pin
        assert all(HASH.match(one) for one in hashes), pin


@pinned
def test_no_index_is_named(lock: Path) -> None:
    """Options and addresses belong to the machine, not to the project."""
    for pin, *_ in requirements(lock):
        assert not pin.startswith("-")
    text = lock.read_text()
    assert "://" not in text
    assert " @ " not in text


@pinned
def test_lock_holds_what_is_asked_for(lock: Path) -> None:
    names = {PIN.sub(r"\1", pin) for pin, *_ in requirements(lock)}
    for line in lock.with_suffix(".in").read_text().splitlines():
        wanted = re.match(r"[A-Za-z0-9._-]+", line)
        if wanted and not line.startswith(("-", "#")):
            assert re.sub("[_.]", "-", wanted[0].lower()) in names, line


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_packages_of_node_are_checked_and_from_nowhere(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert "resolved" not in json.dumps(packages)
    assert all("integrity" in one for name, one in packages.items() if name)


def test_tests_run_with_the_layers_versions() -> None:
    layer = {pin for pin, *_ in requirements(LOCKS[0])}
    assert layer <= {pin for pin, *_ in requirements(ROOT / "requirements" / "dev.txt")}
