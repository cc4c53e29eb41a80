"""Runs commands in this process, as a principal of the stack or in front of the fake."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import deploy
from tests.cli.fake import Fake, serving
from tests.client.fake import Broker
from tests.e2e.harness import Stack
from token_broker.operator.cli.commands import cli

Run = Callable[..., Result]
"""`run("list", "--json", principal="team-a", input=...)`."""

BARE = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "COLUMNS": "160",
}


def environment(stack: Stack, principal: str) -> dict[str, str]:
    """What a shell of a principal holds; `administrator` has the stack's AdministratorPolicy beside
    the operators', `root` is the emulator's own."""
    if principal == "root":
        keys = {"access_key_id": "test", "secret_access_key": "test", "session_token": ""}
    elif principal == "administrator":
        keys = _administrator(stack)
    else:
        keys = stack.document["principals"][principal]
    return {
        **BARE,
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        **({"AWS_SESSION_TOKEN": keys["session_token"]} if keys["session_token"] else {}),
        "AWS_ENDPOINT_URL": stack.document["aws_endpoint_url"],
        "TOKEN_BROKER_API_URL": stack.api_url,
    }


def _administrator(stack: Stack) -> dict[str, str]:
    """Credentials of a role with both outputs as they are."""
    names = ("OperatorPolicy", "AdministratorPolicy")
    policies = [json.loads(stack.outputs[name]) for name in names]
    statements = [statement for policy in policies for statement in policy["Statement"]]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return deploy.assume(stack.client, "administrator", policy)


def runner(env: Callable[[str], dict[str, str]]) -> Run:
    """A command in this process; an exception that escapes it is raised."""

    def run(*words: str, principal: str = "operator", **more: Any) -> Result:
        found = CliRunner(env=env(principal)).invoke(cli, words, **more)
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return run


@pytest.fixture
def run(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands in front of the stack."""
    _forget(monkeypatch)
    return runner(lambda principal: environment(stack, principal))


@pytest.fixture
def fake() -> Iterator[tuple[Fake, str]]:
    """A broker in this process, and its URL."""
    with serving() as found:
        yield found


@pytest.fixture
def offline(fake: tuple[Fake, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands in front of the fake."""
    _forget(monkeypatch)
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    return runner(lambda _: {**BARE, **keys, "TOKEN_BROKER_API_URL": fake[1]})


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Broker, Run]]:
    """A server that answers what its script says, and commands in front of it."""
    _forget(monkeypatch)
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
    with Broker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server, runner(lambda _: {**BARE, **keys, "TOKEN_BROKER_API_URL": server.url})
        server.shutdown()
        thread.join()


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials or profile of whoever runs the tests."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
