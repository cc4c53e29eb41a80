"""A connection and what is stored for it: frozen values that steps and stores exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain import scopes
from broker.domain.attempts import OpenLink
from broker.domain.contacts import Contact
from broker.domain.grants import Grant
from broker.domain.names import IdentityProvider, Incarnation, Instant, Name
from broker.domain.problems import Actor, Problem, Provider
from broker.domain.scopes import ScopeSet


class Status(StrEnum):
    """The states of a connection."""

    PENDING = "pending"
    ACTIVE = "active"
    AWAITING_ADMIN = "awaiting_admin"
    REAUTHORIZATION_REQUIRED = "reauthorization_required"
    BLOCKED = "blocked"


BROKEN: Mapping[Status, tuple[str, tuple[str, ...]]] = {
    Status.PENDING: ("authorization_pending", ()),
    Status.REAUTHORIZATION_REQUIRED: (
        "reauthorization_required",
        ("mfa_required", "scope_not_granted"),
    ),
    Status.AWAITING_ADMIN: ("admin_consent_required", ()),
    Status.BLOCKED: ("blocked_by_policy", ()),
}
"""The code of each state that serves nothing new, and those that say more."""


@dataclass(frozen=True, slots=True)
class Account:
    """A verified identity: `tid` and `oid` at Microsoft, `sub` at Google. `username` is for people.
    What the provider does not have is empty."""

    tenant_id: str
    object_id: str
    username: str
    subject: str = ""

    @classmethod
    def of_google(cls, subject: str, username: str) -> Account:
        """An account of Google's, which has no tenants."""
        return cls("", "", username, subject)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it this account. Usernames change hands, so they never count."""
        return self.tenant_id, self.object_id, self.subject

    def same(self, other: Account) -> bool:
        """Whether both are one identity."""
        return self.identity == other.identity


@dataclass(frozen=True, slots=True)
class Expected:
    """The account the operator expects; what is None is not checked."""

    tenant_id: str | None = None
    object_id: str | None = None
    username: str | None = None
    subject: str | None = None
    """Google's `sub`; the others are Microsoft's, but for `username`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a redemption failed, kept where callers of any environment can be told."""

    code: str
    detail: str
    actor: Actor
    remedy: str
    at: Instant
    retry_at: Instant
    provider: Provider = field(default_factory=Provider)
    attempts: int = 1
    """Consecutive ones."""

    def problem(self, now: int, opens_at: int = 0) -> Problem:
        """The answer a caller gets for it. `opens_at`: no new attempt before that instant."""
        return Problem(
            self.code,
            self.detail,
            actor=self.actor,
            remedy=self.remedy,
            provider=self.provider if self.provider.as_dict() else None,
            wait=max(1, self.retry_at - now, opens_at - now),
        )


@dataclass(frozen=True, slots=True)
class Sealed:
    """Sealed bytes, and the generation and epoch they were sealed at: part of their encryption
    context. Epoch 0: before any consent."""

    data: bytes
    generation: int
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A sealed access token and what is known about it."""

    resource: str
    scope: str
    """What Microsoft answered, word for word; what was asked if it answered none."""
    digest: str
    """SHA-256 (hex) of the token: what a caller's `rejected` is compared with."""
    sealed: Sealed
    obtained_at: Instant
    expires_at: Instant
    ahead_at: Instant
    """When it should be replaced, well before it expires."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A refusal that has not been confirmed yet."""

    code: str
    since: Instant


@dataclass(frozen=True, slots=True)
class Check:
    """One check whether a connection reaches its service. Holds no secret and no foreign text."""

    name: str
    ok: bool
    code: str | None = None
    """A key of `problems.KINDS` if it is not ok."""
    detail: str = ""
    actor: Actor | None = None
    remedy: str = ""
    finding: str | None = None
    """Key of its text in other languages (`checks.told`)."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one check found."""

    at: Instant
    checks: tuple[Check, ...]

    @property
    def failed(self) -> Check | None:
        """The first that is not ok, if any."""
        return next((check for check in self.checks if not check.ok), None)


