"""Customer Management's operations on the seeded customers, and its error codes.

https://learn.microsoft.com/advertising/customer-management-service/getuser
https://learn.microsoft.com/advertising/guides/operation-error-codes
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import request

from ..entra.directory import User
from ..world import World


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


def get_user(_world: World, caller: Caller) -> dict[str, Any]:
    """GetUser: null means the caller; roles come beside. 64-bit ids are strings."""
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


def search_accounts(world: World, caller: Caller) -> dict[str, Any]:
    """SearchAccounts by UserId, with pages."""
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


def accounts_info(world: World, caller: Caller) -> dict[str, Any]:
    """GetAccountsInfo of the caller's customer."""
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
