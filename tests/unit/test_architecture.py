"""The house's rules, held by walking the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.tools.house import House

ROOT = Path(__file__).parents[2]
BROKER = ROOT / "layers" / "broker" / "broker"
OUTSIDE = {"boto3", "botocore", "requests", "urllib3", "aws_lambda_powertools"}
AMBIENT = {"os", "time", "random", "secrets", "socket", "subprocess", "logging"}
"""What makes a function depend on more than its arguments."""
EDGES = {"wiring.py", "browser.py"}
"""The composition root and the browsers' edge, which answers in Powertools' words."""
ALLOWED = {"envelope.py": {"os"}}
"""Nonces come from the system."""
LINES = 250
LONG = {
    "connection.py": 320,
    "stores.py": 340,
    "wiring.py": 380,
    "problems.py": 300,
    "redemption.py": 290,
    "callback.py": 270,
    "token.py": 270,
}
"""Protocols, tables and values are to be read as one; a redemption is one story."""

MODULES = sorted(BROKER.rglob("*.py"))
PURE = [path for path in MODULES if "adapters" not in path.parts and path.name not in EDGES]
HANDLERS = sorted((ROOT / "functions").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imports(path)}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


STANDS_ON = {
    "domain": set(),
    "ports": {"domain"},
    "sealing": {"domain"},
    "settings": {"domain"},
    "providers": {"domain", "ports"},
    "adapters": {"domain", "ports", "sealing"},
    "services": {"domain", "ports", "providers"},
    "lifecycle": {"domain", "ports", "sealing", "providers", "services"},
    "web": {"domain", "ports", "sealing", "providers", "services"},
    "steps": {"domain", "ports", "sealing", "providers", "services", "lifecycle", "web"},
    "wiring": {"settings", "domain", "ports", "providers", "lifecycle", "steps", "adapters"},
}
"""Which room may import which. No room stands on itself by way of another."""


def test_each_room_stands_only_on_those_below() -> None:
    house = House(BROKER)
    assert house.rooms == STANDS_ON.keys()
    assert not house.arrows - {(room, low) for room, lows in STANDS_ON.items() for low in lows}
    assert not house.circles


@pytest.mark.parametrize("path", sorted(BROKER.rglob("__init__.py")), ids=name)
def test_a_room_opens_with_its_map_and_imports_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_there_is_something_to_look_at() -> None:
    assert len(PURE) > 30
    assert {path.parent.name for path in HANDLERS} >= {
        *("connections", "authorize", "callback", "token", "refresh", "rotate")
    }


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_centre_is_pure(path: Path) -> None:
    forbidden = (OUTSIDE | AMBIENT) - ALLOWED.get(path.name, set())
    assert not roots(path) & forbidden


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_centre_knows_no_adapter(path: Path) -> None:
    edges = ("broker.adapters", "broker.wiring", "broker.web.browser")
    assert not [module for module in imports(path) if module.startswith(edges)]


@pytest.mark.parametrize("path", sorted((BROKER / "steps").glob("*.py")), ids=name)
def test_steps_know_neither_the_edge_nor_each_other(path: Path) -> None:
    others = ("broker.web.gateway", "broker.settings", "broker.steps")
    assert not [module for module in imports(path) if module.startswith(others)]


@pytest.mark.parametrize("path", HANDLERS, ids=name)
def test_handlers_are_thin(path: Path) -> None:
    """Parse, call the step, render: no SDK, no HTTP."""
    assert not roots(path) & (OUTSIDE - {"aws_lambda_powertools"})
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


@pytest.mark.parametrize("path", [*MODULES, *HANDLERS], ids=name)
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONG.get(path.name, LINES)


@pytest.mark.parametrize("path", [*MODULES, *HANDLERS], ids=name)
def test_public_things_are_explained(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module"
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [one for one in tree.body if isinstance(one, kinds) and not one.name.startswith("_")]
    assert not [one.name for one in public if not ast.get_docstring(one)]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_silent_catch_all(path: Path) -> None:
    """`except Exception` stands at the edge only; a bare `except` nowhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            caught = ast.unparse(node.type)
            assert caught not in ("Exception", "BaseException") or path.name in {
                *("gateway.py", "browser.py")
            }
