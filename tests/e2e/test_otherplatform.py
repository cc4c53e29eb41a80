"""`make run` against another identity platform: IDENTITY_PLATFORM_URL, CLIENT_ID, CLIENT_SECRET."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from local import processes, servers
from local import template as local_template
from local.browser import Browser
from local.processes import Service, StackError
from local.settings import Settings
from local.simulator.client import Platform
from tests.e2e import harness

CLIENT_ID = "99999999-8888-4777-8666-555555555555"
CLIENT_SECRET = "another.platform's+secret/with=signs&more"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[harness.Stack]:
    """A stack that is told of a platform which somebody else runs."""
    port = processes.free_port()
    environment = {
        "AWS_PORT": str(processes.free_port()),
        "IDENTITY_PORT": str(processes.free_port()),
        "IDENTITY_PLATFORM_URL": f"http://localhost:{port}/",
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
    }
    settings = Settings.from_environment(tmp_path / "stack", environment)
    platform = Service(
        "elsewhere",
        [sys.executable, "-m", "local.simulator", "--port", str(port)],
        {
            "PATH": os.environ["PATH"],
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "REDIRECT_URI": f"{settings.api_url}/callback",
        },
        port,
        f"http://127.0.0.1:{port}/_control/health",
        "none",
    )
    processes.start([platform], tmp_path, local_template.ROOT)
    try:
        with harness.up(settings) as stack:
            yield stack
    finally:
        processes.stop("elsewhere", tmp_path)


def test_the_main_job_at_another_platform(elsewhere: harness.Stack) -> None:
    stack = elsewhere
    assert not processes.running(servers.IDENTITY, stack.settings.state)
    assert stack.document["identity_platform_url"] == stack.settings.platform_url
    created, user = stack.create(), stack.user()
    location = urlsplit(Browser().depart(created["authorize_url"]))
    assert f"{location.scheme}://{location.netloc}" == stack.settings.platform_url
    assert parse_qs(location.query)["client_id"] == [CLIENT_ID]
    stack.consent(created["authorize_url"], user)
    token = stack.fetch(created["connection"])
    refreshed = stack.operator.post(f"/connections/{created['connection']}/refresh")
    assert refreshed.status_code == 200, refreshed.text
    assert stack.fetch(created["connection"])["access_token"] != token["access_token"]
    platform = Platform(str(stack.settings.platform_url))
    assert platform.redemptions("authorization_code") == 1
    assert platform.redemptions() == 1


def test_a_platform_needs_its_credentials(tmp_path: Path) -> None:
    environment = {"IDENTITY_PLATFORM_URL": "https://login.microsoftonline.com", "CLIENT_ID": "x"}
    with pytest.raises(StackError, match="CLIENT_SECRET"):
        Settings.from_environment(tmp_path, environment)
