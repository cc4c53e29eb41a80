"""Unmodified libraries against the agent: nothing but environment variables tells them of it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.identity import aio as azure_aio

from local.tools.node import NODE, installed
from tests.client.fake import Broker, problem
from token_broker.agent.choice import Choice

from .serving import ADS, Served, serving

DEFAULT = f"{ADS}/.default"
NODE_PACKAGES = Path(__file__).parent / "node"


@pytest.fixture
def environment(agent: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Of a program beside the agent, with what a developer's shell may hold as well."""
    for name, value in agent.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_CLIENT_ID", "ads-jp")
    monkeypatch.setenv("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000000")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "left-over")
    return agent


def synchronous(make: Callable[[], Any], scope: str, **more: Any) -> AccessToken:
    with make() as credential:
        found: AccessToken = credential.get_token(scope, **more)
        return found


def asynchronous(make: Callable[[], Any], scope: str, **more: Any) -> AccessToken:
    async def main() -> AccessToken:
        async with make() as credential:
            found: AccessToken = await credential.get_token(scope, **more)
            return found

    return asyncio.run(main())


Get = Callable[..., AccessToken]

CREDENTIALS: dict[str, tuple[Get, Callable[[], Any]]] = {
    "default": (synchronous, DefaultAzureCredential),
    "managed identity": (synchronous, lambda: ManagedIdentityCredential(client_id="ads-jp")),
    "default, async": (asynchronous, azure_aio.DefaultAzureCredential),
    "managed identity, async": (
        asynchronous,
        lambda: azure_aio.ManagedIdentityCredential(client_id="ads-jp"),
    ),
}
EACH = pytest.mark.parametrize("kind", CREDENTIALS)


@EACH
@pytest.mark.parametrize("scope", [DEFAULT, f"{ADS}/msads.manage", f"{ADS}//.default"])
def test_python(environment: Served, fake: Broker, kind: str, scope: str) -> None:
    get, make = CREDENTIALS[kind]
    token = get(make, scope)
    assert token.token == "token-1"
    assert abs(token.expires_on - time.time() - 3600) < 30
    assert {asked.path for asked in fake.asked} == {"/connections/ads-jp/token"}


@EACH
def test_python_shows_why_there_is_none(environment: Served, fake: Broker, kind: str) -> None:
    """Once, at once, with who must act: no library tries a 400 again."""
    get, make = CREDENTIALS[kind]
    fake.script.append(problem("reauthorization_required", 409, remedy="Open the new link."))
    begun = time.monotonic()
    with pytest.raises(ClientAuthenticationError) as caught:
        get(make, DEFAULT)
    assert "reauthorization_required" in str(caught.value)
    assert "owner: Open the new link." in str(caught.value)
    assert time.monotonic() - begun < 3
    assert len(fake.asked) == 1


def test_python_comes_again_for_what_passes(fake: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own second try, after as long as it is told."""
    fake.script.append(problem("refresh_in_progress", 503, retry_after=1, actor="nobody"))
    with serving(fake.url, Choice(("ads-jp",)), timeout=0.5) as agent:
        for name, value in agent.variables.items():
            monkeypatch.setenv(name, value)
        assert synchronous(ManagedIdentityCredential, DEFAULT).token == "token-1"
        assert [line["status"] for line in agent.lines()] == [503, 200]


def test_python_keeps_what_it_got(environment: Served, fake: Broker) -> None:
    """The agent's tokens live long enough that the library asks it once."""
    with DefaultAzureCredential() as credential:
        for _ in range(20):
            credential.get_token(DEFAULT)
    assert len(environment.lines()) == 1


def test_no_program_falls_through_to_another_login(environment: Served, fake: Broker) -> None:
    """After a refusal, DefaultAzureCredential tries nobody else: neither the left-over secret nor
    a developer's login."""
    fake.script.append(problem("access_denied", 403))
    with DefaultAzureCredential() as credential:
        assert len(credential.credentials) == 1
        with pytest.raises(ClientAuthenticationError):
            credential.get_token(DEFAULT)


SCRIPT = """
const { DefaultAzureCredential, ManagedIdentityCredential } = require("@azure/identity");
async function main() {
  const found = [];
  const credentials = [new DefaultAzureCredential(), new ManagedIdentityCredential("ads-jp")];
  for (const credential of credentials) {
    for (const scope of process.argv.slice(2)) {
      try {
        const { token, expiresOnTimestamp, tokenType } = await credential.getToken(scope);
        found.push({ token, seconds: (expiresOnTimestamp - Date.now()) / 1000, tokenType });
      } catch (error) {
        found.push({ error: error.message });
      }
    }
  }
  console.log(JSON.stringify(found));
}
main();
"""


@pytest.fixture
def node(environment: Served, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Runs the script with scopes."""
    (tmp_path / "node_modules").symlink_to(installed(NODE_PACKAGES))
    (tmp_path / "script.js").write_text(SCRIPT, encoding="utf-8")

    def run(*scopes: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [str(NODE), "script.js", *scopes],
            cwd=tmp_path,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    return run


def test_node(node: Callable[..., list[dict[str, Any]]], fake: Broker) -> None:
    found = node(DEFAULT, f"{ADS}/msads.manage")
    assert [one["token"] for one in found] == ["token-1"] * 4
    assert all(abs(one["seconds"] - 3600) < 60 for one in found)
    assert len(fake.asked) == 2


def test_node_shows_why_there_is_none(
    node: Callable[..., list[dict[str, Any]]], fake: Broker
) -> None:
    fake.script += [problem("mfa_required", 409, remedy="Open the new link.")] * 4
    for one in node(DEFAULT):
        assert "mfa_required" in one["error"]
        assert "owner: Open the new link." in one["error"]
    assert len(fake.asked) == 1, "the refusal is repeated from memory"
