"""The client's certificate on the local stack, made and put into use as an operator does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local import deploy
from local.processes import StackError
from local.template import ROOT

TIMEOUT_SECONDS = 120


def made(endpoint: str, directory: Path) -> str:
    """A new certificate by the stack's key in KMS, as PEM, in use from now on."""
    path = directory / "client.pem"
    _credential(endpoint, "--out", str(path))
    _credential(endpoint, "--use", str(path))
    return path.read_text(encoding="ascii")


def _credential(endpoint: str, *words: str) -> None:
    """Run `token-broker credential certificate` as the emulator's administrator."""
    command = [sys.executable, "-m", "token_broker", "credential", "certificate"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT / "layers" / "client"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": deploy.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    ended = subprocess.run(
        [*command, "--stack", deploy.NAME, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise StackError(f"The client's certificate could not be made:\n{ended.stderr.strip()}")
