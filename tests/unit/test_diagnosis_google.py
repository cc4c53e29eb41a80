"""Google's answers: each of those that were seen in the field, by leg."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.problems import Provider
from broker.providers.diagnosis import Diagnosis, text
from broker.providers.error_catalogue import table
from broker.providers.google.diagnosis import diagnose, diagnose_redirect, diagnose_transport
from broker.providers.terms import Class, Effect, Endpoint

CODE, REFRESH, AUTHORIZE = Endpoint.CODE, Endpoint.REFRESH, Endpoint.AUTHORIZE
HTML = "<html><title>Error</title>"
GRANT = "invalid_grant"

ANSWERS = [
    # leg, status, error or page, description, subtype; class
    (CODE, 400, GRANT, "Malformed auth code.", None, "restart"),
    (CODE, 400, GRANT, "Bad Request", None, "restart"),
    (CODE, 400, GRANT, "Missing code verifier.", None, "restart"),
    (CODE, 400, "redirect_uri_mismatch", "", None, "client_misconfigured"),
    (CODE, 401, "invalid_client", "Unauthorized", None, "credential"),
    (REFRESH, 401, "invalid_client", "The OAuth client was not found.", None, "credential"),
    (REFRESH, 401, "deleted_client", "The OAuth client was deleted.", None, "client_deleted"),
    (REFRESH, 401, "disabled_client", "The OAuth client was disabled.", None, "client_disabled"),
    (REFRESH, 400, "invalid_request", "client_secret is missing.", None, "bad_request"),
    (REFRESH, 400, GRANT, "Token has been expired or revoked.", None, "reauthorize"),
    (REFRESH, 400, GRANT, "Bad Request", None, "reauthorize"),
    (REFRESH, 400, GRANT, "reauth related error", "invalid_rapt", "reauthentication_policy"),
    (REFRESH, 400, GRANT, "", "rapt_required", "reauthentication_policy"),
    (REFRESH, 400, GRANT, "The account has been deleted", None, "account_gone"),
    (REFRESH, 403, "access_denied", "Account restricted", None, "restricted"),
    (REFRESH, 400, "access_denied", "", None, "restricted"),
    (REFRESH, 400, "admin_policy_enforced", "", None, "conditional_access"),
    (REFRESH, 401, "unauthorized_client", "Unauthorized", None, "foreign_client"),
    (REFRESH, 403, HTML, "", None, "throttle"),
    (REFRESH, 429, "rate_limit_exceeded", "", None, "throttle"),
    (REFRESH, 503, HTML, "", None, "retry"),
    (REFRESH, 502, HTML, "", None, "retry"),
    (REFRESH, 500, "internal_failure", "", None, "retry"),
    (REFRESH, 404, HTML, "", None, "retry"),
    (REFRESH, 503, GRANT, "Bad Request", None, "retry"),
    (REFRESH, 400, "a_word_nobody_knows", "", None, "unintelligible"),
]  # fmt: skip

MEANING = {
    "throttle": ("throttled", "nobody"),
    "retry": ("provider_unavailable", "nobody"),
    "credential": ("client_misconfigured", "operator"),
    "client_deleted": ("client_misconfigured", "operator"),
    "client_disabled": ("client_misconfigured", "operator"),
    "client_misconfigured": ("client_misconfigured", "operator"),
    "foreign_client": ("client_misconfigured", "operator"),
    "bad_request": ("provider_error", "operator"),
    "unintelligible": ("provider_error", "operator"),
    "conditional_access": ("blocked_by_policy", "tenant_admin"),
    "organization_only": ("blocked_by_policy", "tenant_admin"),
    "reauthentication_policy": ("blocked_by_policy", "tenant_admin"),
    "restricted": ("blocked_by_policy", "tenant_admin"),
    "user_denied": ("consent_declined", "owner"),
    "reauthorize": ("reauthorization_required", "owner"),
    "account_gone": ("reauthorization_required", "owner"),
    "restart": ("reauthorization_required", "owner"),
}


def said(
    leg: Endpoint, status: int, error: str, description: str = "", subtype: str | None = None
) -> Diagnosis:
    body: dict[str, str] = {"error": error, "error_description": description}
    if subtype:
        body["error_subtype"] = subtype
    sent = error if error is HTML else json.dumps(body)
    return diagnose(leg, status, {"Content-Type": "x"}, sent.encode(), 0.0)


@pytest.mark.parametrize(("leg", "status", "error", "description", "subtype", "kind"), ANSWERS)
def test_an_answer_of_the_token_endpoint(
    leg: Endpoint, status: int, error: str, description: str, subtype: str | None, kind: str
) -> None:
    found = said(leg, status, error, description, subtype)
    assert (found.identity_provider, found.kind) == ("google", kind)
    assert (found.code, found.actor) == MEANING[kind]


REDIRECTS = [
    ("access_denied", "user_denied"),
    ("interaction_required", "restart"),
    ("login_required", "restart"),
    ("admin_policy_enforced", "conditional_access"),
    ("org_internal", "organization_only"),
    ("deleted_client", "client_deleted"),
    ("invalid_client", "client_misconfigured"),
    ("server_error", "retry"),
    ("temporarily_unavailable", "retry"),
    ("disallowed_useragent", "restart"),
]


@pytest.mark.parametrize(("error", "kind"), REDIRECTS)
def test_an_error_redirect(error: str, kind: str) -> None:
    found = diagnose_redirect(AUTHORIZE, {"error": error})
    assert (found.kind, found.code, found.actor) == (kind, *MEANING[kind])
    assert found.effect is Effect.NONE


@pytest.mark.parametrize("status", [403, 408, 429, 500, 502, 503, 504, 404])
def test_a_page_of_html_never_marks_a_grant_dead(status: int) -> None:
    found = said(REFRESH, status, HTML)
    assert found.effect is Effect.NONE
    assert found.retryable


def test_a_restriction_lets_the_grant_live() -> None:
    for error in ("access_denied", "admin_policy_enforced"):
        assert said(REFRESH, 400, error).effect is Effect.POLICY


def test_a_text_names_the_cause_and_never_who_must_act() -> None:
    plain, named = said(REFRESH, 400, GRANT), said(REFRESH, 400, GRANT, "account has been deleted")
    assert (plain.code, plain.actor, plain.effect) == (named.code, named.actor, named.effect)


def test_a_foreign_client_says_nothing_about_the_secret() -> None:
    assert said(REFRESH, 401, "unauthorized_client").effect is Effect.NONE
    assert said(REFRESH, 401, "invalid_client").effect is Effect.CREDENTIAL


def test_no_answer_at_all() -> None:
    found = diagnose_transport(REFRESH)
    assert (found.code, found.retryable, found.provider) == (
        "provider_unavailable",
        True,
        Provider(),
    )


def test_people_read_google_s_texts() -> None:
    assert "Google" in text(said(REFRESH, 401, "deleted_client")).title
    assert "Google" in text(said(REFRESH, 401, "deleted_client"), "ja").title
    assert text(said(REFRESH, 400, "admin_policy_enforced"), "ja").link.endswith("?hl=ja")


@given(st.sampled_from(Endpoint), st.integers(400, 599), st.binary(max_size=300))
def test_no_body_is_ever_shown_or_raises(leg: Endpoint, status: int, body: bytes) -> None:
    found = diagnose(leg, status, {}, body, 0.0)
    assert found.provider.error is None or found.provider.error in table("google").errors
    assert found.kind in Class
