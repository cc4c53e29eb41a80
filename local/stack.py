"""The local stack: the emulator with the real template, beside the simulated platform.

`up` leaves both in the background and writes `stack.json` (mode 0600) into the state directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import certificate, deploy, package, processes, servers, template
from local.settings import Settings
from local.simulator.client import Platform
from local.template import ROOT

Report = Callable[[str], None]
"""Takes one line of progress."""

AUDIENCE = "api://AzureADTokenExchange"
"""Of tokens that stand for an application at Microsoft Entra."""


def up(settings: Settings, report: Report) -> dict[str, Any]:
    """Bring the stack up, or use the one that runs already if nothing changed.

    Returns the contents of `stack.json`. Leaves nothing running when it fails.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    cloud = deploy.Cloud(settings.endpoint)
    source = template.load()
    with timed(report, "Built functions and layers"):
        archives = package.build(source, servers.emulator_python())
    fingerprint = _fingerprint(settings, archives)
    note = settings.state / "outputs.json"
    try:
        if _fresh(settings, fingerprint):
            report("Up already, and nothing changed")
        else:
            down(settings.state)
            _start(settings, report)
            with timed(report, "Deployed template.yaml"):
                given = _declared(source, settings.parameters)
                outputs = deploy.deploy(cloud, source, archives, given)
            _authenticate(settings, cloud, outputs)
            deploy.may_mail(cloud, settings.parameters["MailFrom"])
            note.write_text(json.dumps({"fingerprint": fingerprint, "outputs": outputs}))
        outputs = json.loads(note.read_text())["outputs"]
        with timed(report, "Assumed the roles operator, team-a and team-b"):
            document = _document(settings, cloud, outputs)
    except BaseException:
        down(settings.state)
        raise
    _write_private(settings.state / "stack.json", json.dumps(document, indent=2))
    return document


def down(state: Path) -> bool:
    """End what `up` started. False if nothing ran."""
    ended = [processes.stop(name, state) for name in servers.NAMES]
    for name in ("stack.json", "outputs.json"):
        (state / name).unlink(missing_ok=True)
    shutil.rmtree(state / "tmp", ignore_errors=True)
    return any(ended)


def outputs(state: Path) -> dict[str, str]:
    """The outputs of the template in the stack that runs."""
    found: dict[str, str] = json.loads((state / "outputs.json").read_text())["outputs"]
    return found


@contextmanager
def timed(report: Report, text: str) -> Iterator[None]:
    """Report a piece of work once it is done, with its duration."""
    begun = time.monotonic()
    yield
    report(f"{text} ({time.monotonic() - begun:.1f} s)")


def _start(settings: Settings, report: Report) -> None:
    services = servers.all_of(settings)
    with timed(report, "Started " + ", ".join(f"{s.name} on {s.port}" for s in services)):
        processes.start(services, settings.state, ROOT)


def _declared(source: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name in source["Parameters"]}


def _authenticate(settings: Settings, cloud: deploy.Cloud, outputs: Mapping[str, str]) -> None:
    """Store the secrets and, at the simulated platform, register what stands for the client."""
    if settings.authenticates_by("secret"):
        deploy.set_secret(cloud, outputs["ClientSecretArn"], settings.client_secret)
    if "GoogleClientSecretArn" in outputs:
        google = settings.google_client_secret
        deploy.set_secret(cloud, outputs["GoogleClientSecretArn"], google)
    if settings.platform_url:
        return
    platform = Platform(settings.platform)
    if not settings.authenticates_by("secret"):
        platform.client(settings.client_id, secrets=[])
    if settings.authenticates_by("certificate"):
        with tempfile.TemporaryDirectory() as directory:
            made = certificate.made(settings.endpoint, Path(directory))
        platform.add_certificate(settings.client_id, made)
    if settings.authenticates_by("federated"):
        for number, subject in enumerate(deploy.subjects(cloud)):
            name = f"token-broker-{number}"
            platform.add_federated(settings.client_id, name, settings.tokens_url, subject, AUDIENCE)


def _fresh(settings: Settings, fingerprint: str) -> bool:
    if not all(processes.running(s.name, settings.state) for s in servers.all_of(settings)):
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
    digest.update(json.dumps([settings.parameters, *_secrets(settings)]).encode())
    for path in simulated:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _secrets(settings: Settings) -> tuple[str, str]:
    return settings.client_secret, settings.google_client_secret


def _document(
    settings: Settings, cloud: deploy.Cloud, outputs: Mapping[str, str]
) -> dict[str, Any]:
    certificate = deploy.certificate(cloud, outputs)
    return {
        "api_url": settings.api_url,
        "region": deploy.REGION,
        "aws_endpoint_url": settings.endpoint,
        "identity_platform_url": settings.platform,
        "principals": deploy.principals(cloud, outputs),
        "web_identity": {
            "issuer": settings.tokens_url,
            "subjects": deploy.subjects(cloud),
            "audience": AUDIENCE,
        },
        **({"client_certificate": certificate} if certificate else {}),
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
