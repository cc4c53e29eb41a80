"""The agent's room: a map that is whole, a pure part, and nobody above it but the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import ROOT

CLIENT = ROOT / "layers" / "client" / "token_broker"
ROOM = CLIENT / "agent"
PURE = ("request", "guard", "appservice", "imds", "direct", "answers", "choice", "environment")
OUTSIDE = {"os", "sys", "time", "socket", "asyncio", "requests", "uvicorn", "click", "secrets"}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_map_names_every_module() -> None:
    named = [line.split()[0] for line in (ROOM / "__init__.py").read_text().splitlines() if line]
    modules = {path.stem for path in ROOM.glob("*.py")} - {"__init__"}
    assert modules <= set(named)
    assert set(PURE) <= modules


@pytest.mark.parametrize("module", PURE)
def test_the_protocol_is_pure(module: str) -> None:
    assert not {name.partition(".")[0] for name in imports(ROOM / f"{module}.py")} & OUTSIDE


def test_imports_go_one_way() -> None:
    """A job imports nothing of the agent, and the agent nothing of the operator's room."""
    for path in CLIENT.rglob("*.py"):
        found = [*imports(path)]
        if ROOM in path.parents:
            assert not [name for name in found if name.startswith("token_broker.operator")], path
        elif "operator" not in path.parts:
            assert not [name for name in found if name.startswith("token_broker.agent")], path
