"""Token requests with one rule broken each: the right error, status and body."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus

import pytest
import requests

from .application import ADS, GRAPH, PERSONAL, SCOPE, Application

CODE_MISTAKES: list[tuple[dict[str, Any], int, str, int]] = [
    ({"grant_type": None}, 900144, "invalid_request", 400),
    ({"grant_type": "password"}, 70003, "unsupported_grant_type", 400),
    ({"client_id": None}, 900144, "invalid_request", 400),
    ({"client_id": "99999999-0000-4000-8000-000000000000"}, 700016, "unauthorized_client", 400),
    ({"client_secret": None}, 7000218, "invalid_client", 401),
    ({"client_secret": "wrong"}, 7000215, "invalid_client", 401),
    ({"client_secret": "simulated~secret.1_a-b c/d=e &f"}, 7000215, "invalid_client", 401),
    ({"code": None}, 900144, "invalid_request", 400),
    ({"code": "garbled"}, 9002313, "invalid_grant", 400),
    ({"redirect_uri": None}, 900144, "invalid_request", 400),
    ({"redirect_uri": "http://localhost:8080/other"}, 500112, "invalid_client", 401),
    ({"code_verifier": None}, 50148, "invalid_grant", 400),
    ({"code_verifier": "w" * 43}, 501481, "invalid_grant", 400),
    ({"code_verifier": "short"}, 501481, "invalid_grant", 400),
    ({"scope": f"{ADS} {GRAPH}"}, 28000, "invalid_request", 400),
    ({"scope": GRAPH}, 65001, "invalid_grant", 400),
    ({"scope": "https://ads.microsoft.com/nothing"}, 650053, "invalid_client", 401),
    ({"tenant": "organizations"}, 700005, "invalid_grant", 400),
    ({"tenant": "nowhere.example"}, 90002, "invalid_request", 400),
]


@pytest.mark.parametrize(("changes", "number", "error", "status"), CODE_MISTAKES)
def test_code_redemption(
    application: Application, changes: dict[str, Any], number: int, error: str, status: int
) -> None:
    answer = application.redeem(application.code(), **changes)
    refused(answer, number, error, status)


REFRESH_MISTAKES: list[tuple[dict[str, Any], int, str, int]] = [
    ({"refresh_token": None}, 900144, "invalid_request", 400),
    ({"refresh_token": "garbled"}, 70000, "invalid_grant", 400),
    ({"client_secret": "wrong"}, 7000215, "invalid_client", 401),
    ({"scope": None}, 90009, "invalid_request", 400),
    ({"scope": ""}, 70011, "invalid_scope", 400),
    ({"scope": GRAPH}, 65001, "invalid_grant", 400),
    ({"tenant": "fabrikam.example"}, 50020, "invalid_grant", 400),
    ({"tenant": "consumers"}, 50020, "invalid_grant", 400),
]


@pytest.mark.parametrize(("changes", "number", "error", "status"), REFRESH_MISTAKES)
def test_refresh(
    application: Application, changes: dict[str, Any], number: int, error: str, status: int
) -> None:
    token = application.tokens()["refresh_token"]
    refused(application.refresh(token, **changes), number, error, status)


def refused(answer: requests.Response, number: int, error: str, status: int) -> None:
    """The whole shape of a token endpoint's error."""
    body = answer.json()
    assert body["error_codes"] == [number], body
    assert (body["error"], answer.status_code) == (error, status)
    expected = (
        f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} "
        f"Timestamp: {body['timestamp']}"
    )
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body["error_description"].endswith(expected)
    assert body["error_uri"].endswith(f"/error?code={number}")
    assert "access_token" not in body


def test_consent_required_has_its_suberror(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    body = application.refresh(token, scope=GRAPH).json()
    assert body["suberror"] == "consent_required"
    assert application.refresh(token).status_code == 200, "the refresh token stays good"


def test_personal_account_without_consent(application: Application) -> None:
    token = application.tokens(PERSONAL)["refresh_token"]
    body = application.refresh(token, scope=GRAPH).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [70000])
    assert "unauthorized or expired" in body["error_description"]


