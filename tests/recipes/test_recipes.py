"""Every recipe that can run here fetches a token from the stack; the others are at least sound."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from local.template import ROOT
from local.tools.node import NODE, installed
from tests.cli.conftest import environment
from tests.e2e.harness import Stack

HERE = Path(__file__).parent


class Recipe(NamedTuple):
    """One block of the page."""

    title: str
    runs: bool
    kind: str
    text: str


def recipes() -> Iterator[Recipe]:
    """Every block, under its heading."""
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for mark, kind, text in re.findall(
            r"(<!-- run -->\n)?```(\w+)\n(.*?)```", section, re.DOTALL
        ):
            yield Recipe(title, bool(mark), kind, text)


RUN = [one for one in recipes() if one.runs]
REST = [one for one in recipes() if not one.runs]


@pytest.fixture(scope="module")
def connection(stack: Stack) -> str:
    return stack.connect()


@pytest.mark.parametrize("recipe", RUN, ids=[one.title for one in RUN])
def test_it_fetches_a_token(recipe: Recipe, stack: Stack, connection: str, tmp_path: Path) -> None:
    if recipe.kind == "js":
        (tmp_path / "node_modules").symlink_to(installed(HERE))
    name, command = {
        "bash": ("recipe.sh", ["bash", "-eu", "recipe.sh"]),
        "python": ("recipe.py", [sys.executable, "-W", "error", "recipe.py"]),
        "js": ("recipe.mjs", [str(NODE), "recipe.mjs"]),
    }[recipe.kind]
    (tmp_path / name).write_text(recipe.text, encoding="utf-8")
    script = tmp_path / "token-broker"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m token_broker "$@"\n')
    script.chmod(0o700)
    paths = [str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]]
    given = {"API_URL": stack.api_url, "CONNECTION": connection, "PATH": ":".join(paths)}
    env = {**environment(stack, "team-a"), **given, "HOME": str(tmp_path)}
    env["PYTHONPATH"] = str(ROOT / "layers" / "client")
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert stack.fetch(connection)["access_token"] in done.stdout


README = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", README, ids=["with the client", "without it"])
def test_the_readmes_blocks_work_as_printed(block: str, stack: Stack, connection: str) -> None:
    env = {**environment(stack, "team-a"), "API_URL": stack.api_url, "PATH": os.environ["PATH"]}
    env["PYTHONPATH"] = str(ROOT / "layers" / "client")
    text = block.replace("marketing-jp", connection) + "print(token)\n"
    command = [sys.executable, "-W", "error", "-c", text]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == stack.fetch(connection)["access_token"]


@pytest.mark.parametrize("recipe", REST, ids=[one.title for one in REST])
def test_what_cannot_run_here_is_well_formed(recipe: Recipe) -> None:
    parse: dict[str, Callable[[str], Any]] = {
        "python": ast.parse,
        "json": json.loads,
        "yaml": yaml.safe_load,
    }
    assert parse[recipe.kind](recipe.text)


def test_ticks_mark_what_is_run() -> None:
    assert all(one.title.endswith("✓") == one.runs for one in recipes())
    assert len(RUN) == 6


def test_the_lock_file_names_no_host_and_checks_every_package() -> None:
    found = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert "resolved" not in json.dumps(found)
    assert all("integrity" in one for path, one in found.items() if path)
