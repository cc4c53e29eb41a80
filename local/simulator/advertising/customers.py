"""Customer Management's operations on the seeded customers.

https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

from typing import Any

from ..world import World
from .faults import Fail
from .users import Caller


def get_user(_world: World, caller: Caller) -> dict[str, Any]:
    """GetUser: null means the caller; roles come beside. 64-bit ids are strings."""
    wanted = caller.body.get("UserId")
    profile = caller.profile
    if wanted is not None and str(wanted) != profile["user_id"]:
        raise Fail(106)
    first, _, last = caller.name.partition(" ")
    return {
        "User": {
            "ContactInfo": {"Email": caller.email, "Id": profile["user_id"]},
            "CustomerId": profile["customer_id"],
            "Id": profile["user_id"],
            "JobTitle": None,
            "Lcid": "JapaneseJapan",
            "Name": {"FirstName": first, "LastName": last, "MiddleInitial": None},
            "UserLifeCycleStatus": "Active",
            "UserName": caller.email,
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
    if any(rule.keys() != {"Field", "Order"} for rule in caller.body.get("Ordering") or []):
        raise Fail(100)
    for predicate in predicates:
        if (
            predicate.get("Field") == "UserId"
            and predicate.get("Value") != caller.profile["user_id"]
        ):
            raise Fail(106)
    size = int(page.get("Size", 100))
    start = int(page.get("Index", 0)) * size
    owner = customer(world, caller)
    return {
        "Accounts": [
            {
                "Id": account["id"],
                "Name": account["name"],
                "Number": account["number"],
                "ParentCustomerId": owner["id"],
                "AccountLifeCycleStatus": account["status"],
                "CurrencyCode": "JPY",
                "TimeZone": "OsakaSapporoTokyo",
            }
            for account in owner["accounts"][start : start + size]
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
            for account in customer(world, caller)["accounts"]
        ]
    }


def customer(world: World, caller: Caller) -> dict[str, Any]:
    """The caller's own; the header must name no other. Raises Fail 106."""
    header = caller.headers.get("CustomerId")
    if header is not None and header != caller.profile["customer_id"]:
        raise Fail(106)
    customers: list[dict[str, Any]] = world.directory.advertising["customers"]
    return next(c for c in customers if c["id"] == caller.profile["customer_id"])


def accounts(world: World, caller: Caller, wanted: Any, code: int) -> list[dict[str, Any]]:
    """Those of `wanted` (all for none), if each is the caller's; else Fail `code`."""
    owned = {account["id"]: account for account in customer(world, caller)["accounts"]}
    header = caller.headers.get("CustomerAccountId")
    named = [str(account) for account in wanted or () if account is not None]
    if not set(named) | ({header} if header else set()) <= set(owned):
        raise Fail(code)
    return [owned[account] for account in named] or list(owned.values())
