"""A web application that does everything right, and mistakes on request: None drops a field."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from local.simulator.client import Platform
from local.simulator.world import Registration

ADS = "https://ads.microsoft.com/msads.manage"
GRAPH = "https://graph.microsoft.com/User.Read"
SCOPE = f"openid profile offline_access {ADS}"
OWNER = "owner@contoso.example"
PERSONAL = "personal@outlook.example"
FABRIKAM = "owner@fabrikam.example"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())[:43].decode()


@dataclass(frozen=True, slots=True)
class Application:
    """The registered client of a platform."""

    platform: Platform
    registration: Registration

    def authorize_url(self, *, tenant: str = "common", **changes: Any) -> str:
        """A correct authorize URL, with changes."""
        fields: dict[str, str | None] = {
            "client_id": self.registration.client_id,
            "response_type": "code",
            "redirect_uri": self.registration.redirect_uris[0],
            "scope": SCOPE,
            "state": "a state/with+odd&characters",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return self.url(f"{tenant}/oauth2/v2.0/authorize", fields | changes)

    def admin_url(self, *, tenant: str = "organizations", **changes: Any) -> str:
        """A correct admin-consent URL, with changes."""
        fields: dict[str, str | None] = {
            "client_id": self.registration.client_id,
            "redirect_uri": self.registration.redirect_uris[0],
            "scope": ADS,
            "state": "admin-state",
        }
        return self.url(f"{tenant}/v2.0/adminconsent", fields | changes)

    def url(self, path: str, fields: dict[str, str | None]) -> str:
        """An URL of the platform."""
        given = {name: value for name, value in fields.items() if value is not None}
        return f"{self.platform.base_url}/{path}?{urlencode(given)}"

    def code(self, user: str = OWNER, /, **changes: Any) -> str:
        """Consent as `user` and return the authorization code."""
        consent = self.platform.consent(self.authorize_url(**changes), user)
        assert consent.redirect is not None, consent
        return returned(consent.redirect)["code"]

    def post(
        self, fields: dict[str, str | None], *, tenant: str = "common", **options: Any
    ) -> requests.Response:
        """A token request of exactly these fields."""
        given = {name: value for name, value in fields.items() if value is not None}
        url = f"{self.platform.base_url}/{tenant}/oauth2/v2.0/token"
        return requests.post(url, data=given, timeout=30, **options)

    def redeem(self, code: str, /, *, tenant: str = "common", **changes: Any) -> requests.Response:
        """A correct code redemption, with changes."""
        return self.post(self.code_form(code) | changes, tenant=tenant)

    def code_form(self, code: str) -> dict[str, str | None]:
        """The fields of a correct code redemption."""
        return {
            "client_id": self.registration.client_id,
            "client_secret": self.registration.client_secret,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.registration.redirect_uris[0],
            "code_verifier": VERIFIER,
            "scope": SCOPE,
        }

    def refresh(
        self, token: str, /, *, tenant: str = "common", **changes: Any
    ) -> requests.Response:
        """A correct refresh, with changes."""
        return self.post(self.refresh_form(token) | changes, tenant=tenant)

    def refresh_form(self, token: str) -> dict[str, str | None]:
        """The fields of a correct refresh."""
        return {
            "client_id": self.registration.client_id,
            "client_secret": self.registration.client_secret,
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": SCOPE,
        }

    def tokens(self, user: str = OWNER, scope: str = SCOPE) -> dict[str, Any]:
        """Consent and redeem: the whole token answer, for the first resource of `scope`."""
        one = scope if scope == SCOPE else " ".join(scope.split()[:4])
        answer = self.redeem(self.code(user, scope=scope), scope=one)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def returned(redirect: str) -> dict[str, str]:
    """The parameters of a redirect back to the application, in the query."""
    return {name: values[0] for name, values in parse_qs(urlsplit(redirect).query).items()}


def refusals(answer: requests.Response) -> Any:
    """The AADSTS numbers of a refusal; "ok" for a success, None without numbers."""
    return answer.json().get("error_codes", "ok" if answer.ok else None)
