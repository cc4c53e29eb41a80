"""Microsoft Advertising, Customer Management REST v13: GetUser, SearchAccounts, GetAccountsInfo.

Error shapes are documented, HTTP statuses of errors are not: those here are the platform's choice,
so a client must go by the body.
https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request

from .directory import User
from .faults import Fault
from .legs import play
from .store import AccessToken, digest
from .world import World


class Known(NamedTuple):
    """Symbol, message and HTTP status of one error code."""

    symbol: str
    message: str
    status: int = 400


CODES = {
    0: Known("InternalError", "An internal error has occurred.", 500),
    100: Known("NullRequest", "The request message is null."),
    105: Known(
        "InvalidCredentials",
        "Authentication failed. Either supplied credentials are invalid or the account is inactive",
        401,
    ),
    106: Known("UserIsNotAuthorized", "The user does not represent an authorized user.", 403),
    108: Known("UserCompromised", "Suspicious activity: the password must be changed.", 401),
    109: Known("AuthenticationTokenExpired", "Authentication token expired. Renew it.", 401),
    116: Known("RequestMissingHeaders", "The request lacks required headers."),
    117: Known("CallRateExceeded", "The call rate limit was exceeded. Wait 60 seconds.", 429),
    120: Known("UserLoginAccessDenied", "The credentials were merged; use the primary login.", 401),
    122: Known("PersonalIdentityNotAvailable", "The user must use the work account.", 401),
    123: Known("WorkIdentityNotAvailable", "The user must use the personal account.", 401),
    124: Known("PersonalIdentityMigratedToWork", "The personal account was migrated.", 401),
    125: Known("PersonalIdentityNotAllowedByCustomer", "A work account is required.", 401),
    126: Known("IdentityTypeMismatch", "The type of the account does not match.", 401),
    208: Known("InvalidAccount", "The account is not valid."),
}
_DETAILS = {126: "WorkAccountIsRequired"}


class Fail(Exception):  # noqa: N818 (an API fault is an answer)
    """An AdApiFaultDetail with one error."""

    def __init__(self, code: int, detail: str | None = None, status: int | None = None) -> None:
        self.code, self.detail, self.status = code, detail or _DETAILS.get(code), status
        super().__init__(code)


class Caller(NamedTuple):
    """An authenticated API user and the request's body."""

    user: User
    profile: dict[str, Any]
    body: dict[str, Any]


def blueprint(world: World) -> Blueprint:
    """Routes for production and, under `/sandbox`, for the sandbox."""
    routes = Blueprint("advertising", __name__)
    operations: dict[str, Callable[[World, Caller], dict[str, Any]]] = {
        "User/Query": _get_user,
        "Accounts/Search": _search_accounts,
        "AccountsInfo/Query": _accounts_info,
    }
    for environment, prefix in (("production", ""), ("sandbox", "/sandbox")):
        for path, operation in operations.items():

            def view(environment: str = environment, operation: Any = operation) -> Response:
                return _respond(world, environment, operation)

            url = f"{prefix}/CustomerManagement/v13/{path}"
            routes.add_url_rule(url, f"{environment}:{path}", view, methods=["POST"])
    return routes


def _respond(
    world: World, environment: str, operation: Callable[[World, Caller], dict[str, Any]]
) -> Response:
    value = _bearer()
    with world.lock:
        token = world.store.access_tokens.get(digest(value))
    subject: dict[str, Any] = {
        "path": request.path,
        "environment": environment,
        "user": token.user.username if token else None,
        "client_id": token.client_id if token else None,
    }

    def work(taken: list[Fault]) -> Response:
        try:
            _fault(taken)
            answer = operation(world, _caller(world, environment, token))
        except Fail as fail:
            return _failed(world, subject, fail)
        world.record(leg="advertising", **subject, outcome="ok")
        return _tracked(jsonify(answer))

    return play(world, "advertising", subject, work, lambda _: _failed(world, subject, Fail(0)))


def _fault(taken: list[Fault]) -> None:
    for fault in (one.fault for one in taken if one.kind == "api"):
        raise Fail(int(fault["code"]), fault.get("detail"), fault.get("status"))


def _bearer() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else ""


