"""The stack with no client secret anywhere: a certificate, then a token that AWS issues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.settings import Settings
from tests.e2e.harness import ADS, Stack, refused, up
from tests.e2e.logs import events, groups
from tests.e2e.test_rotation import rotate_once

KINDS = ("certificate", "federated")


@pytest.fixture(scope="module", params=KINDS)
def secretless(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with one kind alone, and no secret at the platform either."""
    state: Path = tmp_path_factory.mktemp(request.param)
    settings = Settings.apart(state, client_authentication=request.param)
    with up(settings) as running:
        yield running


def kind(stack: Stack) -> str:
    return stack.settings.client_authentication


def test_consent_refresh_rotate_import_and_verify(secretless: Stack) -> None:
    stack = secretless
    name = stack.connect("owner@contoso.example", parameters={"developer_token": "SIMULATED01DEV"})
    assert stack.fetch(name)["access_token"]
    assert stack.operator.post(f"/connections/{name}/refresh").status_code == 200
    rotate_once(stack, name)
    verified = stack.operator.post(f"/connections/{name}/verify")
    assert verified.json()["ok"], verified.text

    user, imported = stack.user(), stack.create()["connection"]
    scope = f"{ADS}/msads.manage offline_access openid profile"
    token = stack.platform.mint(user, scope, stack.settings.client_id)["refresh_token"]
    answer = stack.operator.put(f"/connections/{imported}/refresh-token", {"refresh_token": token})
    assert answer.status_code == 200, answer.text
    assert stack.fetch(imported)["access_token"]

    ledger = [entry for entry in stack.platform.requests() if entry["leg"] == "token"]
    used = {entry["credential"] for entry in ledger if entry["outcome"] == "ok"}
    assert used == {kind(stack)}, "nothing else was ever sent"


def test_no_client_secret_is_stored_anywhere(secretless: Stack) -> None:
    stack = secretless
    stack.fetch(stack.connect())
    manager, client_secret = stack.client("secretsmanager"), stack.settings.client_secret
    kept = [secret["Name"] for secret in manager.list_secrets()["SecretList"]]
    assert not [name for name in kept if "ClientSecret" in name and "Google" not in name]
    found = [repr(items) for items in stack.tables().values()]
    found += [json.dumps(stack.outputs)]
    for function in stack.client("lambda").list_functions()["Functions"]:
        variables = function["Environment"]["Variables"]
        found.append(json.dumps(variables))
        assert not variables.get("CLIENT_SECRET")
    ssm = stack.client("ssm")
    for parameter in ssm.describe_parameters()["Parameters"]:
        found.append(ssm.get_parameter(Name=parameter["Name"])["Parameter"]["Value"])
    logs = stack.client("logs")
    found += [event["message"] for group in groups(logs) for event in events(logs, group)]
    assert len(found) > 20
    for text in found:
        assert client_secret not in text
        assert "PRIVATE KEY" not in text
        assert "client_assertion" not in text


def test_a_trial_of_a_kind_that_is_not_listed_is_refused(secretless: Stack) -> None:
    stack = secretless
    name = stack.connect()
    path, before = f"/connections/{name}/refresh", stack.item(name)
    assert stack.operator.post(path, {"client_authentication": kind(stack)}).status_code == 200
    after = stack.item(name)
    assert after
    assert before
    assert after["generation"] == before["generation"] + 1
    body = refused(
        stack.operator.post(path, {"client_authentication": "secret"}), 400, "invalid_request"
    )
    assert f"kinds of this stack ({kind(stack)})" in body["detail"]
    refused(stack.operator.post(path, {"client_authentication": "mtls"}), 400, "invalid_request")
    left = stack.item(name)
    assert left
    assert {key: left[key] for key in left if not key.startswith("lease")} == {
        key: after[key] for key in after if not key.startswith("lease")
    }
