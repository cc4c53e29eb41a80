"""The main job over signed HTTP: create, consent in a browser, fetch, refused, deleted."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import requests

from local.browser import Browser
from tests.e2e.harness import ADS, Stack, refused

CONNECTION = {
    *("connection", "service", "resource", "status", "suspended", "tenant", "scopes"),
    *(
        "granted_scopes",
        "excess_scopes",
        "account",
        "grants",
        "labels",
        "version",
        "generation",
        "created_at",
    ),
    *("authorized_at", "refreshed_at", "next_refresh_at", "last_used_at", "last_error"),
    *("consent_error", "authorization", "identity_provider", "display_name", "purpose"),
    *("contacts", "used_by", "findings"),
}


def seconds(text: str) -> float:
    """An RFC 3339 instant, in seconds since the epoch."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def test_create_answers_two_links_and_when_they_end(stack: Stack) -> None:
    now = datetime.now(UTC).timestamp()
    created = stack.create(connection="links-jp")
    assert set(created) == {
        *("connection", "status", "authorize_url", "admin_consent_url", "expires_at"),
        *("admin_forecast", "admin_forecast_reason"),
    }
    assert (created["connection"], created["status"]) == ("links-jp", "pending")
    owner, admin = urlsplit(created["authorize_url"]), urlsplit(created["admin_consent_url"])
    assert created["authorize_url"].startswith(f"{stack.api_url}/authorize?ticket=")
    assert created["admin_consent_url"].startswith(f"{stack.api_url}/admin-consent?ticket=")
    assert owner.query != admin.query
    assert abs(seconds(created["expires_at"]) - now - 7 * 86_400) < 60
    shown = stack.show("links-jp")
    assert set(shown) == CONNECTION
    assert shown["account"] is None
    assert shown["generation"] == 0
    assert shown["authorization"]["opened_at"] is None
    assert shown["authorization"]["expires_at"] == created["expires_at"]
    refused(
        stack.operator.post(
            "/connections", {"connection": "links-jp", "service": "microsoft-graph"}
        ),
        409,
        "already_exists",
    )


def test_the_page_shows_who_asks_for_what_and_consumes_nothing(stack: Stack) -> None:
    created = stack.create()
    for language, phrase in (("ja", 'lang="ja"'), ("en", 'lang="en"'), ("en", 'lang="en"')):
        page = Browser(language).open(created["authorize_url"])
        assert page.status_code == 200
        assert phrase in page.text
        for told in (created["connection"], "Microsoft Advertising", "operator", "team-a"):
            assert told in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert re.search(rf"form-action 'self' {re.escape(stack.settings.platform)}\b", policy)
        assert "script" not in page.text.lower()
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        cookie = page.headers["Set-Cookie"]
        assert cookie.startswith("__Host-tb=")
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        assert attributes == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    shown = stack.show(created["connection"])["authorization"]
    assert shown["opened_at"] is not None
    assert (shown["started_at"], shown["attempts"]) == (None, 0)


def test_consent_in_a_browser_makes_it_active(stack: Stack) -> None:
    created, user, browser = stack.create(), stack.user(), Browser()
    name = created["connection"]
    refused(stack.team_a.get(f"/connections/{name}/token"), 409, "authorization_pending")
    answer = browser.submit(browser.open(created["authorize_url"]))
    assert answer.status_code == 303
    where = urlsplit(answer.headers["Location"])
    asked = {key: values[0] for key, values in parse_qs(where.query).items()}
    assert f"{where.scheme}://{where.netloc}" == stack.settings.platform
    assert where.path == "/common/oauth2/v2.0/authorize"
    assert asked["redirect_uri"] == f"{stack.api_url}/callback"
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert {"nonce", "state", "code_challenge", "client_id"} <= set(asked)
    wanted = {"openid", "profile", "offline_access", f"{ADS}/msads.manage"}
    assert wanted <= set(asked["scope"].split())
    assert "Set-Cookie" not in answer.headers, "the page has given it"

    back = stack.platform.consent(answer.headers["Location"], user).redirect
    assert back
    page = browser.open(back)
    assert page.status_code == 200
    assert user in page.text
    redeemed = stack.platform.redemptions("authorization_code", None)
    again = browser.open(back)
    assert (again.status_code, user in again.text) == (200, True)
    assert stack.platform.redemptions("authorization_code", None) == redeemed

    shown = stack.show(name)
    assert set(shown) == CONNECTION
    assert shown["status"] == "active"
    assert shown["resource"] == ADS
    assert shown["granted_scopes"] == {ADS: [f"{ADS}/msads.manage"]}
    assert shown["account"]["username"] == user
    assert shown["grants"] == [{"principal": stack.team_a.role_arn}]
    assert (shown["generation"], shown["last_error"], shown["authorization"]) == (1, None, None)
    assert seconds(shown["next_refresh_at"]) < seconds(shown["refreshed_at"]) + 86_400 + 60


