"""The stores. Each docstring states atomicity, consistency, units and what absence means;
`tests/contract` runs one suite over every implementation. All raise `Unavailable` when AWS does
not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from broker.domain.attempts import OpenLink, Progress, State, Ticket
from broker.domain.connection import (
    Account,
    Connection,
    Due,
    Failure,
    Findings,
    Sealed,
    Status,
    StoredRefreshToken,
    Suspicion,
    Token,
)
from broker.domain.names import Incarnation, Instant, Name


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a redemption ended. What is None stays as it is."""

    name: Name
    incarnation: Incarnation
    epoch: int
    owner: str
    resource: str
    """The service's own: only its token and its failure move last_error and suspicion."""
    token: Token | None = None
    granted: tuple[str, ...] | None = None
    """The scopes that Microsoft answered for the token's resource, full names."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    """By resource, all of them the connection's."""
    generation: int | None = None
    refreshed_at: Instant | None = None
    next_refresh_at: Instant | None = None
    status: Status | None = None
    suspicion: Suspicion | None = None


class Leases(Protocol):
    """The part of the table `connections` that `token` uses: one item a name."""

    def get(self, name: Name, *, consistent: bool = True) -> Connection | None:
        """The connection, or None. One read."""
        ...

    def claim(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int,
        used_by: Mapping[str, Instant] | None = None,
    ) -> bool:
        """`lease` for `token`, which may not read what the write returns; records the use too, as
        `used` does."""
        ...

    def release(self, name: Name, incarnation: Incarnation, owner: str) -> None:
        """Give the lease back if it is still this owner's."""
        ...

    def used(
        self,
        name: Name,
        incarnation: Incarnation,
        now: Instant,
        used_by: Mapping[str, Instant] | None = None,
    ) -> None:
        """Record that a token was served, and, if given, to whom. The last writer of `used_by`
        wins: whoever gets lost is recorded at their next fetch."""
        ...


CHANGED = (*("display_name", "purpose", "contacts", "grants", "labels", "parameters", "suspended"),)
"""What an operator changes of a connection."""
PAGE_BYTES = 4_000_000
"""Lambda answers at most 6 MB."""


def weightless(_: Connection) -> int:
    """The size of what counts by number only."""
    return 0


class Connections(Leases, Protocol):
    """The whole table `connections`."""

    def create(self, connection: Connection) -> bool:
        """Store a new connection; False if another incarnation has the name. Atomic."""
        ...

    def page(
        self,
        status: Status | None,
        limit: int,
        after: tuple[str, str] | None,
        size: Callable[[Connection], int] = weightless,
    ) -> tuple[list[Connection], tuple[str, str] | None]:
        """Up to `limit` connections by (status, name), statuses in the order of `Status`, from
        behind `after` on, and the position to go on from (None: that was all). A page also ends
        before the sizes of its connections exceed `PAGE_BYTES`, but holds at least one. Eventually
        consistent; `tokens` are left out."""
        ...

    def change(self, before: Connection, after: Connection) -> bool:
        """Write the `CHANGED` attributes of `after`, with version + 1, if the incarnation and
        version are still those of `before`."""
        ...

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        """Number a new link (`before.link + 1`) if incarnation and link are still those of
        `before`; all earlier links and attempts end with it."""
        ...

    def refused(self, before: Connection, failure: Failure, status: Status | None = None) -> bool:
        """A consent was refused: consent_error, if incarnation, link and epoch are still those of
        `before`.
        With a status (nobody has consented yet, and an administrator must act first) that too, if
        it is still pending."""
        ...

    def checked(self, name: Name, incarnation: Incarnation, epoch: int, findings: Findings) -> bool:
        """Keep what a check found, if incarnation and epoch (of the consent it followed) hold."""
        ...

    def lease(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int | None = None,
    ) -> Connection | None:
        """Take the right to redeem and return the connection as it then is; None if another holds
        it (`lease_until > now`), the incarnation is gone, or the connection's generation is beyond
        the given one (someone redeemed since). Taking it again as the same owner extends it."""
        ...

    def settle(self, settlement: Settlement) -> bool:
        """Write how a redemption ended and release the lease in one write, if incarnation, epoch
        and lease owner still hold; False (and nothing written) otherwise.

        A token clears the failure of its resource; for the service's own that is last_error, and
        suspicion goes with it.
        """
        ...


class Descriptions(Protocol):
    """The part of a connection that a browser page may tell."""

    def describe(self, name: Name) -> Connection | None:
        """The connection, or None; strongly consistent. Tokens, parameters, failures, labels,
        lease and what else no page needs are left at their defaults."""
        ...


SHARDS = 16
"""Partitions of the due index: a single one would throttle every redemption at about 1,000 a
second, and each rotation asks all of them."""


