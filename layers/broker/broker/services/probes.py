"""Calls of a service's own API that show whether a token really works.

https://learn.microsoft.com/advertising/customer-management-service/getuser
https://learn.microsoft.com/graph/api/user-get
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.connection import Check
from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from broker.ports.outside import Api, Reply
from broker.providers.response import load
from broker.services import checks
from broker.services.advertising import diagnose_advertising

CALL_SECONDS = 5.0
"""For one answer; these calls take well below a second."""
PAGE = 100
MOST_PAGES = 10
"""Pages of accounts looked through for the wanted one."""

_ADVERTISING = "CustomerManagement/v13"
_PROFILE = ("user.read", "user.readbasic", "user.readwrite", "directory.read", "directory.access")
"""Graph's permissions that let an account read its own profile begin so."""


class Stale(Exception):  # noqa: N818 (it says what happened)
    """The service says that the token has expired: another one may do. `check`: if not."""

    def __init__(self, check: Check) -> None:
        self.check = check
        super().__init__(check.code)


class _Failed(Exception):  # noqa: N818 (it says what happened)
    def __init__(self, check: Check) -> None:
        self.check = check
        super().__init__(check.code)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to call, with which token, and how many seconds are left."""

    api: Api
    url: str
    token: Secret
    left: Callable[[], float]

    def ask(
        self, path: str, headers: Mapping[str, Secret], body: Mapping[str, Any] | None
    ) -> Reply:
        """The answer; status 0 if none came in time."""
        timeout = min(CALL_SECONDS, self.left())
        if timeout < 0.5:
            return Reply(0, {}, b"")
        bearer = Secret(f"Bearer {self.token.open()}")
        try:
            return self.api.call(
                f"{self.url}/{path}", {"Authorization": bearer, **headers}, body, timeout
            )
        except Unreachable:
            return Reply(0, {}, b"")


def advertising(target: Target, parameters: Mapping[str, Secret]) -> Iterator[Check]:
    """developer_token, user, accounts: what depends on a failed check is left out.

    `parameters`: the connection's own, opened. Raises `Stale`.
    """
    developer_token = parameters.get("developer_token")
    if not developer_token:
        yield checks.found("developer_token", "DeveloperTokenMissing")
        return
    yield checks.passed("developer_token", "The connection has one.")
    client = _Advertising(target, developer_token)
    try:
        user, customers = client.user()
        yield checks.passed("user", "Microsoft Advertising accepts the tokens and knows the user.")
        yield client.accounts(user, customers, parameters)
    except _Failed as failed:
        yield failed.check


@dataclass(frozen=True, slots=True)
class _Advertising:
    """Customer Management, REST, version 13."""

    target: Target
    developer_token: Secret

    def user(self) -> tuple[str, set[str]]:
        """GetUser: the user's id and customers. A null UserId means the token's own user."""
        body = self._ask("user", "User/Query", {"UserId": None})
        user, roles = body.get("User"), body.get("CustomerRoles")
        number = _id(user, "Id")
        if number is None:
            raise _Failed(checks.found("user", "ServiceUnintelligible"))
        return number, _ids(roles, "CustomerId") | _ids([user], "CustomerId")

    def accounts(self, user: str, customers: set[str], wanted: Mapping[str, Secret]) -> Check:
        """SearchAccounts: whether the connection's customer and account are within reach."""
        account = wanted["account_id"].open() if "account_id" in wanted else None
        known: set[str] = set()
        for index in range(MOST_PAGES):
            page = self._search(user, index)
            known |= _ids(page, "Id")
            customers = customers | _ids(page, "ParentCustomerId")
            if len(page) < PAGE or account is None or account in known:
                break
        if not known:
            return checks.found("accounts", "NoAccounts")
        if "customer_id" in wanted and wanted["customer_id"].open() not in customers:
            return checks.found("accounts", "CustomerNotReachable")
        if account is not None and account not in known:
            return checks.found("accounts", "AccountNotReachable")
        return checks.passed("accounts", "The user reaches customers and accounts.")

    def _search(self, user: str, index: int) -> list[Any]:
        query = {
            "Predicates": [{"Field": "UserId", "Operator": "Equals", "Value": user}],
            "Ordering": [{"Field": "Id", "Order": "Ascending"}],
            "PageInfo": {"Index": index, "Size": PAGE},
        }
        page = self._ask("accounts", "Accounts/Search", query).get("Accounts")
        return page if isinstance(page, list) else []

    def _ask(self, name: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"DeveloperToken": self.developer_token}
        reply = self.target.ask(f"{_ADVERTISING}/{path}", headers, body)
        data = load(reply.body) if reply.status == 200 else None
        if isinstance(data, dict):
            return data
        if reply.status == 200:
            raise _Failed(checks.found(name, "ServiceUnintelligible"))
        finding = diagnose_advertising(reply.status, reply.headers, reply.body)
        check = checks.fault(name, finding)
        if finding.symbol == "AuthenticationTokenExpired":
            raise Stale(check)
        raise _Failed(check)


def graph(target: Target, scopes: Iterable[str]) -> Iterator[Check]:
    """me: whether the account can read its own profile. `scopes`: the token's. Raises `Stale`."""
    last = [scope.rpartition("/")[2].lower() for scope in scopes]
    if not any(scope.startswith(_PROFILE) for scope in last):
        yield checks.passed("service", "Only the token was checked: it may not read the profile.")
        return
    reply = target.ask("v1.0/me?$select=id", {}, None)
    match reply.status:
        case 200 if isinstance(load(reply.body), dict):
            yield checks.passed("me", "Microsoft Graph accepts the token.")
        case 401:
            raise Stale(checks.found("me", "GraphRefused"))
        case 403:
            yield checks.found("me", "GraphForbidden")
        case 429:
            yield checks.found("me", "ServiceThrottled")
        case status if status == 0 or status >= 500:
            yield checks.found("me", "ServiceUnavailable")
        case _:
            yield checks.found("me", "ServiceUnintelligible")


def _id(entry: object, name: str) -> str | None:
    """64-bit ids come as strings, or as numbers."""
    value = entry.get(name) if isinstance(entry, dict) else None
    return str(value) if isinstance(value, str | int) and str(value).isascii() else None


def _ids(entries: object, name: str) -> set[str]:
    found = entries if isinstance(entries, list) else []
    return {number for entry in found if (number := _id(entry, name))}
