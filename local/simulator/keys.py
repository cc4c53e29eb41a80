"""RSA signing keys as OpenID issuers publish them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class Key:
    """One RSA key with its id."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(
            self.private.public_key(), as_dict=True
        )
        self.id = _b64(hashlib.sha256(self.public["n"].encode()).digest()[:20])

    def jwk(self) -> dict[str, Any]:
        """The public half, as a keys document lists it."""
        public = {"n": self.public["n"], "e": self.public["e"]}
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, **public}

    def sign(self, claims: dict[str, Any], kid: str | None = None) -> str:
        """An RS256 JWT. `kid`: another key's id, to forge with."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": kid or self.id})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
