"""The operator's own trouble: a client secret that Microsoft refuses, and its replacement."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from local import deploy
from local.browser import Browser

from .harness import Stack, refused, until
from .inbox import inbox

EXTRA = [{"value": "another-secret-of-the-simulation", "expires_in": 86_400}]


@pytest.fixture(autouse=True)
def _restored(stack: Stack) -> Iterator[None]:
    """Whatever a test does to the secret, the next one meets a version that works."""
    yield
    stack.platform.client(stack.settings.client_id, secrets=_good(stack))
    store(stack, stack.settings.client_secret)
    name = stack.connect()
    stack.expire(name)
    until(lambda: _fetches(stack, name), 40, "a working secret")


def _good(stack: Stack) -> list[dict[str, object]]:
    return [{"value": stack.settings.client_secret, "expires_in": 86_400}]


def _fetches(stack: Stack, name: str) -> bool:
    return stack.team_a.get(f"/connections/{name}/token").status_code == 200


def store(stack: Stack, secret: str) -> None:
    """As the operator does it."""
    cloud = deploy.Cloud(stack.settings.endpoint)
    deploy.set_secret(cloud, stack.outputs["ClientSecretArn"], secret)


@pytest.mark.parametrize(
    ("secrets", "code"),
    [
        ([{"value": "unknown-to-everyone", "expires_in": 86_400}], "client_misconfigured"),
        (None, "client_secret_expired"),
    ],
    ids=["wrong", "expired"],
)
def test_a_refused_secret_is_one_incident(
    stack: Stack, secrets: list[dict[str, object]] | None, code: str
) -> None:
    names = [stack.connect() for _ in range(4)]
    with inbox(stack) as events:
        expired = [{"value": stack.settings.client_secret, "expires_in": -1}]
        stack.platform.client(stack.settings.client_id, secrets=secrets or expired)
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
        stack.platform.client(stack.settings.client_id, secrets=EXTRA)
        store(stack, str(EXTRA[0]["value"]))
        until(lambda: _fetches(stack, names[0]), 40, "the new secret")
        assert all(_fetches(stack, name) for name in names[2:])
        kinds = {event["detail-type"] for event in events.look()}
        assert kinds == {"Client Credential Failing"}


def test_two_secrets_may_overlap(stack: Stack) -> None:
    name = stack.connect()
    store(stack, "stored-before-entra-knows-it")
    for _ in range(2):
        stack.expire(name)
        until(lambda: _fetches(stack, name), 40, "the previous secret")
    assert stack.show(name)["status"] == "active"


def test_the_placeholder(stack: Stack) -> None:
    store(stack, "REPLACE-ME")
    store(stack, "REPLACE-ME")  # now the previous version is one, too
    created = stack.create()
    _forget(stack)
    page = Browser("en").consent(created["authorize_url"], stack.platform, stack.user())
    assert page.status_code == 502
    assert "client_misconfigured" in page.text
    assert stack.show(created["connection"])["status"] == "pending"


def test_a_secret_that_ends_soon_is_told_once(stack: Stack) -> None:
    with inbox(stack) as events:
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
        value = {"client_secret": stack.settings.client_secret, "expires_at": ends}
        stack.client("secretsmanager").put_secret_value(
            SecretId=stack.outputs["ClientSecretArn"], SecretString=json.dumps(value)
        )
        _forget(stack)
        for _ in range(2):
            stack.connect()
        told = events.wait("Client Credential Expiring")
        assert (told["actor"], told["expires_at"]) == ("operator", ends)
        kinds = [event["detail-type"] for event in events.look()]
        assert kinds.count("Client Credential Expiring") == 1


def _forget(stack: Stack) -> None:
    """New environments of the functions that know the secret: they remember it for 5 minutes."""
    functions = stack.client("lambda")
    for step in ("callback", "refresh"):
        name = f"{deploy.NAME}-{step}"
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]
        variables["Variables"]["FORGET"] = str(time.time())
        functions.update_function_configuration(FunctionName=name, Environment=variables)