def test_code_is_good_once(application: Application) -> None:
    code = application.code()
    assert application.redeem(code).status_code == 200
    refused(application.redeem(code), 54005, "invalid_grant", 400)


def test_code_lives_ten_minutes(application: Application) -> None:
    young, old = application.code(), application.code()
    application.platform.clock(590)
    assert application.redeem(young).status_code == 200
    application.platform.clock(610)
    refused(application.redeem(old), 70008, "invalid_grant", 400)


def test_refresh_token_dies_idle(application: Application) -> None:
    used = application.tokens()["refresh_token"]
    idle = application.tokens()["refresh_token"]
    application.platform.clock(80 * 86_400)
    fresh = application.refresh(used).json()["refresh_token"]
    application.platform.clock(91 * 86_400)
    assert application.refresh(fresh).status_code == 200
    answer = application.refresh(idle)
    refused(answer, 700082, "invalid_grant", 400)
    assert answer.json()["suberror"] == "bad_token"


def test_verifier_without_challenge(application: Application) -> None:
    code = application.code(code_challenge=None, code_challenge_method=None)
    refused(application.redeem(code), 50148, "invalid_grant", 400)
    assert application.redeem(code, code_verifier=None).status_code == 200


def test_several_resources_need_a_scope(application: Application) -> None:
    code = application.code(scope=f"{SCOPE} {GRAPH}")
    refused(application.redeem(code, scope=None), 28003, "invalid_request", 400)


def test_origin_is_refused(application: Application) -> None:
    form = application.code_form(application.code())
    answer = application.post(form, headers={"Origin": "https://app.example"})
    refused(answer, 9002326, "invalid_request", 400)


def test_request_form(application: Application) -> None:
    url = f"{application.platform.base_url}/common/oauth2/v2.0/token"
    form = {k: str(v) for k, v in application.code_form(application.code()).items()}
    refused(requests.get(url, timeout=30), 900561, "invalid_request", 400)
    refused(requests.post(url, json=form, timeout=30), 900144, "invalid_request", 400)
    refused(
        requests.post(url, params={"client_id": "x"}, data=form, timeout=30),
        9002313,
        "invalid_request",
        400,
    )
    twice = [*form.items(), ("scope", SCOPE)]
    refused(requests.post(url, data=twice, timeout=30), 9000411, "invalid_request", 400)
    assert requests.post(url, data=form, timeout=30).status_code == 200


def test_basic_authentication(application: Application) -> None:
    registration = application.registration
    form = application.code_form(application.code()) | {"client_secret": None}

    def header(name: str, secret: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}

    encoded = quote_plus(registration.client_secret)
    raw = application.post(form, headers=header(registration.client_id, registration.client_secret))
    refused(raw, 7000215, "invalid_client", 401)
    other = application.post(form, headers=header("someone-else", encoded))
    refused(other, 9002313, "invalid_request", 400)
    both = form | {"client_secret": registration.client_secret}
    answer = application.post(both, headers=header(registration.client_id, encoded))
    refused(answer, 9002313, "invalid_request", 400)
    good = header(registration.client_id, encoded)
    assert application.post(form, headers=good).status_code == 200


def test_another_clients_grant(application: Application) -> None:
    other = "22222222-2222-4333-8444-555555555555"
    application.platform.client(other, secrets=[{"value": "s"}])
    changes = {"client_id": other, "client_secret": "s"}
    refused(application.redeem(application.code(), **changes), 70000, "invalid_grant", 400)
    token = application.tokens()["refresh_token"]
    refused(application.refresh(token, **changes), 70000, "invalid_grant", 400)


def test_public_client_sends_no_secret(application: Application) -> None:
    registration = application.registration
    application.platform.client(registration.client_id, public=True)
    code = application.code()
    refused(application.redeem(code), 700025, "invalid_client", 401)
    assert application.redeem(code, client_secret=None).status_code == 200
