"""Signing keys made at start, the JWKS document, and ID tokens.

Work and personal accounts have keys of their own, each bound to its issuer, as Microsoft's are:
https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from .directory import PERSONAL_TENANT


class Key:
    """One RSA key with its id."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(
            self.private.public_key(), as_dict=True
        )
        self.id = _b64(hashlib.sha256(self.public["n"].encode()).digest()[:20])

    def jwk(self, issuer: str) -> dict[str, Any]:
        """The public half, as the keys document lists it."""
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": self.public["n"],
            "e": self.public["e"],
            "issuer": issuer,
        }


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
                self.work.jwk(f"{base_url}/{{tenantid}}/v2.0"),
                self.personal.jwk(f"{base_url}/{PERSONAL_TENANT}/v2.0"),
            ]
        }

    def sign(self, claims: dict[str, Any], signature: str = "own") -> str:
        """An RS256 JWT. `signature`: ``own``; ``foreign`` (right key id, wrong key); ``none``."""
        key = self.personal if claims.get("tid") == PERSONAL_TENANT else self.work
        if signature == "none":
            return jwt.encode(claims, "", algorithm="none")
        private = self.foreign.private if signature == "foreign" else key.private
        return jwt.encode(claims, private, algorithm="RS256", headers={"kid": key.id})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
