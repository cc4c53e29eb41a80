"""What Microsoft says in the owner's browser: the page in both languages, and the connection."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from broker.providers import readers
from broker.providers.terms import Class, Language
from broker.web.pages.language import words
from local.browser import Browser

from .harness import Stack, refused

REDIRECTS = [
    # number, class, status, code, state of a new connection
    (65004, "user_denied", 409, "consent_declined", "pending"),
    (90094, "admin_consent", 409, "admin_consent_required", "awaiting_admin"),
    (90095, "admin_consent_pending", 409, "admin_consent_required", "awaiting_admin"),
    (650052, "service_absent", 409, "admin_consent_required", "awaiting_admin"),
    (50105, "admin_access", 409, "admin_consent_required", "awaiting_admin"),
    (53003, "conditional_access", 409, "blocked_by_policy", "pending"),
    (50076, "mfa", 409, "mfa_required", "pending"),
    (50055, "password", 409, "reauthorization_required", "pending"),
    (50020, "other_account", 409, "reauthorization_required", "pending"),
    (700016, "client_misconfigured", 502, "client_misconfigured", "pending"),
    (70011, "scope", 502, "client_misconfigured", "pending"),
    (90033, "retry", 503, "provider_unavailable", "pending"),
]
CODES = [
    ({"number": 54005}, "restart", 409, "reauthorization_required", "pending"),
    ({"number": 70008}, "restart", 409, "reauthorization_required", "pending"),
    ({"number": 50076}, "mfa", 409, "mfa_required", "pending"),
    ({"number": 53003}, "conditional_access", 409, "blocked_by_policy", "pending"),
    ({"number": 650052}, "service_absent", 409, "admin_consent_required", "awaiting_admin"),
    ({"number": 501481}, "bad_request", 502, "provider_error", "pending"),
    ({"kind": "http", "status": 503}, "retry", 503, "provider_unavailable", "pending"),
    ({"kind": "garbage", "status": 400}, "unintelligible", 502, "provider_error", "pending"),
    ({"kind": "throttle"}, "throttle", 503, "throttled", "pending"),
]


def come_back(
    stack: Stack, link: str, user: str, fault: dict[str, Any], leg: str, match: dict[str, Any]
) -> dict[str, requests.Response]:
    """The page in both languages: the attempt's own, and a reload of it."""
    browser = Browser("en")
    departure = browser.depart(link)
    stack.platform.fault(leg, fault, times=1, match={"user": user, **match})
    try:
        back = stack.platform.consent(departure, user).redirect
        assert back
        english = browser.open(back)
    finally:
        stack.platform.clear_faults()
    reader = Browser("ja")
    reader.cookies = browser.cookies
    return {"en": english, "ja": reader.open(back)}


def told(kind: Class, number: int | None, code: str, language: Language) -> str:
    """The title of the owner's page."""
    said = readers.said(kind, number, "microsoft", "owner", language)
    title: str = said.title if said else words(language)["outcomes"][code]["title"]
    return title


def check(pages: dict[str, requests.Response], kind: str, number: int | None, code: str) -> None:
    """What its reader is told, in their language; nothing active, nothing raw."""
    for language, page in pages.items():
        title = told(Class(kind), number, code, language)  # type: ignore[arg-type]
        assert f'<html lang="{language}">' in page.text
        assert page.headers["Content-Language"] == language
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text
        assert title in page.text.replace("&#x27;", "'").replace("&quot;", '"')
        assert re.search(rf"Code\)?: .*{code} ?", page.text)
        if number:
            assert f"AADSTS{number}" in page.text


@pytest.mark.parametrize(("number", "kind", "status", "code", "state"), REDIRECTS)
def test_a_refusal_on_the_way_back(
    stack: Stack, number: int, kind: str, status: int, code: str, state: str
) -> None:
    user, created = stack.user(), stack.create()
    fault = {"kind": "aadsts", "number": number, "page": False}
    link, name = created["authorize_url"], created["connection"]
    pages = come_back(stack, link, user, fault, "authorize", {"action": "accept"})
    assert {page.status_code for page in pages.values()} == {status}
    check(pages, kind, number, code)
    shown = stack.show(name)
    assert shown["status"] == state
    waiting = "authorization_pending" if state == "pending" else "admin_consent_required"
    refused(stack.team_a.get(f"/connections/{name}/token"), 409, waiting)
    times = shown["authorization"]
    assert times["opened_at"] <= times["started_at"] <= times["returned_at"]
    assert times["attempts"] == 1
    stack.consent(link, user)
    assert stack.show(name)["status"] == "active"


@pytest.mark.parametrize(("fault", "kind", "status", "code", "state"), CODES)
def test_a_refusal_of_the_code(
    stack: Stack, fault: dict[str, Any], kind: str, status: int, code: str, state: str
) -> None:
    user, created = stack.user(), stack.create()
    link, name = created["authorize_url"], created["connection"]
    match = {"grant_type": "authorization_code"}
    before = stack.platform.redemptions("authorization_code", None)
    pages = come_back(stack, link, user, {"kind": "aadsts", **fault}, "token", match)
    assert {page.status_code for page in pages.values()} == {status}
    check(pages, kind, fault.get("number"), code)
    assert stack.platform.redemptions("authorization_code", None) == before + 1
    assert stack.show(name)["status"] == state
    stack.consent(link, user)
    assert stack.show(name)["status"] == "active"