def _caller(world: World, environment: str, token: AccessToken | None) -> Caller:
    """Raises Fail: 105, 109, 106, 100 or the user's own fault."""
    if token is None:
        raise Fail(105, "InvalidAccessToken")
    if token.expires_at <= world.clock.now():
        raise Fail(109)
    host = (
        "https://ads.microsoft.com"
        if environment == "production"
        else "https://si.ads.microsoft.com"
    )
    if f"{host}/msads.manage" not in token.scopes:
        raise Fail(105, "InvalidAccessToken")
    known = world.directory.advertising["developer_tokens"][environment]
    if request.headers.get("DeveloperToken") not in known:
        raise Fail(105, "InvalidDeveloperToken")
    profile = token.user.advertising
    if profile is None or not token.user.enabled:
        raise Fail(105, "UserNotFound")
    if profile.get("fault"):
        raise Fail(int(profile["fault"]))
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Fail(100)
    return Caller(token.user, profile, body)


def _get_user(_world: World, caller: Caller) -> dict[str, Any]:
    wanted = caller.body.get("UserId")
    profile = caller.profile
    if wanted is not None and str(wanted) != profile["user_id"]:
        raise Fail(106)
    first, _, last = caller.user.name.partition(" ")
    return {
        "User": {
            "ContactInfo": {"Email": caller.user.username, "Id": profile["user_id"]},
            "CustomerId": profile["customer_id"],
            "Id": profile["user_id"],
            "JobTitle": None,
            "Lcid": "JapaneseJapan",
            "Name": {"FirstName": first, "LastName": last, "MiddleInitial": None},
            "UserLifeCycleStatus": "Active",
            "UserName": caller.user.username,
        },
        "CustomerRoles": [
            {
                "RoleId": profile["role_id"],
                "CustomerId": profile["customer_id"],
                "AccountIds": profile.get("account_ids"),
                "LinkedAccountIds": None,
                "CustomerLinkPermission": None,
            }
        ],
    }


def _search_accounts(world: World, caller: Caller) -> dict[str, Any]:
    page = caller.body.get("PageInfo") or {}
    predicates = caller.body.get("Predicates")
    if not isinstance(predicates, list) or not predicates or not isinstance(page, dict):
        raise Fail(100)
    for predicate in predicates:
        if (
            predicate.get("Field") == "UserId"
            and predicate.get("Value") != caller.profile["user_id"]
        ):
            raise Fail(106)
    size = int(page.get("Size", 100))
    start = int(page.get("Index", 0)) * size
    customer = _customer(world, caller)
    return {
        "Accounts": [
            {
                "Id": account["id"],
                "Name": account["name"],
                "Number": account["number"],
                "ParentCustomerId": customer["id"],
                "AccountLifeCycleStatus": account["status"],
                "CurrencyCode": "JPY",
                "TimeZone": "OsakaSapporoTokyo",
            }
            for account in customer["accounts"][start : start + size]
        ]
    }


def _accounts_info(world: World, caller: Caller) -> dict[str, Any]:
    wanted = caller.body.get("CustomerId")
    if wanted is not None and str(wanted) != caller.profile["customer_id"]:
        raise Fail(106)
    return {
        "AccountsInfo": [
            {
                "Id": account["id"],
                "Name": account["name"],
                "Number": account["number"],
                "AccountLifeCycleStatus": account["status"],
                "PauseReason": 1 if account["status"] == "Pause" else None,
            }
            for account in _customer(world, caller)["accounts"]
        ]
    }


def _customer(world: World, caller: Caller) -> dict[str, Any]:
    header = request.headers.get("CustomerId")
    if header is not None and header != caller.profile["customer_id"]:
        raise Fail(106)
    customers: list[dict[str, Any]] = world.directory.advertising["customers"]
    return next(c for c in customers if c["id"] == caller.profile["customer_id"])


def _failed(world: World, subject: dict[str, Any], fail: Fail) -> Response:
    known = CODES.get(fail.code, Known(f"Error{fail.code}", "An error has occurred."))
    world.record(leg="advertising", **subject, outcome="fault", number=fail.code)
    error = {
        "Code": fail.code,
        "Detail": fail.detail,
        "ErrorCode": known.symbol,
        "Message": known.message,
    }
    answer = _tracked(jsonify({"Type": "AdApiFaultDetail", "Errors": [error]}))
    answer.status_code = fail.status or known.status
    return answer


def _tracked(answer: Response) -> Response:
    """Every answer names its tracking id: in a header, in faults in the body too."""
    tracking = str(uuid.uuid4())
    content = answer.get_json()
    if "Errors" in content:
        answer.set_data(jsonify({"TrackingId": tracking, **content}).get_data())
    answer.headers["TrackingId"] = tracking
    return answer
