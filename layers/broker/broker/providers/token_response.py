"""A successful answer of the token endpoint. Pure.

RFC 6749 §5.1; https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.outside import Reply

MAX_TOKEN = 32_768
"""Characters. Microsoft's have a few thousand; eight of this size still fit into one item."""
MAX_SCOPE = 8192
"""Characters. Cut, it would hide what a token may do."""
MAX_LIFE = 172_800
"""Seconds; Microsoft's longest tokens live 28 hours."""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A successful answer, RFC 6749 §5.1. `asked_at` is from before the request, so that a token
    never seems to live longer than it does."""

    access_token: Secret
    refresh_token: Secret | None
    id_token: Secret | None
    scope: str
    asked_at: float
    expires_in: int
    refresh_in: int | None

    @property
    def expires_at(self) -> Instant:
        """When the access token ends."""
        return Instant(math.floor(self.asked_at) + self.expires_in)


def parse(reply: Reply, asked_at: float) -> TokenResponse:
    """The tokens of a 200, or `provider_error` naming the field that is wrong."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem("provider_error", "The token endpoint's answer is not a JSON object.")
    if str(body.get("token_type")).lower() != "bearer":
        raise Problem("provider_error", "The token endpoint's answer has no Bearer token_type.")
    access = _secret(body, "access_token")
    if access is None:
        raise Problem("provider_error", "The token endpoint's answer has no access_token.")
    expires_in = _seconds(body.get("expires_in"))
    if expires_in is None:
        raise Problem("provider_error", "The token endpoint's answer has no sane expires_in.")
    scope = body.get("scope", "")
    if not isinstance(scope, str) or len(scope) > MAX_SCOPE:
        raise Problem("provider_error", "The token endpoint's answer has no sane scope.")
    return TokenResponse(
        access_token=access,
        refresh_token=_secret(body, "refresh_token"),
        id_token=_secret(body, "id_token"),
        scope=scope,
        asked_at=asked_at,
        expires_in=expires_in,
        refresh_in=_seconds(body.get("refresh_in")),
    )


def _secret(body: Mapping[str, Any], name: str) -> Secret | None:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        return None
    if len(value) > MAX_TOKEN:
        raise Problem("provider_error", f"The token endpoint's {name} is too long.")
    return Secret(value)


def _seconds(value: object) -> int | None:
    """A positive, bounded number of seconds; the older endpoints answer it as a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    return min(value, MAX_LIFE)
