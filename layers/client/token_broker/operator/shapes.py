"""What the operators' routes take and answer, as plain dictionaries. Times are RFC 3339, UTC.

The same shapes, with all limits, are in the broker's OpenAPI document.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["pending", "active", "awaiting_admin", "reauthorization_required", "blocked"]
IdentityProvider = Literal["microsoft", "google"]


class Grant(TypedDict):
    """Who may fetch tokens: 12 digits of an account, or a role's ARN. `scopes`: only such ones."""

    principal: str
    scopes: NotRequired[list[str] | None]


class Expected(TypedDict, total=False):
    """The account the operator expects. `subject`: of Google."""

    username: str
    object_id: str
    tenant_id: str
    subject: str


class Contact(TypedDict):
    """A person the broker may write to. `language`: `en` or `ja`."""

    email: str
    language: NotRequired[str | None]


class Contacts(TypedDict, total=False):
    """Who is told when they must act."""

    owner: Contact | None
    tenant_admin: Contact | None


class Wish(TypedDict):
    """A new connection."""

    connection: str
    service: str
    resource: NotRequired[str]
    identity_provider: NotRequired[IdentityProvider]
    tenant: NotRequired[str]
    scopes: NotRequired[list[str]]
    display_name: NotRequired[str]
    purpose: NotRequired[str]
    account: NotRequired[Expected]
    grants: NotRequired[list[Grant]]
    labels: NotRequired[dict[str, str]]
    parameters: NotRequired[dict[str, str]]
    contacts: NotRequired[Contacts]
    send_link: NotRequired[bool]


class Change(TypedDict, total=False):
    """A merge patch (RFC 7396): arrays are replaced, null removes a member of an object."""

    display_name: str | None
    purpose: str | None
    grants: list[Grant]
    labels: dict[str, str | None]
    parameters: dict[str, str | None]
    contacts: Contacts
    suspended: bool
    version: int


class Links(TypedDict):
    """For the owner and a tenant administrator. Whoever has a link may consent. `admin_forecast`:
    whether an administrator will have to approve, and why."""

    authorize_url: str
    admin_consent_url: str | None
    expires_at: str
    admin_forecast: Any


class Account(TypedDict):
    """Who consented: `tenant_id` and `object_id` of Microsoft, `subject` of Google."""

    username: str
    tenant_id: str | None
    object_id: str | None
    subject: NotRequired[str | None]


class LastError(TypedDict):
    """How the last redemption, or the last attempt in a browser, failed."""

    code: str
    detail: str
    actor: str
    remedy: str
    at: str
    provider: dict[str, Any] | None


class Use(TypedDict):
    """Who fetched a token, and when they were last recorded: at most once an hour."""

    principal: str
    at: str


class Authorization(TypedDict):
    """The link that is open."""

    expires_at: str
    opened_at: NotRequired[str | None]
    started_at: NotRequired[str | None]
    returned_at: NotRequired[str | None]
    attempts: NotRequired[int]


class Check(TypedDict):
    """One check of `verify`. `code`, `actor`: None where all is well."""

    name: str
    ok: bool
    code: str | None
    detail: str | None
    actor: str | None
    remedy: str | None


class Findings(TypedDict):
    """What the check after the latest consent found."""

    at: str
    ok: bool
    checks: list[Check]


class Connection(TypedDict):
    """All but secrets. `excess_scopes`: what its tokens hold beyond its own scopes."""

    connection: str
    service: str
    resource: str
    identity_provider: IdentityProvider | None
    display_name: str | None
    purpose: str | None
    status: Status
    suspended: bool
    tenant: str
    scopes: list[str]
    granted_scopes: dict[str, list[str]]
    excess_scopes: dict[str, list[str]] | list[str]
    account: Account | None
    grants: list[Grant]
    labels: dict[str, str]
    contacts: Contacts | None
    version: int
    generation: int
    used_by: list[Use]
    created_at: str
    authorized_at: str | None
    refreshed_at: str | None
    next_refresh_at: str | None
    last_used_at: str | None
    last_error: LastError | None
    consent_error: LastError | None
    findings: Findings | None
    authorization: Authorization | None


class Page(TypedDict):
    """A page of a list."""

    connections: list[Connection]
    next_cursor: str | None


def username(one: Connection) -> str:
    """Who consented; empty if nobody has."""
    account = one["account"]
    return account["username"] if account else ""


def excess(one: Connection) -> list[str]:
    """The scopes its tokens hold beyond its own, of all resources."""
    given = one["excess_scopes"]
    if isinstance(given, dict):
        return [scope for scopes in given.values() for scope in scopes]
    return given


class Verification(TypedDict):
    """Whether a connection really reaches its service."""

    ok: bool
    checks: list[Check]


class Nothing(TypedDict):
    """An answer without content."""
