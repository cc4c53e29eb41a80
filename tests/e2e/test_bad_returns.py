"""Returns from Microsoft that must not become a grant: a page, a reason in the log, nothing
changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from local.browser import Browser
from tests.e2e.harness import GRAPH, Stack
from tests.e2e.watch import refusal, unchanged

TENANT_ID = "aaaaaaaa-1111-4000-8000-000000000001"
OTHER_TENANT_ID = "aaaaaaaa-1111-4000-8000-000000000002"
PERSONAL_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"
OTHER_ID = "bbbbbbbb-1111-4000-8000-00000000000f"


@dataclass(frozen=True)
class Case:
    """A return: the connection's fields, the user's, a fault of the token endpoint; the answer."""

    status: int
    code: str
    fault: dict[str, Any] | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)


def claims(**wrong: Any) -> dict[str, Any]:
    """An ID token with claims that are wrong; None: without them."""
    return {"kind": "id_token", "claims": wrong}


def another(tenant_id: str) -> dict[str, Any]:
    """A sound ID token of a tenant that a careful platform would not have let in there."""
    return claims(tid=tenant_id, iss=f"PLATFORM/{tenant_id}/v2.0")


def number(aadsts: int) -> dict[str, Any]:
    """A refusal of Microsoft's."""
    return {"kind": "aadsts", "number": aadsts}


CASES = {
    "wrong nonce": Case(502, "provider_error", claims(nonce="x" * 43)),
    "no nonce": Case(502, "provider_error", claims(nonce=None)),
    "wrong issuer": Case(502, "provider_error", claims(iss="https://sts.evil.example/v2.0")),
    "issuer of another tenant": Case(502, "provider_error", claims(tid=OTHER_TENANT_ID)),
    "wrong audience": Case(502, "provider_error", claims(aud=OTHER_ID)),
    "expired ID token": Case(502, "provider_error", claims(exp=1)),
    "tenant of no GUID": Case(502, "provider_error", claims(tid="../..")),
    "no object id": Case(502, "provider_error", claims(oid=None)),
    "no ID token": Case(502, "provider_error", {"kind": "omit", "fields": ["id_token"]}),
    "another tenant": Case(
        422, "tenant_not_allowed", another(OTHER_TENANT_ID), {"tenant": "contoso.example"}
    ),
    "another tenant id": Case(
        422, "tenant_not_allowed", another(OTHER_TENANT_ID), {"tenant": TENANT_ID}
    ),
    "no personal account": Case(
        422, "tenant_not_allowed", another(PERSONAL_ID), {"tenant": "organizations"}
    ),
    "missing scopes": Case(422, "scope_not_granted", user={"legacy": True}),
    "answered scope lacks": Case(
        422, "scope_not_granted", {"kind": "scope", "scope": f"{GRAPH}/User.Read"}
    ),
    "another identity": Case(
        409, "account_mismatch", fields={"account": {"username": "owner@contoso.example"}}
    ),
    "another object id": Case(409, "account_mismatch", fields={"account": {"object_id": OTHER_ID}}),
    "tenant of another identity": Case(
        409, "account_mismatch", fields={"account": {"tenant_id": OTHER_TENANT_ID}}
    ),
    "no offline_access": Case(
        502, "no_refresh_token", {"kind": "omit", "fields": ["refresh_token"]}
    ),
    "wrong redirect": Case(502, "client_misconfigured", number(50011)),
    "answer of no JSON": Case(502, "provider_error", {"kind": "garbage"}),
    "answer without access token": Case(
        502, "provider_error", {"kind": "omit", "fields": ["access_token"]}
    ),
    "token of another type": Case(
        502, "provider_error", {"kind": "set", "fields": {"token_type": "pop"}}
    ),
    "Microsoft is out": Case(503, "provider_unavailable", {"kind": "http", "status": 503}),
    "answer lost": Case(503, "provider_unavailable", {"kind": "reset", "after_effect": True}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_return_that_is_wrong_grants_nothing(stack: Stack, case: Case) -> None:
    created, browser, platform = stack.create(**case.fields), Browser("en"), stack.platform
    user = stack.user(**case.user)
    back = platform.consent(browser.depart(created["authorize_url"]), user).redirect
    assert back
    redeemed = platform.redemptions("authorization_code", None)
    if case.fault:
        fault = json.loads(json.dumps(case.fault).replace("PLATFORM", stack.settings.platform))
        platform.fault("token", fault, match={"grant_type": "authorization_code"})
    try:
        with refusal(stack, "callback", case.code):
            page(browser.open(back), case.status)
    finally:
        platform.clear_faults()
    assert platform.redemptions("authorization_code", None) <= redeemed + 1
    assert stack.show(created["connection"])["status"] == "pending"
    page(browser.open(back), case.status)  # a reload shows the same


def page(answer: requests.Response, status: int) -> None:
    """A page of that status."""
    assert answer.status_code == status, answer.text[-900:]
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"code": ""}, 400, "invalid_request"),
        ({"code": "x" * 9000}, 400, "invalid_request"),
        ({"admin_consent": "True", "tenant": TENANT_ID}, 400, "link_wrong_kind"),
        ({"code": "c", "admin_consent": "True"}, 400, "link_wrong_kind"),
        (
            {"error": "access_denied", "error_description": "AADSTS65004: <b>"},
            409,
            "consent_declined",
        ),
        ({"error": "server_error"}, 503, "provider_unavailable"),
        ({"error": "no_such_error", "error_description": "<script>"}, 502, "provider_error"),
    ],
)
def test_a_return_without_a_code(
    stack: Stack, params: dict[str, str], status: int, code: str
) -> None:
    created, browser = stack.create(), Browser("en")
    state = parse_qs(urlsplit(browser.depart(created["authorize_url"])).query)["state"][0]
    redeemed = stack.platform.redemptions("authorization_code", None)
    with refusal(stack, "callback", code):
        answer = browser.open(f"{stack.api_url}/callback?{urlencode({**params, 'state': state})}")
        page(answer, status)
    assert "<script>" not in answer.text
    assert stack.platform.redemptions("authorization_code", None) == redeemed


