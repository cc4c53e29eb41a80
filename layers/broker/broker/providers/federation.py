"""The token that AWS issues for the function's role, as the client's assertion.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any, ClassVar

from broker.domain.credentials import CredentialKind
from broker.ports.ambient import Clock
from broker.ports.credentials import FederatedJwt, Unusable, WebIdentity, WebIdentityToken
from broker.providers.credential_findings import problem

AUDIENCE = "api://AzureADTokenExchange"
"""What Entra expects; the roles' policies admit nothing else."""
MARGIN = 15
"""Seconds before a token's end from when on it is not used again: longer than a request takes."""


@dataclass(slots=True)
class Held:
    """The token this environment holds."""

    issued: WebIdentityToken | None = None


@dataclass(frozen=True, slots=True)
class FederatedCredentials:
    """`ports.Credentials` of the kind `federated`. Asks once in a token's life."""

    kind: ClassVar = CredentialKind.FEDERATED
    web_identity: WebIdentity
    clock: Clock
    held: Held = field(default_factory=Held)

    def current(self, *, fresh: bool = False) -> FederatedJwt:  # noqa: ARG002 (never stale)
        issued = self.held.issued
        if issued is None or self.clock() >= issued.expires_at - MARGIN:
            issued = self.held.issued = self._ask()
        return _described(issued)

    def previous(self) -> FederatedJwt | None:
        return None

    def _ask(self) -> WebIdentityToken:
        try:
            return self.web_identity.token(AUDIENCE)
        except Unusable as unusable:
            finding = unusable.finding
        raise problem(finding)


def _described(issued: WebIdentityToken) -> FederatedJwt:
    claims = _unverified_claims(issued.token.open())
    compared = [str(claims.get(name, "?")) for name in ("iss", "sub", "aud")]
    issuer, subject, audience = compared
    return FederatedJwt(
        version=hashlib.sha256("\n".join(compared).encode()).hexdigest()[:32],
        token=issued.token,
        names=f"Entra must have, letter for letter: issuer {issuer}, subject {subject}, "
        f"audience {audience}.",
    )


def _unverified_claims(token: str) -> dict[str, Any]:
    """AWS's own words about our own role, for people: nothing is decided by them."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
