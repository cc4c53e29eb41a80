"""Links, and attempts that are under way at the identity platform. Frozen values."""

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
class Ticket:
    """What an authorize or admin-consent link stands for. Stored under its value's SHA-256."""

    kind: LinkKind
    name: Name
    incarnation: Incarnation
    link: int
    expires_at: Instant
    created_by: str
    scopes: tuple[str, ...]
    allow_account_change: bool = False
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
    """SHA-256 of the ticket it began with."""
    cookie: str
    """SHA-256 of the browser's cookie."""
    nonce: str
    verifier: Secret
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: Instant
    allow_account_change: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, so that a reload shows it again."""

    cookie: str
    page: Mapping[str, Any]
    expires_at: Instant
