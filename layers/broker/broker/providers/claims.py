"""Claims of an ID token, declared and judged: OpenID Connect Core 1.0 §2 and §3.1.3.7.

A provider declares each claim it knows once: required (with the check it must pass), judged
elsewhere, or deliberately unchecked. What nobody declared is counted as unknown.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from broker.domain.problems import Problem
from broker.domain.secret import Secret

LEEWAY = 300
"""Seconds of clock skew allowed, as the providers' own libraries do."""
MAX_LENGTH = 16_384

Check = Callable[[Any, "Demands"], bool]


@dataclass(frozen=True, slots=True)
class Demands:
    """What the token must say."""

    issuer: str
    """The provider's origin, without a slash at the end."""
    client_id: str
    now: float
    nonce: str | None
    """None for a refresh: its ID token carries none (§12.2)."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What becomes of each claim a provider is known to send."""

    provider: str
    """For people: "Microsoft"."""
    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    """Checked where present."""
    elsewhere: frozenset[str]
    unchecked: frozenset[str]

    def read(self, id_token: Secret | None, demands: Demands) -> Mapping[str, Any]:
        """The claims, if each passes; else `provider_error` naming the claim, never its value."""
        claims = decoded(id_token)
        if claims is None:
            self.refuse("format")
        for name, check in self.required.items():
            if not check(claims.get(name), demands):
                self.refuse(name)
        for name, check in self.optional.items():
            if claims.get(name) is not None and not check(claims[name], demands):
                self.refuse(name)
        return claims

    def unknown(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """The claims that nobody declared."""
        declared = self.required.keys() | self.optional.keys() | self.elsewhere | self.unchecked
        return frozenset(claims) - declared

    def refuse(self, claim: str) -> NoReturn:
        """The token is not acceptable, because of this claim."""
        detail = f"{self.provider}'s ID token is not acceptable: {claim}."
        raise Problem("provider_error", detail) from None


def decoded(id_token: Secret | None) -> dict[str, Any] | None:
    """The claims of a JWT in compact form, unverified; None for anything else.

    It comes straight from the token endpoint over TLS, so its origin stands in for its signature
    (§3.1.3.7, point 6)."""
    text = id_token.open() if id_token else ""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MAX_LENGTH:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def is_audience(value: object, demands: Demands) -> bool:
    """`aud`: the client alone."""
    return value in (demands.client_id, [demands.client_id])


def is_ahead(value: Any, demands: Demands) -> bool:
    """`exp`: not over."""
    return is_number(value) and bool(value + LEEWAY >= demands.now)


def is_past(value: Any, demands: Demands) -> bool:
    """`nbf`, `iat`: begun."""
    return is_number(value) and bool(value - LEEWAY <= demands.now)


def is_nonce(value: object, demands: Demands) -> bool:
    """`nonce`: that of the attempt, if there was one."""
    return demands.nonce is None or value == demands.nonce


def is_number(value: object) -> bool:
    """A JSON number; a bool is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