def test_a_token_for_team_a_and_for_nobody_else(stack: Stack) -> None:
    name = stack.connect(parameters={"developer_token": "SIMULATED01DEV", "customer_id": 201})
    asked = int(time.time())
    answer = stack.team_a.get(f"/connections/{name}/token")
    answered = int(time.time())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    token = answer.json()
    assert set(token) == {
        *("access_token", "token_type", "expires_in", "scope", "connection", "expires_at"),
        "parameters",
    }
    assert token["token_type"] == "Bearer"
    assert token["connection"] == name
    assert token["parameters"] == {"developer_token": "SIMULATED01DEV", "customer_id": "201"}
    assert f"{ADS}/msads.manage" in token["scope"].split()
    assert isinstance(token["expires_in"], int)
    assert 0 < token["expires_in"] < 5400
    assert asked <= seconds(token["expires_at"]) - token["expires_in"] <= answered

    body = refused(stack.team_b.get(f"/connections/{name}/token"), 403, "access_denied")
    nobody = refused(stack.team_b.get("/connections/nobody-knows/token"), 403, "access_denied")
    assert body == nobody
    bare = requests.get(f"{stack.api_url}/connections/{name}/token", timeout=60)
    assert bare.status_code in (401, 403)
    refused(bare, bare.status_code, "not_authorized")


def test_a_token_that_works_at_microsoft_advertising(stack: Stack) -> None:
    token = stack.fetch(
        stack.connect("owner@contoso.example", parameters={"developer_token": "SIMULATED01DEV"})
    )
    answer = requests.post(
        f"{stack.settings.platform}/CustomerManagement/v13/User/Query",
        json={"UserId": None},
        headers={
            "Authorization": f"Bearer {token['access_token']}",
            "DeveloperToken": token["parameters"]["developer_token"],
        },
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["User"]["Id"] == "1001"


def test_suspended_and_resumed(stack: Stack) -> None:
    name = stack.connect()
    shown = stack.operator.patch(f"/connections/{name}", {"suspended": True}).json()
    assert (shown["suspended"], shown["status"]) == (True, "active")
    refused(stack.team_a.get(f"/connections/{name}/token"), 409, "suspended")
    refused(stack.team_b.get(f"/connections/{name}/token"), 403, "access_denied")
    stack.operator.patch(f"/connections/{name}", {"suspended": False})
    stack.fetch(name)


def test_forced_redemptions_are_one_a_minute(stack: Stack) -> None:
    name = stack.connect()
    first = stack.fetch(name)
    digest = hashlib.sha256(first["access_token"].encode()).hexdigest()
    # Just issued: Microsoft would answer the same life again, so it is served as it is.
    assert stack.fetch(name, rejected=digest)["access_token"] == first["access_token"]
    assert stack.fetch(name, min_ttl=60)["access_token"] == first["access_token"]
    item = stack.item(name)
    assert item
    ((key, stored),) = item["tokens"].items()
    stack.edit(name, tokens={key: {**stored, "obtained_at": stored["obtained_at"] - 120}})
    second = stack.fetch(name, rejected=digest)
    assert second["access_token"] != first["access_token"]
    assert stack.show(name)["generation"] == 2


def test_deleted_and_refused(stack: Stack) -> None:
    name = stack.connect()
    stack.fetch(name)
    incarnation = (stack.item(name) or {})["incarnation"]
    answer = stack.operator.delete(f"/connections/{name}")
    assert (answer.status_code, answer.content) == (204, b"")
    tables = stack.tables()
    assert not any(item["incarnation"] == incarnation for item in tables["VaultTableName"])
    assert stack.item(name) is None
    refused(stack.team_a.get(f"/connections/{name}/token"), 403, "access_denied")
    refused(stack.operator.get(f"/connections/{name}"), 404, "not_found")
    refused(stack.operator.delete(f"/connections/{name}"), 404, "not_found")
    refused(stack.operator.post(f"/connections/{name}/refresh"), 404, "not_found")