def test_the_owner_presses_cancel(stack: Stack) -> None:
    created, browser = stack.create(), Browser("en")
    back = stack.platform.consent(
        browser.depart(created["authorize_url"]), stack.user(), "cancel"
    ).redirect
    assert back
    with refusal(stack, "callback", "consent_declined"):
        page(browser.open(back), 409)
    # Nothing is lost: the link still works.
    stack.consent(created["authorize_url"], stack.user())


def test_an_admin_link_accepts_no_code(stack: Stack) -> None:
    created, browser = stack.create(), Browser("en")
    state = parse_qs(urlsplit(browser.depart(created["admin_consent_url"])).query)["state"][0]
    query = urlencode({"state": state, "code": "c"})
    redeemed = stack.platform.redemptions("authorization_code", None)
    with refusal(stack, "callback", "link_wrong_kind"):
        page(browser.open(f"{stack.api_url}/callback?{query}"), 400)
    assert stack.platform.redemptions("authorization_code", None) == redeemed


def test_a_code_that_was_redeemed(stack: Stack) -> None:
    """The first connection's code, returned with the second one's state."""
    user, browser = stack.user(), Browser("en")
    first, second = stack.create(), stack.create()
    used = stack.platform.consent(browser.depart(first["authorize_url"]), user).redirect
    assert used
    page(browser.open(used), 200)
    query = parse_qs(urlsplit(used).query)
    state = parse_qs(urlsplit(browser.depart(second["authorize_url"])).query)["state"][0]
    with refusal(stack, "callback", "reauthorization_required"):
        again = urlencode({"code": query["code"][0], "state": state})
        page(browser.open(f"{stack.api_url}/callback?{again}"), 409)


def test_an_unregistered_redirect_never_leaves_microsoft(stack: Stack) -> None:
    platform, created = stack.platform, stack.create()
    location = Browser("en").depart(created["authorize_url"])
    elsewhere = location.replace(
        urlencode({"": f"{stack.api_url}/callback"})[1:], "https%3A%2F%2Fevil.example%2Fcallback"
    )
    assert elsewhere != location
    with unchanged(stack):
        ended = platform.consent(elsewhere, stack.user())
    assert (ended.redirect, ended.number) == (None, 50011)


def test_a_broken_reconsent_leaves_the_grant_as_it_was(stack: Stack) -> None:
    user = stack.user()
    name = stack.connect(user)
    token = stack.fetch(name)["access_token"]
    browser, link = Browser("en"), stack.renew(name)
    back = stack.platform.consent(browser.depart(link), stack.user()).redirect
    assert back
    with refusal(stack, "callback", "account_mismatch"):
        page(browser.open(back), 409)
    assert stack.fetch(name)["access_token"] == token
    assert stack.show(name)["account"]["username"] == user