@dataclass(frozen=True, slots=True)
class Connection:
    """One item of the table `connections`."""

    name: Name
    incarnation: Incarnation
    service: str
    resource: str
    tenant: str
    scopes: tuple[str, ...]
    client_id: str
    authority: str
    created_at: Instant
    created_by: str
    identity_provider: IdentityProvider = "microsoft"
    display_name: str = ""
    purpose: str = ""
    """What for, in the operator's words to the owner."""
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    """`owner`, `tenant_admin`."""
    status: Status = Status.PENDING
    suspended: bool = False
    epoch: int = 0
    generation: int = 0
    version: int = 1
    link: int = 0
    """Number of the latest link."""
    tickets: tuple[str, ...] = ()
    """SHA-256 of the open link's tickets: authorize, admin. The function `authorize` cannot read
    them, and so makes no attempt of a link that nobody opened."""
    open_link: OpenLink | None = None
    expected: Expected = field(default_factory=Expected)
    account: Account | None = None
    grants: tuple[Grant, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Sealed] = field(default_factory=dict)
    granted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By resource: the scopes of the latest answer. This map and the next two have at most
    `scopes.MAX_RESOURCES` entries, for `scopes` has no more resources."""
    tokens: Mapping[str, Token] = field(default_factory=dict)
    """By resource."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    """Of resources other than the service's own."""
    last_error: Failure | None = None
    """Of the latest redemption for the service's own resource, by whoever settled it."""
    consent_error: Failure | None = None
    """Of the latest attempt in a browser, by the callback. Callers are not told, nothing waits for
    it: whoever holds the link can bring it about."""
    findings: Findings | None = None
    """What the check after the latest consent found; None: nothing was checked."""
    suspicion: Suspicion | None = None
    authorized_at: Instant | None = None
    refreshed_at: Instant | None = None
    next_refresh_at: Instant | None = None
    last_used_at: Instant | None = None
    used_by: Mapping[str, Instant] = field(default_factory=dict)
    """By principal: when it fetched a token, within an hour (`lifecycle.usage`)."""
    lease_owner: str | None = None
    lease_until: Instant | None = None

    @property
    def scope_sets(self) -> Mapping[str, ScopeSet]:
        """By resource: what a redemption asks for."""
        return scopes.group(self.scopes)

    @property
    def service_scopes(self) -> ScopeSet:
        """What the service itself is asked for."""
        return self.scope_sets[self.resource]

    @property
    def excess_scopes(self) -> tuple[str, ...]:
        """Scopes in the latest answers that the connection never asked for: Microsoft remembers
        the consents of a user for the app across connections."""
        asked = self.scope_sets
        return tuple(
            scope
            for resource, answered in self.granted.items()
            if resource in asked and not any(map(scopes.is_default, asked[resource].scopes))
            for scope in scopes.missing(asked[resource].scopes, answered)
        )

    def token(self, resource: str, now: float) -> Token | None:
        """The stored token of a resource, if it is still valid."""
        token = self.tokens.get(resource)
        return token if token and token.expires_at > now else None

    def failure(self, resource: str) -> Failure | None:
        """How the last redemption for a resource failed; None if it succeeded."""
        return self.last_error if resource == self.resource else self.failures.get(resource)

    @property
    def ended(self) -> bool:
        """Whether only an owner's consent helps: there is no refresh token, or it is dead."""
        waiting = self.status is Status.AWAITING_ADMIN and not self.epoch
        return waiting or self.status in (Status.PENDING, Status.REAUTHORIZATION_REQUIRED)

    def broken(self, now: int) -> Problem:
        """What callers of a connection that is not active are told: last_error says it best,
        unless it is of something else."""
        usual, others = BROKEN[self.status]
        last = self.last_error
        return last.problem(now) if last and last.code in (usual, *others) else Problem(usual)

    def leased(self, now: int) -> bool:
        """Whether someone is redeeming."""
        return self.lease_until is not None and self.lease_until > now

    def due(self, now: int) -> bool:
        """Whether it is time for the schedule to redeem (again)."""
        return self.next_refresh_at is None or self.next_refresh_at <= now


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    """One item of the table `vault`: the refresh token of one incarnation."""

    incarnation: Incarnation
    name: Name
    epoch: int
    generation: int
    sealed: Sealed
    client_id: str
    authority: str
    due_at: Instant | None
    """None: never redeemed again unless someone consents anew."""


@dataclass(frozen=True, slots=True)
class Due:
    """One entry of the due index."""

    name: Name
    incarnation: Incarnation
    generation: int
    due_at: Instant
