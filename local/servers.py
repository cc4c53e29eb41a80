"""The background servers of a local stack: emulator, simulated platforms, AWS token issuer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from local import deploy
from local.processes import Service, StackError
from local.settings import Settings
from local.template import ROOT

EMULATOR = "emulator"
IDENTITY = "identity"
TOKENS = "aws-tokens"
NAMES = (TOKENS, IDENTITY, EMULATOR)
"""In the order in which they end."""


def emulator(settings: Settings) -> Service:
    """MiniStack, with every request authenticated."""
    scratch = settings.state / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    environment = {
        # A whole environment, not this shell's: functions inherit it.
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.aws_port),
        "MINISTACK_REGION": deploy.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # Functions and whoever else asks the emulator's Python: STS and its tokens.
        "AWS_ENDPOINT_URL_STS": settings.tokens_url,
        # No listeners beside the one, and no hand on this machine's containers.
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "false",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
    }
    command = [str(emulator_python()), "-m", "local.emulator"]
    health = f"http://127.0.0.1:{settings.aws_port}/_ministack/health"
    return Service(EMULATOR, command, environment, settings.aws_port, health, "AWS_PORT")


def identity(settings: Settings) -> Service:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "CLIENT_ID": settings.client_id,
        "CLIENT_SECRET": settings.client_secret,
        "REDIRECT_URI": f"{settings.api_url}/callback",
        "GOOGLE_CLIENT_ID": settings.google_client_id,
        "GOOGLE_CLIENT_SECRET": settings.google_client_secret,
        "GOOGLE_REDIRECT_URI": f"{settings.api_url}/callback/google",
    }
    port = settings.identity_port
    command = [sys.executable, "-m", "local.simulator", "--port", str(port)]
    health = f"http://127.0.0.1:{port}/_control/health"
    return Service(IDENTITY, command, environment, port, health, "IDENTITY_PORT")


def tokens(settings: Settings) -> Service:
    """The issuer of AWS's own tokens, before the emulator's STS and IAM."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    port = settings.tokens_port
    command = [sys.executable, "-m", "local.simulator.aws_tokens", "--port", str(port)]
    command += ["--emulator", settings.endpoint]
    health = f"http://127.0.0.1:{port}/_control/health"
    return Service(TOKENS, command, environment, port, health, "AWS_TOKENS_PORT")


def all_of(settings: Settings) -> list[Service]:
    """Those that this stack runs."""
    simulated = [] if settings.platform_url else [identity(settings)]
    return [emulator(settings), *simulated, tokens(settings)]


def emulator_python() -> Path:
    """The Python that runs the emulator and so the functions."""
    python = ROOT / ".venv-emulator" / "bin" / "python"
    if not python.exists():
        raise StackError(
            "The emulator is not installed: run `make run`, `make demo` or `make test`."
        )
    return python