class Vault(Protocol):
    """The table `vault`: one item an incarnation, so that no late work meets a newer creation."""

    def get(self, incarnation: Incarnation) -> StoredRefreshToken | None:
        """Strongly consistent."""
        ...

    def rotate(
        self,
        before: StoredRefreshToken,
        sealed: Sealed | None,
        generation: int,
        due_at: Instant | None,
    ) -> bool:
        """After a redemption: store the new refresh token (None keeps the old one), its generation
        and when it is due, if epoch and generation are still those of `before`. A repetition
        (the very same sealed bytes) succeeds again: an answer may get lost."""
        ...

    def postpone(self, before: StoredRefreshToken, due_at: Instant | None) -> bool:
        """After a failure: only the due time (None takes it out of the index), same condition."""
        ...

    def due(
        self, shard: int, until: Instant, limit: int, after: Due | None = None
    ) -> tuple[list[Due], Due | None]:
        """Up to `limit` entries of a shard due at or before `until`, oldest first, and where to
        go on (None: that was all). Reads the index, never scans; eventually consistent."""
        ...


@dataclass(frozen=True, slots=True)
class Consent:
    """A completed consent: the grant and what becomes of the connection."""

    before: Connection
    stored: StoredRefreshToken
    account: Account
    scopes: tuple[str, ...]
    """What was asked for; the connection's scopes from now on."""
    granted: Mapping[str, tuple[str, ...]]
    tokens: Mapping[str, Token]
    """By resource."""
    now: Instant
    next_refresh_at: Instant
    link: int | None
    """The link it came by, which must still be the connection's and ends; None for an import."""


class Consents(Protocol):
    """Writes that concern a connection and its refresh token together, all or nothing."""

    def complete(self, consent: Consent) -> bool:
        """Store stored and connection (epoch + 1, version + 1, active, no errors, no lease, other
        tokens gone, client id, authority and generation of the stored) if incarnation and epoch
        are still those of `before` and the link is still the connection's; it ends: link + 1."""
        ...

    def remove(self, connection: Connection) -> bool:
        """Delete connection and refresh token if the incarnation still holds."""
        ...


class Authorizations(Protocol):
    """The table `authorizations`: what is under way. Values are found by SHA-256 only, and expiry
    is part of every condition."""

    def put_ticket(self, digest: str, ticket: Ticket) -> None:
        """Store a new ticket."""
        ...

    def ticket(self, digest: str) -> Ticket | None:
        """The ticket, expired ones included (the page says so)."""
        ...

    def opened(self, digest: str, now: Instant) -> None:
        """Record the first opening; later ones change nothing."""
        ...

    def start(self, digest: str, now: Instant, most: int) -> bool:
        """Count one attempt; False if `most` have been counted or the ticket is gone/expired.
        `started_at` and `returned_at` are those of the latest attempt."""
        ...

    def returned(self, digest: str, now: Instant) -> None:
        """Record that an attempt came back from Microsoft."""
        ...

    def put_state(self, digest: str, state: State) -> None:
        """Store a new attempt."""
        ...

    def claim(self, digest: str, cookie: str, now: Instant) -> State | None:
        """Take the state, once: one conditional write that drops verifier and nonce, and returns
        the item as it was. None, and nothing changed, if it is unknown, expired, claimed already,
        or of another cookie."""
        ...

    def progress(self, digest: str) -> Progress | None:
        """How far the attempt has come, or None if there is none; expired ones included. Strongly
        consistent."""
        ...

    def conclude(self, digest: str, page: Mapping[str, Any], expires_at: Instant) -> None:
        """Remember, until then, how the attempt of a claimed state ended."""
        ...


class Candidates(Protocol):
    """Refresh tokens handed in for import, sealed, until they are proven; one an incarnation."""

    def put(self, incarnation: Incarnation, sealed: Sealed, expires_at: Instant) -> None:
        """Store or replace."""
        ...

    def take(self, incarnation: Incarnation, now: Instant) -> Sealed | None:
        """Take it, once."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """A client credential that is refused."""

    code: str
    detail: str
    since: Instant
    retry_at: Instant
    told: bool = False
    """Whether the operator knows."""


class Breakers(Protocol):
    """Circuit breakers, one a client id and version: `<kind>#<version>` of a credential."""

    def get(self, client_id: str, version: str) -> Fault | None:
        """The open breaker, or None."""
        ...

    def open(self, client_id: str, version: str, fault: Fault, until: Instant) -> Fault | None:
        """Open it or move its `retry_at`; the breaker as it was, None only for the one that opened
        it. From `until` on it may be forgotten."""
        ...

    def announce(self, client_id: str, version: str) -> bool:
        """Whether the operator is to be told: True for one, once as long as it is open."""
        ...

    def probe(self, client_id: str, version: str, now: Instant, retry_at: Instant) -> bool:
        """Take the one attempt that is due: move `retry_at` on if it is at or before `now`; False
        if it is not, or the breaker is closed. One winner."""
        ...

    def close(self, client_id: str, version: str) -> bool:
        """Close it; True if it was open."""
        ...

    def remind(self, client_id: str, version: str, now: Instant, until: Instant) -> bool:
        """Whether a reminder about this version is due; if so, the next one is at `until`. One
        winner."""
        ...
