"""What the operators' routes take and answer, as plain dictionaries. Times are RFC 3339, UTC.

The same shapes, with all limits, are in the broker's OpenAPI document.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Status = Literal["pending", "active", "awaiting_admin", "reauthorization_required", "blocked"]


class Grant(TypedDict):
    """Who may fetch tokens: 12 digits of an account, or a role's ARN. `scopes`: only such ones."""

    principal: str
    scopes: NotRequired[list[str]]


class Expected(TypedDict, total=False):
    """The account the operator expects."""

    username: str
    object_id: str
    tenant_id: str


class Wish(TypedDict):
    """A new connection."""

    connection: str
    service: str
    resource: NotRequired[str]
    tenant: NotRequired[str]
    scopes: NotRequired[list[str]]
    account: NotRequired[Expected]
    grants: NotRequired[list[Grant]]
    labels: NotRequired[dict[str, str]]
    parameters: NotRequired[dict[str, str]]


class Change(TypedDict, total=False):
    """A merge patch (RFC 7396): arrays are replaced, null removes a member of an object."""

    grants: list[Grant]
    labels: dict[str, str | None]
    parameters: dict[str, str | None]
    suspended: bool
    version: int


class Links(TypedDict):
    """For the owner and a tenant administrator. Whoever has a link may consent."""

    authorize_url: str
    admin_consent_url: str
    expires_at: str


class Account(TypedDict):
    """Who consented."""

    username: str
    tenant_id: str
    object_id: str


class LastError(TypedDict):
    """How the last redemption failed."""

    code: str
    detail: str
    actor: str
    remedy: str
    at: str
    provider: dict[str, object] | None


class Authorization(TypedDict):
    """The link that is open."""

    expires_at: str
    opened_at: NotRequired[str | None]
    started_at: NotRequired[str | None]
    returned_at: NotRequired[str | None]
    attempts: NotRequired[int]


class Connection(TypedDict):
    """All but secrets."""

    connection: str
    service: str
    resource: str
    status: Status
    suspended: bool
    tenant: str
    scopes: list[str]
    granted_scopes: dict[str, list[str]]
    account: Account | None
    grants: list[Grant]
    labels: dict[str, str]
    version: int
    generation: int
    created_at: str
    authorized_at: str | None
    refreshed_at: str | None
    next_refresh_at: str | None
    last_used_at: str | None
    last_error: LastError | None
    authorization: Authorization | None


def username(one: Connection) -> str:
    """Who consented; empty if nobody has."""
    account = one["account"]
    return account["username"] if account else ""


class Check(TypedDict):
    """One check of `verify`. `code`, `actor`: None where all is well."""

    name: str
    ok: bool
    code: str | None
    detail: str
    actor: str | None
    remedy: str


class Verification(TypedDict):
    """Whether a connection really reaches its service."""

    ok: bool
    checks: list[Check]
