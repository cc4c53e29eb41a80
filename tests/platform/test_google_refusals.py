"""What Google refuses, where it says so, and every answer on demand."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
import requests

from local.simulator.google.errors import ANSWERS

from .application import VERIFIER, returned
from .google_application import OWNER, WORKSPACE, GoogleApplication

PAGES: list[tuple[dict[str, Any], str]] = [
    ({"redirect_uri": "http://localhost:8080/callback/google/"}, "redirect_uri_mismatch"),
    ({"redirect_uri": "HTTP://localhost:8080/callback/google"}, "redirect_uri_mismatch"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"client_id": "unknown"}, "invalid_client"),
    ({"client_id": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": None}, "invalid_request"),
    ({"scope": "openid offline_access"}, "invalid_scope"),
    ({"access_type": "forever"}, "invalid_request"),
    ({"prompt": "login"}, "invalid_request"),
    ({"prompt": "none consent"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "S512"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
]


@pytest.mark.parametrize(("changes", "error"), PAGES)
def test_a_wrong_url_stays_on_googles_page(
    at_google: GoogleApplication, changes: dict[str, Any], error: str
) -> None:
    consent = at_google.consent(**changes)
    assert (consent.redirect, consent.page, consent.error) == (None, "google_error", error)
    assert consent.status == (401 if error == "invalid_client" else 400)


def test_a_parameter_twice(at_google: GoogleApplication) -> None:
    url = at_google.authorize_url() + "&state=again"
    assert at_google.platform.consent(url, OWNER).error == "invalid_request"


@pytest.mark.parametrize(
    ("state", "error"), [("deleted", "deleted_client"), ("disabled", "disabled_client")]
)
def test_a_client_that_is_gone(at_google: GoogleApplication, state: str, error: str) -> None:
    token = at_google.tokens()["refresh_token"]
    at_google.google.client(at_google.registration.client_id, state=state)
    assert at_google.consent().error == error
    answer = at_google.refresh(token)
    assert (answer.status_code, answer.json()["error"]) == (401, error)
    at_google.google.client(at_google.registration.client_id, state="ok")
    assert at_google.refresh(token).status_code == 200


def test_an_internal_client_and_workspace_policies(at_google: GoogleApplication) -> None:
    assert at_google.consent("owner@locked.example").error == "admin_policy_enforced"
    assert at_google.consent("student@school.example").error == "access_not_configured"
    token = at_google.tokens(WORKSPACE)["refresh_token"]
    at_google.google.workspace("workspace.example", "block")
    answer = at_google.refresh(token)
    assert (answer.status_code, answer.json()["error"]) == (400, "admin_policy_enforced")
    at_google.google.workspace("workspace.example", "allow")
    assert at_google.refresh(token).status_code == 200
    at_google.google.client(at_google.registration.client_id, internal="workspace.example")
    assert at_google.consent(OWNER).error == "org_internal"
    assert at_google.consent(WORKSPACE).redirect


def test_nobody_is_signed_in(at_google: GoogleApplication) -> None:
    back = returned(str(at_google.consent(prompt="none").redirect))
    assert back["error"] == "interaction_required"
    at_google.google.settings(prompt_none_error="access_denied")
    back = returned(str(at_google.consent(prompt="none").redirect))
    assert back["error"] == "access_denied"


CODES: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"code": "4/unknown"}, 400, "invalid_grant", "Malformed auth code."),
    ({"code": None}, 400, "invalid_request", "Missing required parameter: code"),
    ({"code_verifier": None}, 400, "invalid_grant", "Missing code verifier."),
    ({"code_verifier": "w" * 43}, 400, "invalid_grant", "Invalid code verifier."),
    ({"code_verifier": "short"}, 400, "invalid_grant", "Invalid code verifier."),
    ({"redirect_uri": "http://localhost:8080/other"}, 400, "redirect_uri_mismatch", None),
    ({"redirect_uri": None}, 400, "redirect_uri_mismatch", None),
    ({"client_secret": "wrong"}, 401, "invalid_client", "The provided client secret is invalid."),
    ({"client_secret": None}, 400, "invalid_request", "client_secret is missing."),
    ({"client_id": None}, 400, "invalid_request", "Could not determine client ID from request."),
    ({"client_id": "unknown"}, 401, "invalid_client", "The OAuth client was not found."),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", None),
    ({"client_assertion": "x"}, 400, "invalid_request", None),
]


@pytest.mark.parametrize(("changes", "status", "error", "text"), CODES)
def test_a_wrong_redemption(
    at_google: GoogleApplication,
    changes: dict[str, Any],
    status: int,
    error: str,
    text: str | None,
) -> None:
    code = at_google.code()
    answer = at_google.redeem(code, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    if text:
        assert answer.json()["error_description"] == text
    assert set(answer.json()) <= {"error", "error_description"}
    assert at_google.redeem(code).status_code == 200, "a refused redemption burns no code"


def test_a_code_serves_once_and_ten_minutes(at_google: GoogleApplication) -> None:
    code = at_google.code()
    assert at_google.redeem(code).status_code == 200
    assert at_google.redeem(code).json()["error_description"] == "Bad Request"
    late = at_google.code()
    at_google.platform.clock(601)
    assert at_google.redeem(late).json()["error"] == "invalid_grant"


def test_a_code_that_was_encoded_twice_is_malformed(at_google: GoogleApplication) -> None:
    code = at_google.code().replace("/", "%2F")
    assert at_google.redeem(code).json()["error_description"] == "Malformed auth code."


def test_a_verifier_that_nobody_asked_for(at_google: GoogleApplication) -> None:
    code = at_google.code(code_challenge=None, code_challenge_method=None)
    text = at_google.redeem(code).json()["error_description"]
    assert text == "code_verifier or verifier is not needed"
    assert at_google.redeem(code, code_verifier=None).status_code == 200


def test_a_challenge_without_method_is_plain(at_google: GoogleApplication) -> None:
    hashed = at_google.code(code_challenge_method=None)
    assert at_google.redeem(hashed).json()["error_description"] == "Invalid code verifier."
    plain = at_google.code(code_challenge=VERIFIER, code_challenge_method=None)
    assert at_google.redeem(plain).status_code == 200


def test_another_clients_tokens(at_google: GoogleApplication) -> None:
    token, code = at_google.tokens()["refresh_token"], at_google.code()
    uri = at_google.registration.redirect_uris[0]
    at_google.google.client("other", secrets=[{"value": "s"}], redirect_uris=[uri])
    other = {"client_id": "other", "client_secret": "s"}
    for answer in (at_google.refresh(token, **other), at_google.redeem(code, **other)):
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")


@pytest.mark.parametrize(
    ("operation", "text"),
    [("delete", "Account has been deleted"), ("disable", "Token has been expired or revoked.")],
)
def test_an_account_that_is_gone(at_google: GoogleApplication, operation: str, text: str) -> None:
    token = at_google.tokens()["refresh_token"]
    at_google.google.act(OWNER, operation)
    assert at_google.refresh(token).json() == {"error": "invalid_grant", "error_description": text}


def test_form_only(at_google: GoogleApplication) -> None:
    url = f"{at_google.url}/token"
    assert requests.get(url, timeout=5).status_code == 404
    assert requests.post(url, json={}, timeout=5).json()["error"] == "invalid_request"
    form = list(at_google.code_form(at_google.code()).items())
    twice = requests.post(url, data=[*form, ("code", "again")], timeout=5)
    assert twice.json()["error"] == "invalid_request"
    stray = {"scope": "openid", "environment": "production", "tenant": "common"}  # as SDKs send
    assert at_google.redeem(at_google.code(), **stray).status_code == 200
    assert at_google.refresh("x", scope="openid mail").json()["error"] == "invalid_grant"
    token = at_google.tokens()["refresh_token"]
    assert at_google.refresh(token, scope="openid mail").json()["error"] == "invalid_scope"
    secret = {"client_id": None, "client_secret": None}
    pair = (at_google.registration.client_id, quote_plus(at_google.registration.client_secret))
    basic = at_google.code_form(at_google.code()) | secret
    assert at_google.post("token", basic, auth=pair).status_code == 200


@pytest.mark.parametrize(
    ("user", "error", "subtype"),
    [
        ("restricted@workspace.example", "access_denied", None),
        ("session@workspace.example", "invalid_grant", "invalid_rapt"),
        ("revoked@gmail.example", "invalid_grant", None),
    ],
)
def test_seeded_troubles(
    at_google: GoogleApplication, user: str, error: str, subtype: str | None
) -> None:
    body = at_google.refresh(at_google.tokens(user)["refresh_token"]).json()
    assert (body["error"], body.get("error_subtype")) == (error, subtype)
    assert subtype is None or body["error_uri"].endswith("/a/answer/9368756")


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_answer_on_demand(at_google: GoogleApplication, name: str) -> None:
    token, answer = at_google.tokens()["refresh_token"], ANSWERS[name]
    at_google.platform.fault("google_token", {"kind": "google", "answer": name})
    told = at_google.refresh(token)
    assert told.status_code == answer.status
    if answer.html:
        assert told.headers["Content-Type"].startswith("text/html")
        with pytest.raises(ValueError, match="Expecting value"):
            told.json()
    else:
        assert told.json()["error"] == answer.error
    assert dict(answer.headers).items() <= dict(told.headers).items()
    assert at_google.refresh(token).status_code == 200, "once"


def test_faults_of_pages_revocation_and_documents(at_google: GoogleApplication) -> None:
    platform = at_google.platform
    platform.fault("google_authorize", {"kind": "google", "answer": "rate_limit_exceeded"})
    assert at_google.consent().error == "rate_limit_exceeded"
    declined = {"kind": "google", "answer": "declined", "error": "server_error"}
    platform.fault("google_authorize", declined, match={"action": "accept"})
    back = returned(str(at_google.consent().redirect))
    assert (back["error"], back["iss"]) == ("server_error", at_google.url)
    token = at_google.tokens()["access_token"]
    platform.fault("google_revoke", {"kind": "google", "answer": "temporary"})
    assert at_google.post("revoke", {"token": token}).status_code == 502
    platform.fault("google_discovery", {"kind": "http", "status": 503})
    assert requests.get(f"{at_google.url}/oauth2/v3/certs", timeout=5).status_code == 503
    platform.fault("google_token", {"kind": "omit", "fields": ["refresh_token"]})
    assert "refresh_token" not in at_google.redeem(at_google.code()).json()
    lost = {"kind": "reset", "after_effect": True}
    platform.fault("google_token", lost, match={"grant_type": "authorization_code"})
    code = at_google.code()
    with pytest.raises(requests.ConnectionError):
        at_google.redeem(code)
    assert at_google.redeem(code).json()["error_description"] == "Bad Request"


def test_a_forged_id_token(at_google: GoogleApplication) -> None:
    changed = {"kind": "id_token", "claims": {"sub": "1", "email": None}, "signature": "foreign"}
    at_google.platform.fault("google_token", changed)
    forged = at_google.redeem(at_google.code()).json()["id_token"]
    claims = jwt.decode(forged, options={"verify_signature": False})
    assert claims["sub"] == "1"
    assert "email" not in claims
    keys = jwt.PyJWKClient(f"{at_google.url}/oauth2/v3/certs")
    key = keys.get_signing_key_from_jwt(forged).key
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, key, algorithms=["RS256"], audience=claims["aud"])


def test_a_providers_refusal_only_on_its_own_legs(at_google: GoogleApplication) -> None:
    for leg, fault in (
        ("token", {"kind": "google", "answer": "bad_request"}),
        ("google_token", {"kind": "aadsts", "number": 70000}),
        ("google_token", {"kind": "google", "answer": "no such answer"}),
    ):
        with pytest.raises(requests.HTTPError):
            at_google.platform.fault(leg, fault)
