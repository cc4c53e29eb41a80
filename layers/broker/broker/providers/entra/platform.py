"""The Microsoft identity platform, v2.0 endpoints.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from broker.domain.connection import Account, Connection
from broker.domain.names import SHARED_TENANTS, IdentityProvider
from broker.domain.secret import Secret
from broker.ports.errors import Reason
from broker.providers.claims import Demands
from broker.providers.diagnosis import Diagnosis
from broker.providers.entra import diagnosis, id_token
from broker.providers.platform import AuthorizationRequest
from broker.providers.terms import Endpoint
from broker.providers.token_response import TokenResponse

OIDC = "openid profile offline_access"
"""Asked for on every leg: personal accounts give a refresh token only then."""
PERSONAL_SIGN_IN = "https://login.live.com"
"""Microsoft sends personal accounts on to here. Chromium holds every redirect after a form against
the page's form-action, not only the first."""


@dataclass(frozen=True, slots=True)
class Entra:
    """`Platform`. `origin`: of the cloud in use, such as https://login.microsoftonline.com."""

    name: ClassVar[IdentityProvider] = "microsoft"
    redirect_path: ClassVar[str] = "/callback"
    origin: str

    @property
    def form_targets(self) -> tuple[str, ...]:
        return (self.origin, PERSONAL_SIGN_IN)

    def authority(self, tenant: str) -> str:
        return f"{self.origin}/{tenant}"

    def authorize_url(self, request: AuthorizationRequest) -> str:
        query = {
            "client_id": request.client_id,
            "redirect_uri": request.redirect_uri,
            "state": request.state.open(),
            "response_type": "code",
            "response_mode": "query",
            "scope": f"{OIDC} {' '.join(request.scopes)}",
            "nonce": request.nonce,
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
            # People have several accounts; a silent sign-in would take whichever is there.
            "prompt": "select_account",
        }
        return f"{self.authority(request.tenant)}/oauth2/v2.0/authorize?{urlencode(query)}"

    def admin_consent_url(self, request: AuthorizationRequest) -> str:
        """The administrator's page. https://learn.microsoft.com/entra/identity-platform/v2-admin-consent"""
        # The endpoint takes a tenant or `organizations`, never `common` or `consumers`.
        tenant = "organizations" if request.tenant in SHARED_TENANTS else request.tenant
        query = {
            "client_id": request.client_id,
            "redirect_uri": request.redirect_uri,
            "state": request.state.open(),
            "scope": " ".join(request.scopes),
        }
        return f"{self.authority(tenant)}/v2.0/adminconsent?{urlencode(query)}"

    def came_from_here(self, params: Mapping[str, str]) -> bool:
        return True  # Microsoft does not say (no `iss`): the redirect URI alone tells

    def token_endpoint(self, authority: str) -> str:
        return f"{authority}/oauth2/v2.0/token"

    def scope_fields(self, scopes: str) -> Mapping[str, str]:
        return {"scope": f"{OIDC} {scopes}"}

    def diagnose(
        self, leg: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float
    ) -> Diagnosis:
        return diagnosis.diagnose(leg, status, headers, body, now)

    def diagnose_redirect(self, leg: Endpoint, params: Mapping[str, str]) -> Diagnosis:
        return diagnosis.diagnose_redirect(leg, params)

    def diagnose_transport(self, leg: Endpoint, reason: Reason) -> Diagnosis:
        return diagnosis.diagnose_transport(leg, reason)

    def verify(self, id_token_: Secret | None, demands: Demands) -> Account:
        return id_token.verify(id_token_, demands)

    def received(self, tokens: TokenResponse, asked: str) -> TokenResponse:
        return tokens

    def throttled_together(self, connection: Connection, authority: str) -> str:
        return connection.account.tenant_id if connection.account else authority
