"""Links, and attempts that are under way at the identity platform. Frozen values.

Nothing here decides anything: what a link allows lies in the connection (`OpenLink`), beside the
digests of its tickets, and an attempt counts only while it agrees with that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.names import Incarnation, Instant, Name
from broker.domain.secret import Secret


class LinkKind(StrEnum):
    """What a link is for; a link of one kind never completes the other."""

    AUTHORIZE = "authorize"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class OpenLink:
    """All that the link which is open now decides. Nothing of it is believed from elsewhere."""

    scopes: tuple[str, ...]
    """What the owner is asked for."""
    created_by: str
    """ARN of who made it."""
    expires_at: Instant
    allow_account_change: bool = False
    send: bool = False
    """Whether it is to be mailed to the owner."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which connection an authorize or admin-consent link leads to, and how it was used. Stored
    under its value's SHA-256."""

    kind: LinkKind
    name: Name
    incarnation: Incarnation
    link: int
    expires_at: Instant
    opened_at: Instant | None = None
    started_at: Instant | None = None
    returned_at: Instant | None = None
    starts: int = 0
    record: str | None = None
    """SHA-256 of the ticket that keeps the counts, if not this one: an administrator's link made
    for a page counts with the one the operator was given."""


@dataclass(frozen=True, slots=True)
class State:
    """One attempt under way at Microsoft. Stored under its value's SHA-256."""

    kind: LinkKind
    name: Name
    incarnation: Incarnation
    epoch: int
    link: int
    ticket: str
    """SHA-256 of the ticket it began with: one of the connection's, or the callback refuses it."""
    cookie: str
    """SHA-256 of the browser's cookie."""
    nonce: str
    verifier: Secret
    redirect_uri: str
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt has come, for a browser that comes back with a state it cannot claim."""

    cookie: str
    """SHA-256 of the browser's cookie."""
    expires_at: Instant
    claimed_at: Instant | None = None
    page: Mapping[str, Any] | None = None
    """How it ended, so that a reload shows it again; None: it has not ended yet."""
