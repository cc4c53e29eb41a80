"""The operator's own trouble: a client secret that Microsoft refuses, and its replacement."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from local import deploy

from .harness import Stack, refused, until
from .inbox import inbox

KNOWN: list[str] = []
"""Secrets that were stored and worked: a function may remember each for 5 minutes."""


@pytest.fixture(autouse=True)
def _known(stack: Stack) -> Iterator[None]:
    """Before and after, every secret that a function may remember is good."""
    KNOWN[:0] = [] if KNOWN else [stack.settings.client_secret]
    stack.platform.client(stack.settings.client_id, secrets=[good(value) for value in KNOWN])
    yield
    stack.platform.client(stack.settings.client_id, secrets=[good(value) for value in KNOWN])
    store(stack, stack.settings.client_secret)


def good(value: str, seconds: int = 86_400) -> dict[str, object]:
    """A secret as the platform registers it."""
    return {"value": value, "expires_in": seconds}


def fetches(stack: Stack, name: str) -> bool:
    """Whether a token can be had, as soon as it may be tried again."""
    item = stack.item(name)
    if item and "last_error" in item:
        stack.edit(name, last_error={**item["last_error"], "retry_at": int(time.time())})
    return stack.team_a.get(f"/connections/{name}/token").status_code == 200


def store(stack: Stack, secret: str) -> None:
    """As the operator does it."""
    cloud = deploy.Cloud(stack.settings.endpoint)
    deploy.set_secret(cloud, stack.outputs["ClientSecretArn"], secret)


@pytest.mark.parametrize("code", ["client_misconfigured", "client_secret_expired"])
def test_a_refused_secret_is_one_incident(stack: Stack, code: str) -> None:
    names = [stack.connect() for _ in range(4)]
    with inbox(stack) as events:
        expired = [good(value, -1) for value in KNOWN]
        wrong = [good("unknown-to-everyone")]
        secrets = wrong if code == "client_misconfigured" else expired
        stack.platform.client(stack.settings.client_id, secrets=secrets)
        before = stack.platform.redemptions(outcome=None)
        for name in names:
            refused(stack.operator.post(f"/connections/{name}/refresh"), 502, code)
            stack.fetch(name)
        for name in names[:2]:
            stack.expire(name)
            body = refused(stack.team_a.get(f"/connections/{name}/token"), 502, code)
            assert body["actor"] == "operator"
        # A call for each environment of refresh and version of the secret, at most.
        assert stack.platform.redemptions(outcome=None) - before <= 4
        assert {stack.show(name)["status"] for name in names} == {"active"}
        events.wait("Client Credential Failing")
        failing = [one for one in events.look() if one["detail-type"].startswith("Client")]
        assert [one["detail"]["code"] for one in failing] == [code]
        assert failing[0]["detail"]["actor"] == "operator"

        # The operator makes a new secret; nothing is deployed.
        fresh = f"fresh-secret-of-the-simulation-{code}"
        KNOWN.append(fresh)
        stack.platform.client(stack.settings.client_id, secrets=[good(fresh)])
        store(stack, fresh)
        until(lambda: fetches(stack, names[0]), 120, "the new secret")
        assert all(fetches(stack, name) for name in names)
        kinds = {event["detail-type"] for event in events.look()}
        assert kinds == {"Client Credential Failing"}


def test_two_secrets_may_overlap(stack: Stack) -> None:
    """The new one is stored before Microsoft knows it; functions that start then have no other."""
    name = stack.connect()
    store(stack, "stored-before-entra-knows-it")
    forget(stack, "refresh")
    before = stack.platform.redemptions()
    for _ in range(2):
        stack.expire(name)
        assert fetches(stack, name)
    assert stack.platform.redemptions() == before + 2
    assert stack.show(name)["status"] == "active"


def test_a_secret_that_ends_soon_is_told_once(stack: Stack) -> None:
    with inbox(stack) as events:
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
        value = {"client_secret": KNOWN[-1], "expires_at": ends}
        name = stack.connect()
        stack.client("secretsmanager").put_secret_value(
            SecretId=stack.outputs["ClientSecretArn"], SecretString=json.dumps(value)
        )
        forget(stack, "refresh")
        for _ in range(2):
            stack.expire(name)
            assert fetches(stack, name)
        told = events.wait("Client Credential Expiring")
        assert (told["actor"], told["expires_at"]) == ("operator", ends)
        kinds = [event["detail-type"] for event in events.look()]
        assert kinds.count("Client Credential Expiring") == 1


def forget(stack: Stack, step: str) -> None:
    """New environments of a function: the old ones remember the secret for 5 minutes. What is
    invoked is the version behind the alias, so there is a new one."""
    name, functions = f"{deploy.NAME}-{step}", stack.client("lambda")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]
    variables["Variables"]["FORGET"] = str(time.time())
    functions.update_function_configuration(FunctionName=name, Environment=variables)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
