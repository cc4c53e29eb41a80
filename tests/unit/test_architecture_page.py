"""docs/architecture.md names what is there: rooms, files, functions, errors."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from local.template import ROOT
from local.tools.house import BROKER, House

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.(?:py|json))(?::(\w+))?`", PAGE)))
"""(file, name in it or "")."""
CODE_BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def place(path: str) -> Path:
    """Below the broker, or below the repository; a bare name stands in some room."""
    for folder in (BROKER, ROOT):
        if (folder / path).exists():
            return folder / path
    return next(iter(BROKER.rglob(path)), BROKER / path)


def defined(path: Path) -> set[str]:
    """Functions, methods, classes and module constants of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def errors() -> set[tuple[str, str]]:
    """(class, its file below the broker) of every exception the broker defines."""
    parents: dict[tuple[str, str], set[str]] = {}
    for path in BROKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                parents[node.name, str(path.relative_to(BROKER))] = bases
    known = {"Exception", "Problem"}
    return {each for each, bases in parents.items() if bases & known}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_what_the_page_names_is_there(path: str, name: str) -> None:
    file = place(path)
    assert file.exists()
    assert not name or name in defined(file)


def test_the_rooms_are_drawn_as_they_are() -> None:
    rooms = [line for line in House(BROKER).table().splitlines() if line[:2].strip().isdigit()]
    assert CODE_BLOCKS[1].splitlines() == rooms, "paste `python -m local.tools.house`"


def test_every_room_is_in_the_picture() -> None:
    assert all(re.search(rf"\b{room}\b", CODE_BLOCKS[0]) for room in House(BROKER).rooms)


def test_every_error_is_in_the_tree() -> None:
    drawn = set(re.findall(r"(\w+) +([\w/]+\.py) ", CODE_BLOCKS[2]))
    assert drawn == errors()


def test_every_error_is_named_where_callers_look() -> None:
    tree = ast.get_docstring(ast.parse((BROKER / "domain" / "problems.py").read_text("utf-8")))
    for name, path in errors():
        module = path.removesuffix(".py").replace("/", ".")
        assert name == "Problem" or f"{module}.{name}" in (tree or "")


@pytest.mark.parametrize("room", ["lifecycle", "web", "providers", "services"])
def test_a_rooms_map_has_every_file(room: str) -> None:
    tree = ast.get_docstring(ast.parse((BROKER / room / "__init__.py").read_text("utf-8"))) or ""
    files = {path.stem for path in (BROKER / room).glob("*.py")} - {"__init__"}
    absent = {file for file in files if not re.search(rf"\b{file}\b", tree)}
    assert not absent, f"give each a line in {room}/__init__.py"
