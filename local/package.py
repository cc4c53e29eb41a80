"""Builds what the template's makefile resources hold, and puts it where the emulator finds it.

The same targets as `sam build` (functions/Makefile, layers/Makefile), but with the wheels and byte
code of the Python that runs the functions locally. Archives are named by the digest of their
sources, so that nothing is built twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.template import ROOT

BUILD = ROOT / ".build"


def build(template: Mapping[str, Any], python: Path) -> dict[str, Path]:
    """Logical id → archive, of every resource with `BuildMethod: makefile`."""
    BUILD.mkdir(exist_ok=True)
    with _alone():
        return {
            logical: _archive(logical, directory, python)
            for logical, directory in sources(template).items()
        }


def sources(template: Mapping[str, Any]) -> dict[str, Path]:
    """Logical id → the directory of its Makefile."""
    common = template["Globals"]["Function"]["CodeUri"]
    return {
        logical: ROOT / resource["Properties"].get("ContentUri", common)
        for logical, resource in template["Resources"].items()
        if resource.get("Metadata", {}).get("BuildMethod") == "makefile"
    }


def rewrite(template: dict[str, Any], locations: Mapping[str, str]) -> dict[str, Any]:
    """The template with S3 locations in place of directories, as `sam package` does it."""
    for logical, location in locations.items():
        resource = template["Resources"][logical]
        is_layer = resource["Type"] == "AWS::Serverless::LayerVersion"
        resource["Properties"]["ContentUri" if is_layer else "CodeUri"] = location
    return template


def _archive(logical: str, directory: Path, python: Path) -> Path:
    part = re.sub("(Function|Layer)$", "", logical).lower()
    archive = BUILD / f"{logical}-{_digest(directory, part, python)}.zip"
    if archive.exists():
        return archive
    for stale in BUILD.glob(f"{logical}-*.zip"):
        stale.unlink()
    with tempfile.TemporaryDirectory(dir=BUILD) as into:
        make(directory, logical, Path(into), python, host=True)
        partial = archive.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
            for path in sorted(Path(into).rglob("*")):
                bundle.write(path, path.relative_to(into))
        partial.rename(archive)
    return archive


def make(directory: Path, logical: str, into: Path, python: Path, *, host: bool) -> None:
    """Run one build target, as `sam build` does. `host`: for this machine, not for Lambda."""
    variables = [f"ARTIFACTS_DIR={into}", f"PYTHON={python}", *(["HOST=1"] if host else [])]
    command = ["make", "--silent", "-C", str(directory), f"build-{logical}", *variables]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    built = subprocess.run(command, check=False, capture_output=True, text=True, env=clean)
    if built.returncode:
        raise RuntimeError(f"build-{logical} failed:\n{built.stdout}{built.stderr}")


def _digest(directory: Path, part: str, python: Path) -> str:
    """Of the sources of one artifact, and of the Python whose byte code it holds."""
    digest = hashlib.sha256(os.path.realpath(python).encode())
    own = [path for path in directory.iterdir() if path.is_file()]
    for path in [*sorted(own), *_files(directory / part)]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _files(directory: Path) -> Iterator[Path]:
    """Source files: byte code beside them comes and goes."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.relative_to(directory).parts[:-1]:
            yield path


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time: `make run` and `make test` share the archives."""
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
