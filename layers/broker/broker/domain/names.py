"""Names and ids: different types for different things, checked where they enter."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, NewType
from urllib.parse import urlsplit

from broker.domain.problems import Problem

Name = NewType("Name", str)
"""A connection's slug, checked."""
Incarnation = NewType("Incarnation", str)
"""Random id of one creation of a name."""
Instant = NewType("Instant", int)
"""Seconds since the epoch, UTC."""

IdentityProvider = Literal["microsoft", "google"]
"""Where an owner signs in, as `identity_provider` says it in the API."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")

SHARED_TENANTS = ("common", "organizations", "consumers")
"""Tenant segments that name no single tenant.
https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc"""
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant id in tokens of personal Microsoft accounts."""


def slug(text: object) -> Name:
    """The connection's name, or `invalid_request`."""
    if not isinstance(text, str) or not _SLUG.fullmatch(text):
        raise Problem(
            "invalid_request",
            "connection: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.",
        )
    return Name(text)


def guid(text: object, field: str) -> str:
    """A lower-case GUID, or `invalid_request` naming the field."""
    if not isinstance(text, str) or not _GUID.fullmatch(text.lower()):
        raise Problem("invalid_request", f"{field}: must be a GUID.")
    return text.lower()


def tenant(text: object, field: str = "tenant") -> str:
    """A tenant segment: common, organizations, consumers, a GUID or a domain, lower-case."""
    if isinstance(text, str):
        lower = text.lower()
        if lower in SHARED_TENANTS or _GUID.fullmatch(lower) or _DOMAIN.fullmatch(lower):
            return lower
    raise Problem(
        "invalid_request",
        f"{field}: must be common, organizations, consumers, a tenant id (GUID) or a domain.",
    )


def single_tenant(segment: str) -> str:
    """The tenant if the segment names one, else '': `common` and its like tell people nothing."""
    return "" if segment in SHARED_TENANTS else segment


def is_guid(text: str) -> bool:
    """Whether the text is a lower-case GUID."""
    return bool(_GUID.fullmatch(text))


def secure(url: str) -> bool:
    """Whether a URL is https, or http to this very machine (the local stack)."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.netloc) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def rfc3339(instant: int) -> str:
    """`2026-11-21T01:02:03Z`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
