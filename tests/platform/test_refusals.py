"""Microsoft's refusals on demand: any number, on the token endpoint and on the pages."""

from __future__ import annotations

import pytest
import requests

from local.simulator.entra.errors import TABLE, Refusal, Trace, body

from .application import OWNER, PERSONAL, Application, returned


@pytest.fixture
def token(application: Application) -> str:
    return str(application.tokens()["refresh_token"])


@pytest.mark.parametrize(
    ("number", "error", "suberror", "status"),
    [
        (50173, "invalid_grant", "bad_token", 400),
        (70008, "invalid_grant", "bad_token", 400),
        (700082, "invalid_grant", "bad_token", 400),
        (50076, "invalid_grant", "basic_action", 400),
        (53003, "invalid_grant", "message_only", 400),
        (65001, "invalid_grant", "consent_required", 400),
        (70043, "invalid_grant", "token_expired", 400),
        (650052, "invalid_client", None, 401),
        (7000222, "invalid_client", None, 401),
        (90033, "temporarily_unavailable", None, 503),
        (50000, "server_error", None, 500),
        (70000, "invalid_grant", None, 400),
        (123456789, "invalid_grant", None, 400),
    ],
)
def test_aadsts(
    application: Application,
    token: str,
    number: int,
    error: str,
    suberror: str | None,
    status: int,
) -> None:
    application.platform.fault("token", {"kind": "aadsts", "number": number})
    answer = application.refresh(token)
    shown = answer.json()
    assert (shown["error"], shown.get("suberror"), answer.status_code) == (error, suberror, status)
    assert shown["error_codes"] == [number]
    assert application.refresh(token).status_code == 200, "once"


def test_aadsts_can_be_shaped(application: Application, token: str) -> None:
    fault = {"kind": "aadsts", "number": 50076, "error": "interaction_required", "suberror": ""}
    application.platform.fault("token", fault | {"codes": [50076, 70008], "status": 403})
    answer = application.refresh(token)
    shown = answer.json()
    assert (answer.status_code, shown["error"]) == (403, "interaction_required")
    assert shown["error_codes"] == [50076, 70008]
    assert "suberror" not in shown


def test_numberless_as_personal_accounts_have_it(application: Application, token: str) -> None:
    fault = {"kind": "aadsts", "error": "invalid_grant", "text": "The grant is expired."}
    application.platform.fault("token", fault)
    shown = application.refresh(token).json()
    assert set(shown) == {"error", "error_description", "correlation_id"}
    assert shown["error_description"] == "The grant is expired."


@pytest.mark.parametrize("number", sorted(TABLE))
def test_every_known_number_has_its_body(number: int) -> None:
    refusal = Refusal(number)
    shown = body(refusal, Trace.make("2026-11-21 01:25:27Z"), "http://localhost")
    assert shown["error"] == TABLE[number].error
    assert shown["error_description"].startswith(f"AADSTS{number}: {TABLE[number].text} Trace")
    assert shown["error_codes"] == [number]
    assert shown.get("suberror") == TABLE[number].suberror
    assert refusal.status in (400, 401, 500, 503)


def test_authorize_fault_keeps_to_its_page(application: Application) -> None:
    application.platform.fault("authorize", {"kind": "aadsts", "number": 90094})
    answer = requests.get(application.authorize_url(), allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["X-Page"]) == (200, "error")


def test_authorize_fault_for_one_user(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    fault = {"kind": "aadsts", "number": 65005}
    platform.fault("authorize", fault, match={"user": OWNER}, times=None)
    other = platform.consent(url, PERSONAL).redirect
    mine = platform.consent(url, OWNER).redirect
    assert other is not None
    assert mine is not None
    assert "code" in returned(other)
    assert returned(mine)["error"] == "access_denied"
