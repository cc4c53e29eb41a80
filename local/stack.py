"""The local stack: the emulator with the real template, beside the simulated platform.

`up` leaves both in the background and writes `stack.json` (mode 0600) into the state directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import deploy, package, processes, template
from local.processes import Service, StackError
from local.simulator.world import Registration
from local.template import ROOT

Report = Callable[[str], None]
"""Takes one line of progress."""

EMULATOR = "emulator"
IDENTITY = "identity"

SIMULATED = Registration()
"""The app registration the simulated platform starts with."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a local stack is made of. `platform_url` None: the simulated platform, which plays
    Microsoft Advertising and Graph too; `advertising_url` None: that one, or Microsoft's own."""

    state: Path
    aws_port: int
    identity_port: int
    platform_url: str | None = None
    client_id: str = SIMULATED.client_id
    client_secret: str = field(default=SIMULATED.client_secret, repr=False)
    advertising_url: str | None = None

    @classmethod
    def from_environment(cls, state: Path, environment: Mapping[str, str]) -> Settings:
        """AWS_PORT, IDENTITY_PORT, IDENTITY_PLATFORM_URL, CLIENT_ID, CLIENT_SECRET and
        ADVERTISING_URL."""
        given = environment.get
        if given("IDENTITY_PLATFORM_URL") and not (given("CLIENT_ID") and given("CLIENT_SECRET")):
            raise StackError("IDENTITY_PLATFORM_URL needs CLIENT_ID and CLIENT_SECRET as well.")
        return cls(
            state,
            int(given("AWS_PORT") or 4566),
            int(given("IDENTITY_PORT") or 8400),
            platform_url=(given("IDENTITY_PLATFORM_URL") or "").rstrip("/") or None,
            client_id=given("CLIENT_ID") or SIMULATED.client_id,
            client_secret=given("CLIENT_SECRET") or SIMULATED.client_secret,
            advertising_url=(given("ADVERTISING_URL") or "").rstrip("/") or None,
        )

    @classmethod
    def apart(cls, state: Path) -> Settings:
        """On free ports: collides with no other stack."""
        return cls(state, processes.free_port(), processes.free_port())

    @property
    def endpoint(self) -> str:
        """The emulator's URL, for AWS_ENDPOINT_URL."""
        return f"http://localhost:{self.aws_port}"

    @property
    def api_url(self) -> str:
        """The broker's base URL; browsers and signed callers use the same."""
        return f"{self.endpoint}/_aws/execute-api/{deploy.API_ID}/{deploy.STAGE}"

    @property
    def platform(self) -> str:
        """The identity platform in use."""
        return self.platform_url or f"http://localhost:{self.identity_port}"

    @property
    def simulated(self) -> str:
        """The simulated platform, which plays the services' APIs too; '' if another is used."""
        return "" if self.platform_url else self.platform

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template."""
        return {
            "ClientId": self.client_id,
            "IdentityPlatformUrl": self.platform,
            "PublicBaseUrl": self.api_url,
            "AdvertisingUrl": self.advertising_url or self.simulated,
            "GraphUrl": self.simulated,
            "DeletionProtection": "false",
        }


def up(settings: Settings, report: Report) -> dict[str, Any]:
    """Bring the stack up, or use the one that runs already if nothing changed.

    Returns the contents of `stack.json`. Leaves nothing running when it fails.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    cloud = deploy.Cloud(settings.endpoint)
    source = template.load()
    with timed(report, "Built functions and layers"):
        archives = package.build(source, emulator_python())
    fingerprint = _fingerprint(settings, archives)
    note = settings.state / "outputs.json"
    try:
        if _fresh(settings, fingerprint):
            report("Up already, and nothing changed")
        else:
            down(settings.state)
            _start(settings, report)
            with timed(report, "Deployed template.yaml"):
                outputs = deploy.deploy(cloud, source, archives, settings.parameters)
            deploy.set_secret(cloud, outputs["ClientSecretArn"], settings.client_secret)
            note.write_text(json.dumps({"fingerprint": fingerprint, "outputs": outputs}))
        outputs = json.loads(note.read_text())["outputs"]
        with timed(report, "Assumed the roles operator, team-a and team-b"):
            document = _document(settings, deploy.principals(cloud, outputs))
    except BaseException:
        down(settings.state)
        raise
    _write_private(settings.state / "stack.json", json.dumps(document, indent=2))
    return document


