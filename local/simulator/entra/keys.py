"""Entra's signing keys made at start, the JWKS document, and ID tokens.

Work and personal accounts have keys of their own, each bound to its issuer, as Microsoft's are:
https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

from __future__ import annotations

from typing import Any

import jwt

from ..keys import Key
from .directory import PERSONAL_TENANT


class Keys:
    """The platform's keys, and a foreign one to forge with."""

    def __init__(self) -> None:
        self.work = Key()
        self.personal = Key()
        self.foreign = Key()

    def document(self, base_url: str) -> dict[str, Any]:
        """`/discovery/v2.0/keys`."""
        return {
            "keys": [
                _jwk(self.work, f"{base_url}/{{tenantid}}/v2.0"),
                _jwk(self.personal, f"{base_url}/{PERSONAL_TENANT}/v2.0"),
            ]
        }

    def sign(self, claims: dict[str, Any], signature: str = "own") -> str:
        """An RS256 JWT. `signature`: ``own``; ``foreign`` (right key id, wrong key); ``none``."""
        key = self.personal if claims.get("tid") == PERSONAL_TENANT else self.work
        if signature == "none":
            return jwt.encode(claims, "", algorithm="none")
        return (self.foreign if signature == "foreign" else key).sign(claims, key.id)


def _jwk(key: Key, issuer: str) -> dict[str, Any]:
    """As Microsoft lists it: bound to an issuer, without `alg`."""
    jwk = {name: value for name, value in key.jwk().items() if name != "alg"}
    return jwk | {"x5t": key.id, "issuer": issuer}
