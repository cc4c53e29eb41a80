"""A web application that uses Google rightly, and makes mistakes on request: None drops a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from local.simulator.client import Consent, Platform
from local.simulator.google.client import GooglePlatform
from local.simulator.world import GoogleRegistration

from .application import CHALLENGE, VERIFIER, returned

OWNER = "owner@gmail.example"
WORKSPACE = "owner@workspace.example"


@dataclass(frozen=True, slots=True)
class GoogleApplication:
    """The OAuth client of a simulated Google at `url`."""

    platform: Platform
    google: GooglePlatform
    url: str
    registration: GoogleRegistration

    def authorize_url(self, **changes: Any) -> str:
        """A correct authorize URL, with changes."""
        fields: dict[str, str | None] = {
            "client_id": self.registration.client_id,
            "response_type": "code",
            "redirect_uri": self.registration.redirect_uris[0],
            "scope": "openid email profile",
            "state": "a state/with+odd&characters",
            "nonce": "nonce-1",
            "access_type": "offline",
            "prompt": "consent select_account",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        given = {name: value for name, value in (fields | changes).items() if value is not None}
        return f"{self.url}/o/oauth2/v2/auth?{urlencode(given)}"

    def consent(self, user: str = OWNER, action: str = "accept", /, **changes: Any) -> Consent:
        """How the pages end for `user`."""
        return self.platform.consent(self.authorize_url(**changes), user, action)

    def code(self, user: str = OWNER, /, **changes: Any) -> str:
        """A fresh authorization code."""
        consent = self.consent(user, **changes)
        assert consent.redirect is not None, consent
        return returned(consent.redirect)["code"]

    def post(self, path: str, fields: dict[str, Any], **options: Any) -> requests.Response:
        """A request of exactly these fields."""
        given = {name: value for name, value in fields.items() if value is not None}
        return requests.post(f"{self.url}/{path}", data=given, timeout=30, **options)

    def redeem(self, code: str, /, **changes: Any) -> requests.Response:
        """A correct code redemption, with changes."""
        return self.post("token", self.code_form(code) | changes)

    def code_form(self, code: str) -> dict[str, Any]:
        """The fields of a correct code redemption."""
        return {
            **self._client(),
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.registration.redirect_uris[0],
            "code_verifier": VERIFIER,
        }

    def refresh(self, token: str, /, **changes: Any) -> requests.Response:
        """A correct refresh, with changes."""
        form = {**self._client(), "grant_type": "refresh_token", "refresh_token": token}
        return self.post("token", form | changes)

    def tokens(self, user: str = OWNER, /, **changes: Any) -> dict[str, Any]:
        """Consent and redeem: the whole token answer."""
        answer = self.redeem(self.code(user, **changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _client(self) -> dict[str, str]:
        return {
            "client_id": self.registration.client_id,
            "client_secret": self.registration.client_secret,
        }