def down(state: Path) -> bool:
    """End what `up` started. False if nothing ran."""
    ended = [processes.stop(name, state) for name in (IDENTITY, EMULATOR)]
    for name in ("stack.json", "outputs.json"):
        (state / name).unlink(missing_ok=True)
    shutil.rmtree(state / "tmp", ignore_errors=True)
    return any(ended)


def outputs(state: Path) -> dict[str, str]:
    """The outputs of the template in the stack that runs."""
    found: dict[str, str] = json.loads((state / "outputs.json").read_text())["outputs"]
    return found


def emulator_python() -> Path:
    """The Python that runs the emulator and so the functions."""
    python = ROOT / ".venv-emulator" / "bin" / "python"
    if not python.exists():
        raise StackError(
            "The emulator is not installed: run `make run`, `make demo` or `make test`."
        )
    return python


@contextmanager
def timed(report: Report, text: str) -> Iterator[None]:
    """Report a piece of work once it is done, with its duration."""
    begun = time.monotonic()
    yield
    report(f"{text} ({time.monotonic() - begun:.1f} s)")


def _start(settings: Settings, report: Report) -> None:
    with timed(report, f"Emulator (MiniStack) listens on {settings.endpoint}"):
        processes.start(emulator(settings), settings.state, ROOT)
    if settings.platform_url is None:
        with timed(report, f"Simulated Microsoft platform listens on {settings.platform}"):
            processes.start(_identity(settings), settings.state, ROOT)


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
        # No listeners beside the one, and no hand on this machine's containers.
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "false",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
    }
    command = [str(emulator_python()), "-m", "local.emulator"]
    health = f"http://127.0.0.1:{settings.aws_port}/_ministack/health"
    return Service(EMULATOR, command, environment, settings.aws_port, health, "AWS_PORT")


def _identity(settings: Settings) -> Service:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "CLIENT_ID": settings.client_id,
        "CLIENT_SECRET": settings.client_secret,
        "REDIRECT_URI": f"{settings.api_url}/callback",
    }
    port = settings.identity_port
    command = [sys.executable, "-m", "local.simulator", "--port", str(port)]
    health = f"http://127.0.0.1:{port}/_control/health"
    return Service(IDENTITY, command, environment, port, health, "IDENTITY_PORT")


def _fresh(settings: Settings, fingerprint: str) -> bool:
    services = [EMULATOR, *([] if settings.platform_url else [IDENTITY])]
    if not all(processes.running(name, settings.state) for name in services):
        return False
    try:
        note = json.loads((settings.state / "outputs.json").read_text())
    except (FileNotFoundError, ValueError):
        return False
    return bool(note["fingerprint"] == fingerprint)


def _fingerprint(settings: Settings, archives: Mapping[str, Path]) -> str:
    simulated = sorted((ROOT / "local" / "simulator").rglob("*.[pjh]*"))
    digest = hashlib.sha256(template.TEMPLATE.read_bytes())
    digest.update(json.dumps(sorted(archive.name for archive in archives.values())).encode())
    digest.update(json.dumps([settings.parameters, settings.client_secret]).encode())
    for path in simulated:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _document(settings: Settings, principals: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "api_url": settings.api_url,
        "region": deploy.REGION,
        "aws_endpoint_url": settings.endpoint,
        "identity_platform_url": settings.platform,
        "principals": dict(principals),
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
