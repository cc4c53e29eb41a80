"""Failures on demand: each kind of fault, on each leg, counted and matched."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import requests

from local.simulator.faults import Fault
from tests.e2e.harness import until

from .application import ADS, GRAPH, OWNER, PERSONAL, SCOPE, Application, returned


@pytest.fixture
def token(application: Application) -> str:
    return str(application.tokens()["refresh_token"])


@pytest.mark.parametrize("retry_after", [60, "Wed, 21 Oct 2037 07:28:00 GMT", None])
def test_throttle_plain(application: Application, token: str, retry_after: object) -> None:
    application.platform.fault("token", {"kind": "throttle", "retry_after": retry_after})
    answer = application.refresh(token)
    assert (answer.status_code, answer.text) == (429, "Too Many Requests")
    assert answer.headers["Content-Type"].startswith("text/plain")
    expected = None if retry_after is None else str(retry_after)
    assert answer.headers.get("Retry-After") == expected
    assert application.platform.redemptions(outcome="fault:throttle") == 1


def test_throttle_as_50196(application: Application, token: str) -> None:
    application.platform.fault("token", {"kind": "throttle", "shape": "50196"})
    body = application.refresh(token).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [50196])


def test_fifteen_identical_requests_are_a_loop(application: Application, token: str) -> None:
    answers = [application.refresh(token) for _ in range(16)]
    assert [a.status_code for a in answers] == [200] * 15 + [400]
    assert answers[-1].json()["error_codes"] == [50196]
    other = application.refresh(token, scope=ADS)
    assert other.status_code == 200, "another request is not identical"
    application.platform.clock(301)
    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize(("threshold", "good"), [(3, 3), (None, 20)])
def test_loop_threshold(
    application: Application, token: str, threshold: int | None, good: int
) -> None:
    application.platform.settings(throttle_threshold=threshold)
    statuses = [application.refresh(token).status_code for _ in range(20)]
    assert statuses == [200] * good + [400] * (20 - good)


def test_http(application: Application, token: str) -> None:
    fault = {"kind": "http", "status": 503, "body": {"oops": 1}, "headers": {"Retry-After": "7"}}
    application.platform.fault("token", fault, times=2)
    for _ in range(2):
        answer = application.refresh(token)
        assert (answer.status_code, answer.json()) == (503, {"oops": 1})
        assert answer.headers["Retry-After"] == "7"
    assert application.refresh(token).status_code == 200
    assert application.platform.redemptions() == 1
    assert application.platform.redemptions(outcome="fault:http") == 2


@pytest.mark.parametrize(
    ("kind", "content"), [("garbage", b"\x00\xff{not json"), ("empty", b""), ("html", b"<html>")]
)
def test_spoiled_bodies(application: Application, token: str, kind: str, content: bytes) -> None:
    application.platform.fault("token", {"kind": kind})
    answer = application.refresh(token)
    assert answer.content.startswith(content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("after", "redeemed"), [(False, 0), (True, 1)])
def test_reset(application: Application, token: str, after: bool, redeemed: int) -> None:
    application.platform.fault("token", {"kind": "reset", "after_effect": after})
    with pytest.raises(requests.ConnectionError):
        application.refresh(token)
    assert application.platform.redemptions() == redeemed


def test_reset_after_a_code_was_taken(application: Application) -> None:
    code = application.code()
    application.platform.fault("token", {"kind": "reset", "after_effect": True})
    with pytest.raises(requests.ConnectionError):
        application.redeem(code)
    assert application.redeem(code).json()["error_codes"] == [54005]


def test_refused_after_a_code_was_taken(application: Application) -> None:
    code = application.code()
    fault = {"kind": "aadsts", "number": 90033, "after_effect": True}
    application.platform.fault("token", fault)
    assert application.redeem(code).json()["error"] == "temporarily_unavailable"
    assert application.redeem(code).json()["error_codes"] == [54005]


def test_truncated(application: Application, token: str) -> None:
    application.platform.fault("token", {"kind": "truncated"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        application.refresh(token)
    assert application.platform.redemptions() == 1


def test_slow(application: Application, token: str) -> None:
    application.platform.fault("token", {"kind": "slow", "seconds": 0.3})
    started = time.monotonic()
    assert application.refresh(token).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_held_goes_on_once_the_faults_are_dropped(application: Application, token: str) -> None:
    platform = application.platform
    platform.fault("token", {"kind": "held"}, match={"grant_type": "refresh_token"})
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(application.refresh, token)
        until(lambda: not platform.faults(), 30, "the held request")
        # It holds nobody else up.
        assert application.tokens()["token_type"] == "Bearer"
        assert platform.redemptions(outcome=None) == 0
        assert not held.done()
        platform.clear_faults()
        assert held.result().status_code == 200
    assert platform.redemptions() == 1


def test_latency(application: Application, token: str) -> None:
    application.platform.settings(latency_ms=200)
    started = time.monotonic()
    assert application.refresh(token).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_id_token_claims(application: Application) -> None:
    fault = {"kind": "id_token", "claims": {"nonce": "other", "oid": None}}
    application.platform.fault("token", fault)
    token = application.tokens()["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["nonce"] == "other"
    assert "oid" not in claims


@pytest.mark.parametrize("signature", ["foreign", "none"])
def test_id_token_signature(application: Application, signature: str) -> None:
    application.platform.fault("token", {"kind": "id_token", "signature": signature})
    token = application.tokens()["id_token"]
    keys = jwt.PyJWKClient(f"{application.platform.base_url}/common/discovery/v2.0/keys")
    with pytest.raises(jwt.PyJWTError):
        jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["RS256"],
            audience=application.registration.client_id,
        )


def test_omit_set_and_scope(application: Application, token: str) -> None:
    platform = application.platform
    platform.fault("token", {"kind": "omit", "fields": ["refresh_token", "scope"]})
    assert not {"refresh_token", "scope"} & set(application.refresh(token).json())
    platform.fault("token", {"kind": "set", "fields": {"expires_in": "3600", "foci": "1"}})
    body = application.refresh(token).json()
    assert (body["expires_in"], body["foci"]) == ("3600", "1")
    platform.fault("token", {"kind": "scope", "scope": "https://ads.microsoft.com/ads.manage"})
    assert application.refresh(token).json()["scope"] == "https://ads.microsoft.com/ads.manage"


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"grant_type": "refresh_token"}, True),
        ({"grant_type": "authorization_code"}, False),
        ({"user": OWNER}, True),
        ({"user": PERSONAL}, False),
        ({"scope": ADS}, True),
        ({"scope": f"openid {ADS}"}, True),
        ({"scope": GRAPH}, False),
        ({"tenant": "common"}, True),
        ({"tenant": "organizations"}, False),
    ],
)
def test_match(application: Application, token: str, match: dict[str, Any], hit: bool) -> None:
    application.platform.fault("token", {"kind": "http", "status": 418}, match=match)
    assert (application.refresh(token).status_code == 418) is hit


def test_clear(application: Application, token: str) -> None:
    application.platform.fault("token", {"kind": "http", "status": 500}, times=None)
    assert [application.refresh(token).status_code for _ in range(3)] == [500] * 3
    application.platform.clear_faults()
    assert application.refresh(token).status_code == 200


def test_discovery_outage(application: Application) -> None:
    application.platform.fault("discovery", {"kind": "http", "status": 503})
    url = f"{application.platform.base_url}/common/discovery/v2.0/keys"
    assert requests.get(url, timeout=30).status_code == 503
    assert requests.get(url, timeout=30).status_code == 200


def test_admin_consent_fault(application: Application) -> None:
    application.platform.fault("adminconsent", {"kind": "aadsts", "number": 650052})
    redirect = application.platform.consent(
        application.admin_url(), "admin@fabrikam.example"
    ).redirect
    assert redirect is not None
    assert returned(redirect)["admin_consent"] == "True"


@pytest.mark.parametrize(
    ("leg", "fault"), [("nowhere", {"kind": "http"}), ("token", {"kind": "fire"}), ("token", {})]
)
def test_a_mistaken_fault_is_refused(
    application: Application, leg: str, fault: dict[str, Any]
) -> None:
    with pytest.raises(requests.HTTPError):
        application.platform.fault(leg, fault)
    with pytest.raises(ValueError, match="one of"):
        Fault(leg, {}, 1, fault)


def test_nothing_secret_in_the_ledger(application: Application, token: str) -> None:
    code = application.code(PERSONAL)
    answers = [application.redeem(code).json(), application.refresh(token).json()]
    application.refresh(token, client_secret="wrong-secret")
    ledger = json.dumps(application.platform.requests())
    secrets = [code, token, "wrong-secret", application.registration.client_secret]
    secrets += [a[k] for a in answers for k in ("access_token", "refresh_token", "id_token")]
    assert not [secret for secret in secrets if secret in ledger]
    last = application.platform.requests()[-1]
    assert (last["outcome"], last["number"]) == ("invalid_client", 7000215)
    assert last["scope"] == SCOPE
    assert last["user"] == OWNER
    assert len(last["presented_sha256"]) == 12
