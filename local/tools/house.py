"""The house in numbers: rooms, arrows, floors, circles from imports alone; lines and functions.

    python -m local.tools.house [PACKAGE DIRECTORY]

A room is a folder or a module directly below the package. An arrow says that some module of one
room imports some module of another. The floor of a room is the longest way down from it. A
function's length is its lines from `def` on, signature and docstring included.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles

from local.template import ROOT

BROKER = ROOT / "layers" / "broker" / "broker"


@dataclass(frozen=True)
class House:
    """A package and its rooms."""

    package: Path

    @cached_property
    def rooms(self) -> frozenset[str]:
        """Folders and modules directly below the package."""
        return frozenset(self._room(path) for path in self._modules())

    @cached_property
    def arrows(self) -> frozenset[tuple[str, str]]:
        """(importing room, imported room), never a room and itself."""
        return frozenset(
            (self._room(path), room)
            for path in self._modules()
            for room in self._imported(path)
            if room != self._room(path)
        )

    @cached_property
    def circles(self) -> frozenset[str]:
        """Rooms that stand, directly or not, on themselves."""
        return frozenset(room for room in self.rooms if room in self._below(room))

    @cached_property
    def lines(self) -> int:
        """Of all modules of the package, blank ones and comments too."""
        return sum(len(path.read_text("utf-8").splitlines()) for path in self.package.rglob("*.py"))

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Of each function and method, protocols' too, in ascending order."""
        return tuple(sorted(_length(node) for path in self._modules() for node in _functions(path)))

    def floor(self, room: str) -> int:
        """0 for a room that imports no other; needs a house without circles."""
        return max(
            (1 + self.floor(below) for above, below in self.arrows if above == room), default=0
        )

    def table(self) -> str:
        """What people read: counts, then each room with its floor and what it stands on."""
        lines = [f"rooms {len(self.rooms)}, arrows {len(self.arrows)}, circles {len(self.circles)}"]
        if self.circles:
            return "\n".join([*lines, f"in a circle: {', '.join(sorted(self.circles))}"])
        floors = {room: self.floor(room) for room in self.rooms}
        lines[0] += f", floors {max(floors.values()) + 1}"
        for room in sorted(self.rooms, key=lambda room: (-floors[room], room)):
            below = sorted(low for high, low in self.arrows if high == room)
            lines.append(f"{floors[room]:>2}  {room:<12} {' '.join(below)}".rstrip())
        return "\n".join([*lines, self._sizes()])

    def _sizes(self) -> str:
        lengths = self.lengths
        longest, most = lengths[-1], quantiles(lengths, n=10)[-1]
        return (
            f"lines {self.lines:,}, functions {len(lengths)}: median {median(lengths):.0f}, "
            f"p90 {most:.0f}, longest {longest}"
        )

    def _modules(self) -> Iterator[Path]:
        return (
            path
            for path in self.package.rglob("*.py")
            if path.parent != self.package or path.stem != "__init__"
        )

    def _room(self, path: Path) -> str:
        return path.relative_to(self.package).parts[0].removesuffix(".py")

    def _imported(self, path: Path) -> Iterator[str]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            for words in (module.split(".") for module in modules):
                if words[0] == self.package.name and len(words) > 1 and words[1] in self.rooms:
                    yield words[1]

    def _below(self, room: str) -> set[str]:
        reached: set[str] = set()
        ahead = {low for high, low in self.arrows if high == room}
        while ahead:
            reached |= ahead
            ahead = {low for high, low in self.arrows if high in ahead} - reached
        return reached


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


if __name__ == "__main__":
    print(House(Path(sys.argv[1]) if len(sys.argv) > 1 else BROKER).table())
