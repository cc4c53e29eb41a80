"""What happens while the platform runs: consents, codes, tokens, page visits, the ledger.

In memory. All access happens under `World.lock`, so nothing here locks.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from .directory import Client, Tenant, User
from .scopes import Asked, Permission

LEDGER_SIZE = 20_000
"""Requests remembered: more than any test sends."""


@dataclass(slots=True)
class Visit:
    """One person on the pages, from the authorize URL to the redirect."""

    kind: str  # "authorize" or "adminconsent"
    segment: str
    client: Client
    redirect_uri: str
    asked: Asked
    correlation_id: str
    state: str | None = None
    response_mode: str = "query"
    nonce: str | None = None
    challenge: str | None = None
    prompt: str | None = None
    login_hint: str | None = None
    client_info: bool = False
    stage: str = "account"
    user: User | None = None
    mfa: bool = False
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(slots=True)
class Code:
    """An authorization code: one use, ten minutes."""

    visit: Visit
    user: User
    issued_at: float
    used: bool = False


@dataclass(slots=True)
class RefreshToken:
    """Bound to user and client, not to a resource; old ones stay valid."""

    client_id: str
    user: User
    oidc: tuple[str, ...]
    mfa: bool
    issued_at: float
    used_at: float


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What the simulated APIs look up; `scopes` are full names."""

    client_id: str
    user: User
    resource: str
    scopes: frozenset[str]
    expires_at: float


@dataclass(slots=True)
class Request:
    """A pending request for administrator approval."""

    client_id: str
    tenant: Tenant
    user: User
    permissions: tuple[Permission, ...]
    reason: str
    status: str = "pending"


EVERYONE = "*"
"""The consent key of an administrator's consent for the whole tenant."""


@dataclass(slots=True)
class Store:
    """All running state."""

    consents: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LEDGER_SIZE))
    counters: Counter[str] = field(default_factory=Counter)
    recent: dict[tuple[str, ...], deque[float]] = field(default_factory=dict)

    def consented(self, client_id: str, user: User) -> set[str]:
        """Full scopes: the user's own consent and the administrator's."""
        tenant = user.tenant.id
        own = self.consents.get((client_id, tenant, user.id), set())
        return own | self.consents.get((client_id, tenant, EVERYONE), set())

    def consent(self, client_id: str, tenant: Tenant, who: str, scopes: set[str]) -> None:
        """Add to what `who` (an object id or EVERYONE) has consented to."""
        self.consents.setdefault((client_id, tenant.id, who), set()).update(scopes)

    def withdraw(self, user: User) -> None:
        """Drop the user's own consents and the administrator's in the tenant."""
        for key in list(self.consents):
            if key[1] == user.tenant.id and key[2] in (user.id, EVERYONE):
                del self.consents[key]


def digest(value: str) -> str:
    """Hex SHA-256: codes and tokens are stored and shown only so."""
    return hashlib.sha256(value.encode()).hexdigest()
