"""The account's token issuer: keys, documents, tokens, and the switches of the control API.

Claims and errors: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
and https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from ..keys import Key
from .emulator import Function

NAMESPACE = "https://sts.amazonaws.com/"
"""Of the claims that are AWS's own."""

DEFAULT_SECONDS = 300
LEDGER_SIZE = 20_000


class Refused(Exception):  # noqa: N818 (it is an answer)
    """An AWS error: its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(code)


@dataclass(slots=True)
class Settings:
    """`enabled`: outbound federation is on. `session_seconds`: left of every caller's session, None
    for ever. `documents_status`: what the issuer's documents answer. `refuse`: the next requests'
    errors, ``[{code, message, status, times}]``."""

    enabled: bool = True
    session_seconds: int | None = None
    documents_status: int = 200
    refuse: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one GetWebIdentityToken."""

    audiences: tuple[str, ...]
    algorithm: str
    seconds: int
    tags: dict[str, str]
    region: str


class Issuer:
    """One account's issuer. Everything happens under `lock`."""

    def __init__(self) -> None:
        self.url = ""
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """New keys, default switches, empty ledger."""
        self.settings = Settings()
        self.keys = [Key()]
        self.elliptic = ec.generate_private_key(ec.SECP384R1())
        self.ledger: deque[dict[str, Any]] = deque(maxlen=LEDGER_SIZE)

    def rotate(self) -> None:
        """Sign with a new key; the old one stays published."""
        self.keys.insert(0, Key())

    def configuration(self) -> dict[str, Any]:
        """`/.well-known/openid-configuration`."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES384"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "jti", NAMESPACE],
        }

    def jwks(self) -> dict[str, Any]:
        """`/.well-known/jwks.json`."""
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.elliptic.public_key(), as_dict=True)
        elliptic = {**public, "use": "sig", "alg": "ES384", "kid": "EC384_0"}
        return {"keys": [*(key.jwk() for key in self.keys), elliptic]}

    def issue(self, caller: Function, asked: Asked) -> tuple[str, int]:
        """A token and its end in epoch seconds. Raises Refused."""
        self._scripted()
        if not self.settings.enabled:
            raise Refused(
                "OutboundWebIdentityFederationDisabledException",
                "Outbound web identity federation is not enabled for this account.",
                403,
            )
        left = self.settings.session_seconds
        if left is not None and asked.seconds > left:
            raise Refused(
                "SessionDurationEscalationException",
                "The requested token duration would extend the session beyond its expiration.",
                403,
            )
        claims = _claims(self.url, caller, asked)
        if asked.algorithm == "ES384":
            headers = {"kid": "EC384_0"}
            token = jwt.encode(claims, self.elliptic, algorithm="ES384", headers=headers)
        else:
            token = self.keys[0].sign(claims)
        return token, claims["exp"]

    def _scripted(self) -> None:
        if not self.settings.refuse:
            return
        error = self.settings.refuse[0]
        error["times"] = error.get("times", 1) - 1
        if error["times"] <= 0:
            self.settings.refuse.pop(0)
        raise Refused(error["code"], error.get("message", "Scripted."), error.get("status", 403))

    def record(self, **entry: Any) -> None:
        """One line; no token in it."""
        self.ledger.append({"at": time.time(), **entry})


def _claims(issuer: str, caller: Function, asked: Asked) -> dict[str, Any]:
    now = int(time.time())
    several = len(asked.audiences) > 1
    return {
        "iss": issuer,
        "aud": list(asked.audiences) if several else asked.audiences[0],
        "sub": caller.role_arn,
        "iat": now,
        "exp": now + asked.seconds,
        "jti": str(uuid.uuid4()),
        NAMESPACE: {
            "aws_account": caller.account,
            "source_region": asked.region,
            "principal_id": caller.role_arn,
            "lambda_source_function_arn": caller.arn,
        }
        | ({"request_tags": asked.tags} if asked.tags else {}),
    }
