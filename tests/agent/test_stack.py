"""Unmodified programs read the simulated Graph through the agent, against the whole stack; and
nothing of it shows a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.template import ROOT
from local.tools.node import NODE, installed
from tests.cli.conftest import environment
from tests.e2e.canaries import Secrets
from tests.e2e.harness import GRAPH, Stack

from .commands import words
from .test_libraries import NODE_PACKAGES

PYTHON = """
import asyncio, os, sys
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.identity.aio import DefaultAzureCredential as AsyncDefault
import requests

me = os.environ["GRAPH"] + "/me"
for credential in (DefaultAzureCredential(), ManagedIdentityCredential(client_id=sys.argv[1])):
    token = credential.get_token("https://graph.microsoft.com/.default").token
    answer = requests.get(me, headers={"Authorization": "Bearer " + token})
    print(answer.json()["userPrincipalName"])

async def main():
    async with AsyncDefault() as credential:
        token = await credential.get_token("https://graph.microsoft.com/User.Read")
    answer = requests.get(me, headers={"Authorization": "Bearer " + token.token})
    print(answer.json()["displayName"])

asyncio.run(main())
"""

MSGRAPH = """
import asyncio, os
from azure.identity.aio import DefaultAzureCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient

async def main():
    scopes = ["https://graph.microsoft.com/.default"]
    async with DefaultAzureCredential() as credential:
        hosts = ["localhost", "127.0.0.1"]
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=scopes, allowed_hosts=hosts
        )
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = os.environ["GRAPH"]
        print((await GraphServiceClient(request_adapter=adapter).me.get()).user_principal_name)

asyncio.run(main())
"""

JAVASCRIPT = """
const { DefaultAzureCredential } = require("@azure/identity");
async function main() {
  const credential = new DefaultAzureCredential();
  const { token } = await credential.getToken("https://graph.microsoft.com/.default");
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(process.env.GRAPH + "/me", { headers });
  console.log((await answer.json()).userPrincipalName);
}
main().catch((error) => { console.log(error.message); process.exit(9); });
"""


class Programs:
    """Programs behind `token-broker run`, as a team's job."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self._stack, self._directory = stack, directory
        (directory / "node_modules").symlink_to(installed(NODE_PACKAGES))

    def run(
        self, connection: str, *command: str, principal: str = "team-a"
    ) -> subprocess.CompletedProcess[str]:
        """A program, with an agent that tells what it is asked."""
        env = {
            **environment(self._stack, principal),
            "PYTHONPATH": str(ROOT / "layers" / "client"),
            "GRAPH": f"{self._stack.settings.platform}/v1.0",
            "HOME": str(self._directory),
            "PATH": "/usr/bin:/bin",
            "NO_PROXY": "localhost,127.0.0.1",
        }
        return subprocess.run(
            words("run", "--connection", connection, "--verbose", "--", *command),
            env=env,
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def python(self, connection: str, code: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A Python program."""
        return self.run(connection, sys.executable, "-W", "error", "-c", code, connection, **more)

    def node(self, connection: str, code: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A program of Node.js."""
        (self._directory / "script.js").write_text(code)
        return self.run(connection, str(NODE), "script.js", **more)


@pytest.fixture
def programs(stack: Stack, tmp_path: Path) -> Programs:
    return Programs(stack, tmp_path)


@pytest.fixture(scope="module")
def graph(stack: Stack) -> tuple[str, str]:
    """A connection of Microsoft Graph, warm, and its owner."""
    user = stack.user()
    name = stack.connect(user, service="microsoft-graph")
    stack.fetch(name, scope=f"{GRAPH}/.default")
    return name, user


def test_azure_identity_for_python(programs: Programs, graph: tuple[str, str]) -> None:
    name, user = graph
    done = programs.python(name, PYTHON)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:3] == [user, user, "Someone"]


def test_the_graph_sdk_for_python(programs: Programs, graph: tuple[str, str]) -> None:
    name, user = graph
    done = programs.run(name, sys.executable, "-c", MSGRAPH)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == user


def test_azure_identity_for_node(programs: Programs, graph: tuple[str, str]) -> None:
    name, user = graph
    done = programs.node(name, JAVASCRIPT)
    assert (done.returncode, done.stdout.strip()) == (0, user), done.stderr


def test_a_refusal_of_the_broker_is_seen_in_the_sdk(
    programs: Programs, graph: tuple[str, str]
) -> None:
    name, _ = graph
    for done in (
        programs.python(name, PYTHON, principal="team-b"),
        programs.node(name, JAVASCRIPT, principal="team-b"),
    ):
        assert done.returncode != 0
        assert "access_denied" in done.stdout + done.stderr.split("Traceback")[-1]
        assert "Ask the operator to grant the connection" in done.stdout + done.stderr


def test_no_secret_shows(stack: Stack, programs: Programs, graph: tuple[str, str]) -> None:
    """All that comes out of agent and program, but the one line that the program prints itself."""
    name, _ = graph
    hidden = Secrets()
    for principal in ("team-a", "team-b"):
        keys = stack.document["principals"][principal]
        hidden.add("secret key", keys["secret_access_key"])
        hidden.add("session token", keys["session_token"])
    scope = f"{GRAPH}/.default"
    hidden.add("access token", stack.fetch(name, scope=scope)["access_token"])
    tell = "import os, sys; exec(sys.argv[2]); print('SECRET', os.environ['IDENTITY_HEADER'])"
    done = programs.run(name, sys.executable, "-c", tell, name, PYTHON)
    assert done.returncode == 0, done.stderr
    *shown, last = done.stdout.splitlines()
    hidden.add("identity header", last.split()[1])
    assert "status=200" in done.stderr
    assert not hidden.found("\n".join(shown))
    assert not hidden.found(done.stderr)
    failed = programs.python(name, PYTHON, principal="team-b")
    assert "status=400" in failed.stderr
    assert not hidden.found(failed.stdout + failed.stderr)
    assert json.dumps(name)[1:-1] in done.stderr
