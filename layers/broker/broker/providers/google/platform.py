"""Google as the identity platform of people who sign in to a service with it.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import urlencode

from broker.domain.connection import Account, Connection
from broker.domain.names import IdentityProvider
from broker.domain.secret import Secret
from broker.ports.errors import Reason
from broker.providers.claims import Demands
from broker.providers.diagnosis import Diagnosis
from broker.providers.google import diagnosis, id_token
from broker.providers.platform import AuthorizationRequest
from broker.providers.terms import Endpoint
from broker.providers.token_response import TokenResponse

ISSUER = "https://accounts.google.com"
TOKEN_HOST = "https://oauth2.googleapis.com"  # noqa: S105 (a host)
SCOPES = "openid email profile"
"""All that is asked for: Google has no scope of the service's; its own API judges the account."""
REQUIRED = frozenset({"openid", "email"})
_ALIAS = "https://www.googleapis.com/auth/userinfo."
"""Google answers `email` and `profile` by their long names."""


@dataclass(frozen=True, slots=True)
class Google:
    """`Platform`. `stand_in`: a URL in place of both of Google's hosts; '' for Google itself."""

    name: ClassVar[IdentityProvider] = "google"
    redirect_path: ClassVar[str] = "/callback/google"
    stand_in: str = ""

    @property
    def origin(self) -> str:
        return self.stand_in or ISSUER

    @property
    def form_targets(self) -> tuple[str, ...]:
        return (self.origin,)

    def authority(self, tenant: str) -> str:
        return self.origin  # there are no tenants

    def authorize_url(self, request: AuthorizationRequest) -> str:
        query = {
            "client_id": request.client_id,
            "redirect_uri": request.redirect_uri,
            "state": request.state.open(),
            "response_type": "code",
            "scope": SCOPES,
            "nonce": request.nonce,
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
            # A refresh token comes only offline, and again only if consent is asked for again.
            "access_type": "offline",
            "prompt": "consent select_account",
        }
        return f"{self.origin}/o/oauth2/v2/auth?{urlencode(query)}"

    def admin_consent_url(self, request: AuthorizationRequest) -> str:
        return self.authorize_url(request)  # Workspace administrators have a console, no link

    def came_from_here(self, params: Mapping[str, str]) -> bool:
        """RFC 9207 §2.4: compared as plain strings. Absent counts as ours: Google has sent it
        since 2026, and not to every client at once."""
        return params.get("iss", self.origin) == self.origin

    def token_endpoint(self, authority: str) -> str:
        return f"{self.stand_in or TOKEN_HOST}/token"

    def scope_fields(self, scopes: str) -> Mapping[str, str]:
        return {}

    def diagnose(
        self, leg: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float
    ) -> Diagnosis:
        return diagnosis.diagnose(leg, status, headers, body, now)

    def diagnose_redirect(self, leg: Endpoint, params: Mapping[str, str]) -> Diagnosis:
        return diagnosis.diagnose_redirect(leg, params)

    def diagnose_transport(self, leg: Endpoint, reason: Reason) -> Diagnosis:
        return diagnosis.diagnose_transport(leg)

    def verify(self, id_token_: Secret | None, demands: Demands) -> Account:
        return id_token.verify(id_token_, demands)

    def received(self, tokens: TokenResponse, asked: str) -> TokenResponse:
        """Google's own scopes only say that the identity was given. With it the token opens the
        service's API by whose it is; without it, it opens nothing."""
        answered = {name.removeprefix(_ALIAS) for name in tokens.scope.split()}
        whole = tokens.scope == asked or answered >= REQUIRED
        return replace(tokens, scope=asked if whole else "")

    def throttled_together(self, connection: Connection, authority: str) -> str:
        return authority
