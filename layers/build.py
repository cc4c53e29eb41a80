"""Builds a layer: what lies under /opt in Lambda.

    python build.py broker INTO
    python build.py dependencies INTO [--host]
    python build.py client INTO [--host]

Works on any machine, without Docker: pip fetches the wheels of Lambda's platform. With `--host`
they are this machine's and this interpreter's, for the local stack. Needs nothing but Python and
pip, because `sam build` runs it with whatever Python it finds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

RUNTIME = (3, 13)
"""The template's `Runtime` (python3.13); a test holds the two together."""

MACHINE = "aarch64"
"""The template's `Architectures` (arm64) in the words of wheels."""

ELF_MACHINE = 183
"""EM_AARCH64, as the header of an ELF file says it."""

PLATFORMS = [f"manylinux{glibc}_{MACHINE}" for glibc in ("_2_34", "_2_28", "_2_17", "2014")]
"""Lambda's Python 3.13 runs on Amazon Linux 2023, which has glibc 2.34."""

SERVICES = frozenset(
    {
        *("dynamodb", "events", "kms", "lambda", "secretsmanager", "sesv2", "sqs", "ssm", "sts"),
        "xray",
    }
)
"""The AWS services the functions call, X-Ray's SDK included. botocore's descriptions of the
others are 9 parts in 10 of the whole layer."""

APART = ("operator", "agent", "__main__.py")
"""What the client package holds beside what a job imports."""

HERE = Path(__file__).parent


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layer", choices=["broker", "dependencies", "client"])
    parser.add_argument("into", type=Path, help="a directory; python/ is made in it")
    parser.add_argument("--host", action="store_true", help="for this machine, not for Lambda")
    arguments = parser.parse_args()
    site = arguments.into.resolve() / "python"
    shutil.rmtree(site, ignore_errors=True)
    if arguments.layer == "broker":
        copy(HERE / "broker" / "broker", site / "broker")
    elif arguments.layer == "client":
        # Pure Python, for teams' functions of any version and machine; botocore is in the runtime.
        install(site, "client", ["--platform", "any", "--implementation", "py", "--abi", "none"])
        copy(HERE / "client" / "token_broker", site / "token_broker", *APART)
        shutil.rmtree(site / "bin", ignore_errors=True)
    else:
        install(site, "dependencies", [] if arguments.host else for_lambda())
        prune(site)
        if not arguments.host:
            verify(site)
    byte_compile(site, host=arguments.host)


def copy(package: Path, into: Path, *without: str) -> None:
    """Copy a package's sources."""
    ignore = shutil.ignore_patterns("__pycache__", "*.py[co]", *without)
    shutil.copytree(package, into, ignore=ignore)


def install(site: Path, layer: str, wheels: list[str]) -> None:
    """Install the layer's locked packages, every file checked against its hash. `wheels`: pip's
    options that choose them; none for this machine's."""
    requirements = HERE / layer / "requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
    command += ["--target", str(site), "--requirement", str(requirements)]
    subprocess.run([*command, *wheels], check=True)  # noqa: S603 (fixed words and our own paths)


def for_lambda() -> list[str]:
    """pip's options for wheels of the runtime."""
    version = ".".join(map(str, RUNTIME))
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    return ["--implementation", "cp", "--python-version", version, *platforms]


def prune(site: Path) -> None:
    """Drop what no function reads: descriptions of other services, commands, pip's notes."""
    for directory in _doomed(site):
        shutil.rmtree(directory, ignore_errors=True)
    for info in site.glob("*.dist-info"):
        for note in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            (info / note).unlink(missing_ok=True)


def _doomed(site: Path) -> Iterator[Path]:
    yield site / "bin"
    for description in (site / "botocore" / "data").iterdir():
        if description.is_dir() and description.name not in SERVICES:
            yield description


def verify(site: Path) -> None:
    """Every binary is for Lambda's machine: a wheel of another one would fail only there."""
    for binary in site.rglob("*.so"):
        header = binary.read_bytes()[:20]
        if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != ELF_MACHINE:
            raise SystemExit(f"{binary.relative_to(site)} is not for {MACHINE}.")


def byte_compile(site: Path, *, host: bool) -> None:
    """Ship byte code: /opt is read-only in Lambda, so Python could never cache its own.

    `unchecked-hash` because a zip file's times say nothing. The paths that tracebacks show are
    Lambda's, so that nothing of the building machine gets into the layer.
    """
    python = sys.executable if host else interpreter()
    if python is None:
        version = ".".join(map(str, RUNTIME))
        print(
            f"WARNING: no Python {version} found, so the layer holds no byte code and every cold "
            f"start compiles it anew. Install Python {version} and build again.",
            file=sys.stderr,
        )
        return
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    if not host:
        command += ["-s", str(site.parent), "-p", "/opt"]
    subprocess.run([*command, str(site)], check=True)  # noqa: S603


def interpreter() -> str | None:
    """A Python of the runtime's minor version that really runs (shims may not), or None."""
    name = "python" + ".".join(map(str, RUNTIME))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [sys.executable, *(filter(None, [shutil.which(name)]))]
    candidates += sorted(str(path) for path in pyenv.glob(f"{name[6:]}.*/bin/python"))
    check = f"import sys; sys.exit(sys.version_info[:2] != {RUNTIME})"
    for candidate in candidates:
        probe = [candidate, "-c", check]
        if subprocess.run(probe, check=False, capture_output=True).returncode == 0:  # noqa: S603
            return candidate
    return None


if __name__ == "__main__":
    main()