def test_an_active_connection_is_not_touched_by_a_browser(stack: Stack) -> None:
    user = stack.user()
    name = stack.connect(user)
    fault = {"kind": "aadsts", "number": 650052, "page": False}
    pages = come_back(stack, stack.renew(name), user, fault, "authorize", {})
    assert {page.status_code for page in pages.values()} == {409}
    shown = stack.show(name)
    assert (shown["status"], shown["last_error"]) == ("active", None)
    assert shown["consent_error"]["provider"]["error_codes"] == [650052]
    stack.fetch(name)


@pytest.mark.parametrize(
    ("user", "action"),
    [("owner@fabrikam.example", "request"), ("owner@northwind.example", "cancel")],
    ids=["with the request button", "without"],
)
def test_a_tenant_that_asks_its_administrator(stack: Stack, user: str, action: str) -> None:
    """Both ways tenants are set up, up to the administrator's approval and the consent."""
    created = stack.create()
    link, name = created["authorize_url"], created["connection"]
    domain = user.partition("@")[2]
    stack.platform.act(user, "withdraw-consent")  # and so the administrator's
    page = Browser("ja").consent(link, stack.platform, user, action)
    assert page.status_code == 409
    found = re.search(r"https?://[^\s<]+/admin-consent\?ticket=[\w-]{43}", page.text)
    assert found, "the link to hand over"
    assert found[0] != created["admin_consent_url"]
    assert "管理者の同意要求" in page.text
    assert "管理者の同意設定" in page.text

    state = "awaiting_admin" if action == "request" else "pending"
    assert stack.show(name)["status"] == state
    wrong = Browser("en").open(found[0].replace("admin-consent", "authorize"))
    assert (wrong.status_code, "link" in wrong.text) == (400, True)

    approved = Browser("en").consent(found[0], stack.platform, f"admin@{domain}")
    assert approved.status_code == 200
    shown = stack.show(name)
    assert shown["status"] == state, "an administrator's return proves nothing"
    assert shown["authorization"]["admin_consent"]["attempts"] == 1
    assert shown["authorization"]["admin_consent"]["returned_at"]
    stack.consent(link, user)
    assert stack.show(name)["status"] == "active"


def test_an_attempt_that_never_returns_is_seen(stack: Stack) -> None:
    created = stack.create()
    Browser("en").depart(created["authorize_url"])
    found = stack.show(created["connection"])["authorization"]
    assert found["opened_at"]
    assert found["started_at"]
    assert (found["returned_at"], found["attempts"]) == (None, 1)


@pytest.mark.parametrize(
    ("user", "finding"),
    [
        ("noads@contoso.example", 105),
        ("merged@contoso.example", 120),
        ("needspersonal@contoso.example", 123),
        ("needswork@outlook.example", 122),
        ("migrated@outlook.example", 124),
        ("notallowed@outlook.example", 125),
        ("mismatch@outlook.example", 126),
    ],
)
def test_the_browser_says_whether_the_account_reaches_its_service(
    stack: Stack, user: str, finding: int
) -> None:
    created = stack.create(parameters={"developer_token": "SIMULATED01DEV"})
    page = Browser("en").consent(created["authorize_url"], stack.platform, user)
    assert page.status_code == 200
    assert "developer_token" not in page.text  # how to mend it is not for the owner
    assert "Not OK" in page.text
    assert "Invalid client data" not in page.text
    answer = stack.operator.post(f"/connections/{created['connection']}/verify").json()
    assert not answer["ok"]
    last = answer["checks"][-1]
    assert (last["name"], str(finding) in last["detail"]) == ("user", True)
    shown = stack.show(created["connection"])
    assert shown["status"] == "active"
    assert not shown["findings"]["ok"]
    kept = shown["findings"]["checks"][-1]
    assert {**kept, "detail": None} == {**last, "detail": None}, "the tracking id is each call's"
    assert f"code {finding}," in kept["detail"]


def test_verify(stack: Stack) -> None:
    owner = "owner@contoso.example"
    name = stack.connect(owner, parameters={"developer_token": "SIMULATED01DEV"})
    path = f"/connections/{name}/verify"
    answer = stack.operator.post(path)
    assert answer.status_code == 200
    body = answer.json()
    assert body["ok"]
    names = [check["name"] for check in body["checks"]]
    assert names == ["refresh", "scopes", "developer_token", "user", "accounts"]
    assert {*body["checks"][0]} == {"name", "ok", "code", "detail", "actor", "remedy"}
    for number in (106, 117, 109):
        stack.platform.fault("advertising", {"kind": "api", "code": number}, times=None)
        last = stack.operator.post(path).json()["checks"][-1]
        assert (last["ok"], str(number) in last["detail"]) == (False, True)
        stack.platform.clear_faults()
    stack.platform.fault("advertising", {"kind": "api", "code": 109}, times=1)
    assert stack.operator.post(path).json()["ok"], "once more with a new token"
    assert stack.team_a.post(path).status_code == 403
    refused(stack.operator.post("/connections/never-created/verify"), 404, "not_found")


@pytest.mark.parametrize(
    ("service", "last"),
    [("microsoft-graph", "me"), ("power-bi", "service")],
)
def test_verify_of_other_services(stack: Stack, service: str, last: str) -> None:
    name = stack.connect(service=service)
    body = stack.operator.post(f"/connections/{name}/verify").json()
    assert body["ok"]
    assert body["checks"][-1]["name"] == last
