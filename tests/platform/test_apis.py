"""The simulated Microsoft Advertising and Graph: tokens are checked for real."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .application import ADS, GRAPH, OWNER, PERSONAL, SCOPE, Application

HEADERS = {"DeveloperToken": "SIMULATED01DEV"}
SANDBOX = "https://si.ads.microsoft.com/msads.manage"


def call(
    application: Application,
    token: str,
    path: str = "User/Query",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    prefix = "/sandbox" if path.startswith("sandbox:") else ""
    url = f"{application.platform.base_url}{prefix}/CustomerManagement/v13/"
    return requests.post(
        url + path.removeprefix("sandbox:"),
        json={"UserId": None} if body is None else body,
        headers={"Authorization": f"Bearer {token}"} | HEADERS | (headers or {}),
        timeout=30,
    )


def failed(answer: requests.Response, code: int, symbol: str) -> dict[str, Any]:
    body = answer.json()
    assert body["Type"] == "AdApiFaultDetail"
    assert body["TrackingId"] == answer.headers["TrackingId"]
    [error] = body["Errors"]
    assert set(error) == {"Code", "Detail", "ErrorCode", "Message"}
    assert (error["Code"], error["ErrorCode"]) == (code, symbol)
    assert answer.status_code >= 400
    return dict(error)


@pytest.fixture
def token(application: Application) -> str:
    return str(application.tokens()["access_token"])


@pytest.mark.parametrize("user", [OWNER, PERSONAL])
def test_get_user(application: Application, user: str) -> None:
    answer = call(application, application.tokens(user)["access_token"])
    body = answer.json()
    assert answer.headers["TrackingId"]
    assert body["User"]["UserName"] == user
    assert isinstance(body["User"]["Id"], str), "64-bit ids are strings"
    assert body["CustomerRoles"][0]["CustomerId"] == body["User"]["CustomerId"]


def test_accounts(application: Application, token: str) -> None:
    predicate = {"Field": "UserId", "Operator": "Equals", "Value": "1001"}
    search = {"Predicates": [predicate], "Ordering": None, "PageInfo": {"Index": 0, "Size": 1}}
    first = call(application, token, "Accounts/Search", search).json()["Accounts"]
    assert [account["Id"] for account in first] == ["30101"]
    search["PageInfo"] = {"Index": 1, "Size": 1}
    second = call(application, token, "Accounts/Search", search).json()["Accounts"]
    assert [account["Id"] for account in second] == ["30102"]
    body = {"CustomerId": "201", "OnlyParentAccounts": False}
    info = call(application, token, "AccountsInfo/Query", body).json()["AccountsInfo"]
    assert [account["AccountLifeCycleStatus"] for account in info] == ["Active", "Pause"]


def test_wrong_tokens(application: Application, token: str) -> None:
    failed(call(application, "unknown"), 105, "InvalidCredentials")
    failed(call(application, token, headers={"Authorization": ""}), 105, "InvalidCredentials")
    graph = application.tokens(scope=f"openid profile offline_access {GRAPH}")["access_token"]
    failed(call(application, graph), 105, "InvalidCredentials")
    legacy = application.tokens("legacy@contoso.example")["access_token"]
    error = failed(call(application, legacy), 105, "InvalidCredentials")
    assert error["Detail"] == "InvalidAccessToken"


def test_expired_token(application: Application, token: str) -> None:
    application.platform.clock(5401)
    failed(call(application, token), 109, "AuthenticationTokenExpired")


@pytest.mark.parametrize("developer_token", ["", "WRONG", "BBD37VB98"])
def test_developer_token(application: Application, token: str, developer_token: str) -> None:
    answer = call(application, token, headers={"DeveloperToken": developer_token})
    assert failed(answer, 105, "InvalidCredentials")["Detail"] == "InvalidDeveloperToken"


def test_sandbox_is_apart(application: Application, token: str) -> None:
    sandbox = {"DeveloperToken": "BBD37VB98"}
    failed(
        call(application, token, "sandbox:User/Query", headers=sandbox), 105, "InvalidCredentials"
    )
    scope = f"openid profile offline_access {SANDBOX}"
    own = application.tokens(PERSONAL, scope=scope)["access_token"]
    assert call(application, own, "sandbox:User/Query", headers=sandbox).status_code == 200
    failed(call(application, own), 105, "InvalidCredentials")


@pytest.mark.parametrize(
    ("user", "code", "symbol"),
    [
        ("noads@contoso.example", 105, "InvalidCredentials"),
        ("merged@contoso.example", 120, "UserLoginAccessDenied"),
        ("needswork@outlook.example", 122, "PersonalIdentityNotAvailable"),
        ("needspersonal@contoso.example", 123, "WorkIdentityNotAvailable"),
        ("migrated@outlook.example", 124, "PersonalIdentityMigratedToWork"),
        ("notallowed@outlook.example", 125, "PersonalIdentityNotAllowedByCustomer"),
        ("mismatch@outlook.example", 126, "IdentityTypeMismatch"),
    ],
)
def test_users_with_troubles(application: Application, user: str, code: int, symbol: str) -> None:
    failed(call(application, application.tokens(user)["access_token"]), code, symbol)


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        (0, "InternalError"),
        (106, "UserIsNotAuthorized"),
        (109, "AuthenticationTokenExpired"),
        (117, "CallRateExceeded"),
        (125, "PersonalIdentityNotAllowedByCustomer"),
        (126, "IdentityTypeMismatch"),
    ],
)
def test_faults(application: Application, token: str, code: int, symbol: str) -> None:
    application.platform.fault("advertising", {"kind": "api", "code": code})
    failed(call(application, token), code, symbol)
    assert call(application, token).status_code == 200


def test_outage(application: Application, token: str) -> None:
    application.platform.fault("advertising", {"kind": "html", "status": 502})
    assert call(application, token).status_code == 502


@pytest.mark.parametrize(
    ("path", "body", "headers", "code"),
    [
        ("User/Query", [], {}, 100),
        ("User/Query", {"UserId": "1002"}, {}, 106),
        ("User/Query", {"UserId": "1001"}, {}, None),
        ("Accounts/Search", {}, {}, 100),
        ("Accounts/Search", {"Predicates": [{"Field": "UserId", "Value": "1"}]}, {}, 106),
        ("AccountsInfo/Query", {"CustomerId": "202"}, {}, 106),
        ("AccountsInfo/Query", {}, {"CustomerId": "202"}, 106),
        ("AccountsInfo/Query", {}, {"CustomerId": "201"}, None),
    ],
)
def test_bodies_and_rights(
    application: Application,
    token: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    code: int | None,
) -> None:
    answer = call(application, token, path, body, headers)
    found = answer.json().get("Errors", [{}])[0].get("Code")
    assert found == code


def test_graph_me(application: Application) -> None:
    token = application.tokens(scope=f"{SCOPE} {GRAPH}")
    url = f"{application.platform.base_url}/v1.0/me"

    def me(value: str) -> requests.Response:
        return requests.get(url, headers={"Authorization": f"Bearer {value}"}, timeout=30)

    fresh = application.refresh(token["refresh_token"], scope=GRAPH).json()["access_token"]
    assert me(fresh).json()["userPrincipalName"] == OWNER
    wrong = me(token["access_token"])
    assert wrong.status_code == 401, "a token for Advertising"
    assert wrong.json()["error"]["code"] == "InvalidAuthenticationToken"
    mail = f"openid profile offline_access {GRAPH.replace('User.Read', 'Mail.Read')}"
    narrow = application.tokens("second@contoso.example", scope=mail)["access_token"]
    assert me(narrow).status_code == 403
    application.platform.fault("graph", {"kind": "http", "status": 503})
    assert me(fresh).status_code == 503
    application.platform.clock(5401)
    assert me(fresh).status_code == 401
    assert ADS not in fresh
