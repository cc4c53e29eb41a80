"""``make dist``: the client's wheel and sdist, checked and described, in `dist/`.

1  built from a copy, so that nothing is left in the tree; the same commit gives the same bytes
2  twine's check of what an index would show
3  the wheel holds every module and nothing else; the sdist what it takes to build again
4  installed in a clean environment, and run there without the checkout
5  CycloneDX bills of materials: of that environment, and of what the layers bring along

Runs in `.venv-dist`, whose packages are locked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "layers" / "client"
INTO = ROOT / "dist"
PACKAGE = "token_broker"
BUILT_FROM = ("LICENSE", "README.md", "pyproject.toml")
LAYERS = ("client", "dependencies")

PROBE = """
import sys, token_broker
from token_broker import TokenBroker
from token_broker.operator import Operator
TokenBroker("https://abc.execute-api.eu-west-1.amazonaws.com/v1").close()
Operator("https://abc.execute-api.eu-west-1.amazonaws.com/v1").close()
assert token_broker.__file__.startswith(sys.prefix), token_broker.__file__
"""


def main() -> None:
    """All of it; ends with the first thing that is not right."""
    shutil.rmtree(INTO, ignore_errors=True)
    INTO.mkdir()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        build(work / "source")
        run(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(INTO.iterdir())))
        (wheel,), (sdist,) = INTO.glob("*.whl"), INTO.glob("*.tar.gz")
        check(wheel, sdist)
        python = install(wheel, work / "clean")
        describe(python)
    for path in sorted(INTO.iterdir()):
        print(f"{path.stat().st_size:>8}  {path.relative_to(ROOT)}")


def build(source: Path) -> None:
    """Wheel and sdist, the wheel from the sdist."""
    source.mkdir()
    for name in BUILT_FROM:
        shutil.copy(CLIENT / name if (CLIENT / name).exists() else ROOT / name, source / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.py[co]")
    shutil.copytree(CLIENT / PACKAGE, source / PACKAGE, ignore=ignore)
    moment = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    words = ("-m", "build", "--no-isolation", "--outdir", str(INTO), str(source))
    run(sys.executable, *words, SOURCE_DATE_EPOCH=moment)


def check(wheel: Path, sdist: Path) -> None:
    """What is in them. SystemExit for anything too much or too little."""
    with zipfile.ZipFile(wheel) as archive:
        wrong = differences(archive.namelist(), modules(CLIENT / PACKAGE))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wrong += [f"{name} is not in the sdist" for name in BUILT_FROM if name not in names]
    if wrong:
        raise SystemExit("\n".join(wrong))


def modules(package: Path) -> set[str]:
    """What a wheel has to hold of a package, as paths within it."""
    files = [path for path in package.rglob("*") if path.suffix == ".py"]
    return {str(path.relative_to(package.parent)) for path in [*files, package / "py.typed"]}


def differences(names: Iterable[str], wanted: set[str]) -> list[str]:
    """What a wheel's names have too much or too little, its metadata left aside."""
    held = {name for name in names if ".dist-info/" not in name}
    missing = [f"{name} is not in the wheel" for name in sorted(wanted - held)]
    return missing + [f"{name} does not belong in the wheel" for name in sorted(held - wanted)]


def install(wheel: Path, into: Path) -> str:
    """Install it in an environment of its own and run it there; the environment's Python."""
    venv.create(into, with_pip=True)
    python = str(into / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[cli]", at=into)
    run(python, "-I", "-W", "error", "-c", PROBE, at=into)
    run(str(into / "bin" / "token-broker"), "--version", at=into)
    return python


def describe(python: str) -> None:
    """The bills of materials."""
    project = str(CLIENT / "pyproject.toml")
    bill("token-broker-client", "environment", python, "--pyproject", project)
    for layer in LAYERS:
        bill(f"{layer}-layer", "requirements", str(ROOT / "layers" / layer / "requirements.txt"))


def bill(name: str, *words: str) -> None:
    """One of them. SystemExit if it names no component, or one without a version."""
    path = INTO / f"{name}.cdx.json"
    options = ("--output-reproducible", "--of", "JSON", "-o", str(path))
    run(sys.executable, "-m", "cyclonedx_py", *words, *options)
    components = json.loads(path.read_text(encoding="utf-8")).get("components", [])
    if not components or not all(component.get("version") for component in components):
        raise SystemExit(f"{path.name} is not complete.")


def run(*command: str, at: Path = ROOT, **variables: str) -> None:
    """A command that has to succeed."""
    subprocess.run(command, check=True, cwd=at, env={**os.environ, **variables})


if __name__ == "__main__":
    main()
