"""The control API: users, tenants, clients, settings, counters; and the server itself."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.identity.client import Platform

from .application import ADS, GRAPH, OWNER, PERSONAL, SCOPE, Application, returned

FABRIKAM = "owner@fabrikam.example"


def numbers(answer: requests.Response) -> Any:
    return answer.json().get("error_codes", "ok" if answer.ok else None)


@pytest.mark.parametrize("number", [50173, 70008, 700082])
def test_revoke_and_consent_again(application: Application, number: int) -> None:
    old = application.tokens()["refresh_token"]
    application.platform.revoke(OWNER, number)
    assert numbers(application.refresh(old)) == [number]
    new = application.tokens()["refresh_token"]
    assert application.refresh(new).status_code == 200
    assert numbers(application.refresh(old)) == [number], "dead for good"


def test_revoked_personal_account_has_no_number(application: Application) -> None:
    token = application.tokens(PERSONAL)["refresh_token"]
    application.platform.revoke(PERSONAL)
    body = application.refresh(token).json()
    assert (body["error"], "error_codes" in body) == ("invalid_grant", False)


def test_disable_and_enable(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "disable")
    assert numbers(application.refresh(token)) == [50057]
    application.platform.act(OWNER, "enable")
    assert application.refresh(token).status_code == 200


def test_require_mfa(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "require-mfa")
    assert numbers(application.refresh(token)) == [50076]
    assert application.refresh(application.tokens()["refresh_token"]).status_code == 200


def test_withdrawn_consent(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "withdraw-consent")
    answer = application.refresh(token)
    assert numbers(answer) == [65001]
    assert answer.json()["suberror"] == "consent_required"
    application.tokens()
    assert application.refresh(token).status_code == 200, "consent heals the old token too"


def test_deleted_user(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "delete")
    assert numbers(application.refresh(token)) == [50034]


@pytest.mark.parametrize(
    ("user", "number"),
    [
        ("revoked@contoso.example", 50173),
        ("blocked@contoso.example", 53003),
        ("flaky@outlook.example", 70000),
    ],
)
def test_seeded_troubles(application: Application, user: str, number: int) -> None:
    token = application.tokens(user)["refresh_token"]
    assert numbers(application.refresh(token)) == [number]
    application.platform.user(user, troubles={})
    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize("stage", ["consent", "code"])
def test_troubles_by_stage(application: Application, stage: str) -> None:
    application.platform.user(OWNER, troubles={stage: 65005})
    redirect = application.platform.consent(application.authorize_url(), OWNER).redirect
    assert redirect is not None
    if stage == "consent":
        assert returned(redirect)["error"] == "access_denied"
    else:
        assert numbers(application.redeem(returned(redirect)["code"])) == [65005]


def test_added_user(application: Application) -> None:
    added = application.platform.add_user("new@contoso.example", name="New", mfa_required=True)
    assert application.tokens("new@contoso.example")["scope"] == ADS
    assert added["object_id"] in {user["object_id"] for user in application.platform.users()}
    with pytest.raises(requests.HTTPError):
        application.platform.add_user("new@unknown.example", name="New")


def test_approval(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    asked = platform.consent(url, FABRIKAM, "request").redirect
    assert asked is not None
    assert "AADSTS90095" in returned(asked)["error_description"]
    assert [r["status"] for r in platform.decide("fabrikam.example", "deny")] == ["denied"]
    assert platform.consent(url, FABRIKAM, "accept").page == "approval"
    platform.consent(url, FABRIKAM, "request")
    assert [r["status"] for r in platform.decide("fabrikam.example", "approve")] == ["approved"]
    redirect = platform.consent(url, FABRIKAM).redirect
    assert redirect is not None
    assert "code" in returned(redirect)


def test_blocked_application(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    platform.consent(url, FABRIKAM, "request")
    platform.decide("fabrikam.example", "block")
    assert platform.consent(url, FABRIKAM).number == 7000112


def test_tenant_policy(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    platform.tenant("contoso.example", user_consent="restricted")
    assert platform.consent(url, OWNER).number == 90094
    platform.tenant("contoso.example", workflow=True)
    assert platform.consent(url, OWNER).number == 90095
    for wrong in ({"user_consent": "maybe"}, {"nothing": 1}):
        with pytest.raises(requests.HTTPError):
            platform.tenant("contoso.example", **wrong)


def test_service_goes_away(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    missing = ["https://ads.microsoft.com"]
    application.platform.tenant("contoso.example", missing_services=missing)
    answer = application.refresh(token)
    assert (numbers(answer), answer.json()["error"]) == ([650052], "invalid_client")


def test_secret_rotation(application: Application) -> None:
    platform, client_id = application.platform, application.registration.client_id
    first = application.registration.client_secret
    token = application.tokens()["refresh_token"]
    both = [{"value": first, "expires_in": 100}, {"value": "second"}]
    platform.client(client_id, secrets=both)
    assert application.refresh(token).status_code == 200
    assert application.refresh(token, client_secret="second").status_code == 200
    platform.clock(101)
    answer = application.refresh(token)
    assert (numbers(answer), answer.status_code) == ([7000222], 401)
    platform.client(client_id, secrets=[{"value": "second"}])
    assert numbers(application.refresh(token)) == [7000215]
    assert application.refresh(token, client_secret="second").status_code == 200


def test_redirect_uris(application: Application) -> None:
    uri = "https://broker.example/prod/callback"
    client = application.platform.client(
        application.registration.client_id, redirect_uris=[uri, "https://bare.example"]
    )
    assert client["redirect_uris"] == [uri, "https://bare.example"]
    code = application.code(redirect_uri=uri)
    assert application.redeem(code, redirect_uri=uri).status_code == 200
    url = application.authorize_url(redirect_uri="https://bare.example")
    redirect = application.platform.consent(url, OWNER).redirect
    assert redirect is not None
    assert redirect.startswith("https://bare.example/?code=")


def test_removed_client(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.remove_client(application.registration.client_id)
    assert numbers(application.refresh(token)) == [700016]


def test_clients_are_shown_without_secrets(application: Application) -> None:
    text = requests.get(application.platform.base_url + "/_control/clients", timeout=5).text
    assert application.registration.client_id in text
    assert application.registration.client_secret not in json.loads(json.dumps(text))


def test_mint(application: Application) -> None:
    answer = application.platform.mint(OWNER, f"{SCOPE} {GRAPH}")
    assert answer["scope"] == ADS
    assert application.refresh(answer["refresh_token"], scope=GRAPH).status_code == 200


def test_counters(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.refresh(token)
    application.refresh(token, client_secret="wrong")
    counters = application.platform.counters()
    assert counters["token.authorization_code.ok"] == 1
    assert counters["token.refresh_token.ok"] == 1
    assert counters["token.refresh_token.invalid_client"] == 1
    assert counters["token"] == 3
    assert counters["authorize.redirect"] == 1
    assert application.platform.redemptions(outcome=None) == 2


def test_reset(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.clock(1000)
    application.platform.settings(latency_ms=1)
    application.platform.act(OWNER, "delete")
    application.platform.reset()
    assert numbers(application.refresh(token)) == [70000]
    assert application.tokens()["scope"] == ADS
    assert application.platform.settings()["latency_ms"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "settings", {"speed": 1}),
        ("PATCH", "users/nobody@contoso.example", {}),
        ("PATCH", f"users/{OWNER}", {"tenant": "x"}),
        ("POST", f"users/{OWNER}/promote", {}),
        ("POST", "tenants/fabrikam.example/forget", {}),
        ("POST", "clock", {}),
        ("POST", "clients", {}),
        ("DELETE", "clients/unknown", None),
        ("POST", "consent", {"url": "http://x/", "user": OWNER, "action": "shrug"}),
        ("POST", "faults", ["list"]),
    ],
)
def test_mistaken_calls(platform: Platform, method: str, path: str, body: Any) -> None:
    url = f"{platform.base_url}/_control/{path}"
    answer = requests.request(method, url, json=body, timeout=5)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_a_crowd(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.settings(throttle_threshold=None)
    with ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(lambda _: application.refresh(token), range(200)))
    assert [answer.status_code for answer in answers] == [200] * 200
    assert len({answer.json()["refresh_token"] for answer in answers}) == 200
    assert application.platform.redemptions() == 200


def test_command_line(tmp_path: Path) -> None:
    state = tmp_path / "identity.json"
    command = [sys.executable, "-m", "local.identity", "--port", "0", "--state-file", str(state)]
    command += ["--redirect-uri", "https://a.example/callback", "--client-id", "ABC"]
    environment = {"CLIENT_SECRET": "from-the-environment", "PYTHONPATH": "."}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        written = json.loads(state.read_text(encoding="utf-8"))
        assert written["url"] in line
        assert written["client_id"] == "abc"
        assert Platform(written["url"]).healthy()
        clients = requests.get(written["url"] + "/_control/clients", timeout=5).json()
        assert clients[0]["redirect_uris"] == ["https://a.example/callback"]
        process.terminate()
        assert process.wait(10) == 0
