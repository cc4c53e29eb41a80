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

MAX_ACCESS_TOKEN = 32_768
"""Characters. Microsoft's have a few thousand; five of this size still fit into one item."""
MAX_REFRESH_TOKEN = 131_072
"""Characters. Microsoft's have about two thousand; it has an item of 400 KB for itself."""
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


class Unusable(Problem):
    """A 200 without an access token that can be used. The refresh token that came along, if one
    did, is good all the same: perhaps the only one from now on."""

    def __init__(self, detail: str, refresh_token: Secret | None) -> None:
        self.refresh_token = refresh_token
        super().__init__("provider_error", detail)


def parse(reply: Reply, asked_at: float, asked: str) -> TokenResponse:
    """The tokens of a 200, or `Unusable` naming the field that is wrong.

    `asked`: the scopes of the request, for an answer without `scope` means those (§5.1).
    """
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Unusable("The token endpoint's answer is not a JSON object.", None)
    refresh_token = _secret(body, "refresh_token", MAX_REFRESH_TOKEN)
    access_token = _secret(body, "access_token", MAX_ACCESS_TOKEN)
    expires_in = _seconds(body.get("expires_in"))
    scope = _scope(body.get("scope"), asked)
    if str(body.get("token_type")).lower() != "bearer":
        raise Unusable("The token endpoint's answer has no Bearer token_type.", refresh_token)
    if access_token is None:
        raise Unusable("The token endpoint's answer has no usable access_token.", refresh_token)
    if expires_in is None:
        raise Unusable("The token endpoint's answer has no sane expires_in.", refresh_token)
    if scope is None:
        raise Unusable("The token endpoint's answer has no sane scope.", refresh_token)
    return TokenResponse(
        access_token=access_token,
        refresh_token=refresh_token,
        id_token=_secret(body, "id_token", MAX_ACCESS_TOKEN),
        scope=scope,
        asked_at=asked_at,
        expires_in=expires_in,
        refresh_in=_seconds(body.get("refresh_in")),
    )


def _secret(body: Mapping[str, Any], name: str, most: int) -> Secret | None:
    """A text of 1 to `most` characters that UTF-8 can write; None for anything else."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        return None
    return Secret(value) if value.isascii() else None


def _scope(value: object, asked: str) -> str | None:
    """What the token may do; None if that cannot be told."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return asked
    return value if isinstance(value, str) and len(value) <= MAX_SCOPE else None


def _seconds(value: object) -> int | None:
    """A positive, bounded number of seconds; the older endpoints answer it as a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    return min(value, MAX_LIFE)
