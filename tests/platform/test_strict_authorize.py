"""Authorize URLs with one rule broken each: the right page or redirect."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .application import ADS, GRAPH, OWNER, PERSONAL, Application, returned

PAGES: list[tuple[dict[str, Any], int]] = [
    ({"client_id": None}, 900144),
    ({"client_id": "99999999-0000-4000-8000-000000000000"}, 700016),
    ({"redirect_uri": None}, 900971),
    ({"redirect_uri": "http://localhost:8080/callback/"}, 50011),
    ({"redirect_uri": "http://localhost:8081/callback"}, 50011),
    ({"redirect_uri": "HTTP://localhost:8080/callback"}, 50011),
    ({"redirect_uri": "http://localhost:8080/callback?x=1"}, 50011),
    ({"tenant": "nowhere.example"}, 90002),
]


@pytest.mark.parametrize(("changes", "number"), PAGES)
def test_authorize_page(application: Application, changes: dict[str, Any], number: int) -> None:
    answer = requests.get(application.authorize_url(**changes), allow_redirects=False, timeout=30)
    assert answer.status_code == 400
    assert f"AADSTS{number}" in answer.text
    assert "Location" not in answer.headers


REDIRECTS: list[tuple[dict[str, Any], str, int]] = [
    ({"response_type": None}, "invalid_request", 900144),
    ({"response_type": "token"}, "unsupported_response_type", 70005),
    ({"response_type": "code id_token"}, "unsupported_response_type", 700054),
    ({"response_mode": "smoke"}, "invalid_request", 70007),
    ({"scope": None}, "invalid_request", 900144),
    ({"scope": " "}, "invalid_request", 900144),
    ({"scope": "openid  profile"}, "invalid_scope", 70011),
    ({"scope": "openid\tprofile"}, "invalid_scope", 70011),
    ({"scope": f"'{ADS}\""}, "invalid_scope", 70011),
    ({"scope": "https://nothing.example/read"}, "invalid_resource", 500011),
    ({"scope": "https://ads.microsoft.com/bingads.manage"}, "invalid_client", 650053),
    ({"scope": f"{GRAPH} https://graph.microsoft.com/.default"}, "invalid_scope", 70011),
    ({"code_challenge_method": "plain"}, "invalid_request", 90023),
    ({"code_challenge_method": None}, "invalid_request", 90023),
    ({"code_challenge": "short"}, "invalid_request", 501491),
    ({"code_challenge": None}, "invalid_request", 501491),
    ({"prompt": "admin_consent"}, "invalid_request", 90023),
    ({"prompt": "select_account", "login_hint": OWNER}, "invalid_request", 90023),
    ({"prompt": "none"}, "login_required", 50058),
]


@pytest.mark.parametrize(("changes", "error", "number"), REDIRECTS)
def test_authorize_redirect(
    application: Application, changes: dict[str, Any], error: str, number: int
) -> None:
    answer = requests.get(application.authorize_url(**changes), allow_redirects=False, timeout=30)
    assert answer.status_code == 302
    fields = returned(answer.headers["Location"])
    assert set(fields) == {"error", "error_description", "error_uri", "state"}
    assert fields["error"] == error
    assert fields["error_description"].startswith(f"AADSTS{number}: ")
    assert "Trace ID: " in fields["error_description"]
    assert fields["state"] == "a state/with+odd&characters"


def test_authorize_duplicates(application: Application) -> None:
    answer = requests.get(application.authorize_url() + "&state=other", timeout=30)
    assert answer.status_code == 400
    assert "AADSTS9000411" in answer.text


AUDIENCES = [
    ("AzureADMyOrg", "common", 50194),
    ("PersonalMicrosoftAccount", "common", 9002331),
    ("AzureADMultipleOrgs", "consumers", 9002332),
]


@pytest.mark.parametrize(("audience", "tenant", "number"), AUDIENCES)
def test_audience(application: Application, audience: str, tenant: str, number: int) -> None:
    application.platform.client(application.registration.client_id, audience=audience)
    answer = requests.get(application.authorize_url(tenant=tenant), timeout=30)
    assert answer.status_code == 400
    assert f"AADSTS{number}" in answer.text


@pytest.mark.parametrize(
    ("tenant", "user"),
    [("organizations", PERSONAL), ("consumers", OWNER), ("fabrikam.example", OWNER)],
)
def test_account_of_another_tenant(application: Application, tenant: str, user: str) -> None:
    page = application.platform.consent(application.authorize_url(tenant=tenant), user)
    assert (page.redirect, page.page, page.number) == (None, "error", 50020)
