"""Advertising users by type of identity: which token reaches whom, and how fault 126 says it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .application import Application
from .google_application import OWNER as GOOGLE_OWNER
from .google_application import GoogleApplication

DEVELOPER = {"DeveloperToken": "SIMULATED01DEV"}
GOOGLE = {"IdentityProvider": "Google"}


def get_user(
    application: Application | GoogleApplication, token: str, prefix: str = "", **headers: str
) -> requests.Response:
    url = f"{application.platform.base_url}{prefix}/CustomerManagement/v13/User/Query"
    bearer = {"Authorization": f"Bearer {token}"}
    return requests.post(
        url, json={"UserId": None}, headers=bearer | DEVELOPER | headers, timeout=5
    )


def fault(answer: requests.Response) -> tuple[int, Any]:
    [error] = answer.json()["Errors"]
    return error["Code"], error["Detail"]


def test_a_google_token_reaches_its_user(at_google: GoogleApplication) -> None:
    token = at_google.tokens()["access_token"]
    user = get_user(at_google, token, **GOOGLE).json()["User"]
    assert (user["UserName"], user["Id"]) == (GOOGLE_OWNER, "1101")
    sandbox = GOOGLE | {"DeveloperToken": "BBD37VB98"}
    assert get_user(at_google, token, "/sandbox", **sandbox).status_code == 200


@pytest.mark.parametrize(
    ("headers", "setting", "status"),
    [
        ({}, "required", 401),
        ({}, "optional", 200),
        ({"IdentityProvider": "Microsoft"}, "optional", 401),
        ({"IdentityProvider": "google"}, "required", 401),
    ],
)
def test_the_header_that_goes_with_it(
    at_google: GoogleApplication, headers: dict[str, str], setting: str, status: int
) -> None:
    at_google.platform.settings(identity_provider_header=setting)
    answer = get_user(at_google, at_google.tokens()["access_token"], **headers)
    assert answer.status_code == status
    assert status == 200 or fault(answer) == (105, "InvalidAccessToken")


def test_a_microsoft_token_is_not_googles(application: Application) -> None:
    token = application.tokens()["access_token"]
    assert fault(get_user(application, token, **GOOGLE)) == (105, "InvalidAccessToken")
    assert get_user(application, token).status_code == 200


@pytest.mark.parametrize(
    ("email", "required"),
    [
        ("owner@contoso.example", "WorkAccountIsRequired"),
        ("personal@outlook.example", "PersonalAccountIsRequired"),
    ],
)
def test_the_address_is_a_users_of_microsoft(
    at_google: GoogleApplication, email: str, required: str
) -> None:
    token = at_google.tokens(email)["access_token"]
    assert fault(get_user(at_google, token, **GOOGLE)) == (126, required)


def test_the_address_is_a_users_of_google(
    application: Application, at_google: GoogleApplication
) -> None:
    both = "both@contoso.example"
    microsoft = application.tokens(both)["access_token"]
    assert fault(get_user(application, microsoft)) == (126, "GoogleAccountIsRequired")
    token = at_google.tokens(both)["access_token"]
    assert get_user(at_google, token, **GOOGLE).json()["User"]["UserName"] == both


def test_nobody_by_that_address(at_google: GoogleApplication) -> None:
    token = at_google.tokens("noads@gmail.example")["access_token"]
    assert fault(get_user(at_google, token, **GOOGLE)) == (105, "UserNotFound")


def test_an_account_becomes_a_user_and_ends_as_one(at_google: GoogleApplication) -> None:
    email = "new@gmail.example"
    at_google.google.add_account(email)
    token = at_google.tokens(email)["access_token"]
    assert fault(get_user(at_google, token, **GOOGLE)) == (105, "UserNotFound")
    profile = {"user_id": "1999", "customer_id": "201", "role_id": 41}
    at_google.google.account(email, advertising=profile)
    assert get_user(at_google, token, **GOOGLE).status_code == 200
    at_google.google.account(email, advertising=profile | {"fault": 106})
    assert fault(get_user(at_google, token, **GOOGLE))[0] == 106
    at_google.google.act(email, "revoke")
    assert fault(get_user(at_google, token, **GOOGLE)) == (105, "InvalidAccessToken")


def test_an_expired_google_token(at_google: GoogleApplication) -> None:
    token = at_google.tokens()["access_token"]
    at_google.platform.clock(3600)
    assert fault(get_user(at_google, token, **GOOGLE))[0] == 109


def test_a_grant_without_the_address_is_no_token_for_advertising(
    at_google: GoogleApplication,
) -> None:
    token = at_google.tokens(scope="openid profile")["access_token"]
    assert fault(get_user(at_google, token, **GOOGLE)) == (105, "InvalidAccessToken")


SHAPES: list[tuple[dict[str, Any], str, str]] = [
    ({"shape": "AdApiFaultDetail"}, "Errors", "Detail"),
    ({"shape": "AdApiFaultDetail", "in_message": True}, "Errors", "Message"),
    ({"shape": "ApiFault"}, "OperationErrors", "Details"),
    ({"shape": "ApiFault", "in_message": True}, "OperationErrors", "Message"),
    ({"shape": "ApiBatchFault"}, "BatchErrors", "Details"),
    ({"shape": "ApiBatchFault", "in_message": True}, "BatchErrors", "Message"),
]


@pytest.mark.parametrize(("changes", "errors", "place"), SHAPES)
def test_each_place_where_the_reason_may_stand(
    application: Application, changes: dict[str, Any], errors: str, place: str
) -> None:
    token = application.tokens()["access_token"]
    reason = "GoogleAccountIsRequired"
    fault = {"kind": "api", "code": 126, "detail": reason, "status": 403} | changes
    application.platform.fault("advertising", fault)
    answer = get_user(application, token)
    assert answer.status_code == 403
    body = answer.json()
    assert body["Type"] == changes["shape"]
    assert body["TrackingId"] == answer.headers["TrackingId"]
    [error] = body[errors]
    assert error["Code"] == 126
    places = [name for name, value in error.items() if reason in str(value)]
    assert places == [place]


def test_the_reason_moves_for_the_users_own_faults_too(at_google: GoogleApplication) -> None:
    at_google.platform.settings(fault_reason_in="message")
    token = at_google.tokens("owner@contoso.example")["access_token"]
    [error] = get_user(at_google, token, **GOOGLE).json()["Errors"]
    assert error["Detail"] is None
    assert "WorkAccountIsRequired" in error["Message"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (105, 401),
        (106, 403),
        (108, 401),
        (109, 401),
        (117, 429),
        *((code, 401) for code in (120, 122, 123, 124, 125, 126)),
    ],
)
def test_each_code_by_itself_and_under_any_status(
    application: Application, code: int, status: int
) -> None:
    token = application.tokens()["access_token"]
    statuses = []
    for given in (None, 400, 500):
        application.platform.fault("advertising", {"kind": "api", "code": code, "status": given})
        answer = get_user(application, token)
        assert answer.json()["Errors"][0]["Code"] == code
        statuses.append(answer.status_code)
    assert statuses == [status, 400, 500]


def test_no_fault_body_at_all(application: Application) -> None:
    token = application.tokens()["access_token"]
    application.platform.fault("advertising", {"kind": "html", "status": 500})
    answer = get_user(application, token)
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (500, "text/html")
